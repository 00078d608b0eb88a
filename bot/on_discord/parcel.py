"""Packs the pictures of a job as files that Discord takes: named, and made to fit.

No prompt stands in a name. What is too large becomes a smaller form of file, never a missing one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord
import structlog

from bot.desk.parcel import DISCORD_REQUEST, discord_room
from bot.on_discord.posting import Enclosure, Fate, fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.desk.parcel import Packed, Parcels
    from storage.jobs import Job
    from storage.pictures import PictureRow

log = structlog.get_logger(__name__)

LEAST_BYTES = 64 * 1024
"""Nobody is sent a picture in fewer bytes than this for being too large."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """The files of one message and the pictures in them, in the same order."""

    files: tuple[Enclosure, ...] = ()
    packed: tuple[Packed, ...] = ()

    @property
    def pictures(self) -> tuple[PictureRow, ...]:
        """The pictures that are in it."""
        return tuple(each.row for each in self.packed)

    @property
    def smaller(self) -> tuple[Packed, ...]:
        """Those that had to become less than what was painted."""
        return tuple(each for each in self.packed if each.smaller)

    @property
    def names(self) -> tuple[str, ...]:
        """What the files are called."""
        return tuple(file.name for file in self.files)

    @property
    def largest(self) -> int:
        """The bytes of the largest file."""
        return max((len(file.data) for file in self.files), default=0)


class Packer:
    """Makes the files of a job's message; `request_limit` are the bytes that all may have."""

    def __init__(self, parcels: Parcels, *, request_limit: int = DISCORD_REQUEST) -> None:
        self._parcels = parcels
        self._request_limit = request_limit

    async def pack(self, job: Job, pictures: Sequence[PictureRow], limit: int) -> Parcel:
        """The pictures as files of at most `limit` bytes each; those that are gone are left out."""
        if not pictures:
            return Parcel()
        sizes = [row.bytes for row in pictures]
        room = discord_room(limit, sizes, together=self._request_limit)
        packed = await self._parcels.pack_all(pictures, room)
        files = (
            Enclosure(each.name(f"{job.public}-{each.row.index + 1}"), each.data) for each in packed
        )
        return Parcel(tuple(files), tuple(packed))

    async def carry(
        self,
        job: Job,
        pictures: Sequence[PictureRow],
        limit: int,
        use: Callable[[Parcel], Awaitable[None]],
    ) -> None:
        """Have `use` send the pictures, smaller ones as long as Discord finds them too large.

        Raises what `use` raises for any other reason, and when they are as small as they get.
        """
        while True:
            parcel = await self.pack(job, pictures, limit)
            try:
                await use(parcel)
                return
            except discord.HTTPException as error:
                smaller = min(limit, parcel.largest) // 2
                if fate(error) is not Fate.TOO_LARGE or smaller < LEAST_BYTES:
                    raise
                log.info("too large; the pictures are made smaller", bytes=smaller)
                limit = smaller
