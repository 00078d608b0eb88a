"""Decides in which form and size a picture goes to each place: as it is, or the best that fits.

The limits of every place stand here and nowhere else. Reading and encoding is done in threads, and
one large picture at a time is made smaller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog

from bot.desk.fitting import JPEG, PNG, WEBP, Fitted, fit, fit_image

if TYPE_CHECKING:
    from PIL import Image

    from bot.desk.links import Links
    from storage.pictures import PictureRow, Pictures

T = TypeVar("T")

log = structlog.get_logger(__name__)

MIB = 1024 * 1024
DISCORD_REQUEST = 25 * MIB
"""Bytes that one message with all its files may have on Discord."""
WORDS = 64 * 1024
"""Bytes of a message that are left to the words around the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a place takes of one picture: so many bytes, in one of these forms.

    `sides` are the pixels of width and height together, `ratio` is the longer by the shorter one.
    A file that is in one of `as_is` already stays as it is if it is small enough.
    """

    bytes: int
    forms: frozenset[str] = frozenset({WEBP, JPEG})
    as_is: frozenset[str] = frozenset({PNG, WEBP, JPEG})
    sides: int | None = None
    ratio: float | None = None

    def shows(self, width: int, height: int) -> bool:
        """Whether a picture of these pixels may go there at all."""
        short, long = sorted((max(1, width), max(1, height)))
        if self.sides is not None and width + height > self.sides:
            return False
        return self.ratio is None or long / short <= self.ratio


TELEGRAM_PHOTO = Room(
    bytes=10_000_000,
    forms=frozenset({JPEG}),
    as_is=frozenset({PNG, JPEG}),
    sides=10_000,
    ratio=20,
)
"""What Telegram shows as a photo."""
TELEGRAM_FILE = Room(bytes=50_000_000)
"""What Telegram takes as a document."""
TELEGRAM_SHOWN = 2560
"""Pixels of the longer side that Telegram keeps of a photo."""


def discord_room(limit: int, sizes: Sequence[int], *, together: int = DISCORD_REQUEST) -> Room:
    """What Discord takes of each picture of a message, where one file may have `limit` bytes.

    `sizes` are the bytes that the pictures have, `together` those that one message may have; where
    a single file may have more, so may the message.
    """
    together = (max(together, limit) if limit > DISCORD_REQUEST else together) - WORDS
    if sum(min(each, limit) for each in sizes) <= together:
        return Room(bytes=min(limit, together))
    return Room(bytes=min(limit, together // max(1, len(sizes))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One picture as it goes out: its file, and how that differs from what was painted."""

    row: PictureRow
    data: bytes
    form: str
    width: int
    height: int
    lossless: bool
    whole: str | None = None
    """Where the file as it was painted can be fetched, if that is possible from outside."""

    def name(self, stem: str) -> str:
        """What the file is called: never by a prompt."""
        return f"{stem}.{'jpg' if self.form == JPEG else self.form}"

    @property
    def smaller(self) -> bool:
        """Whether something of the picture is missing in this file."""
        return not self.lossless or (self.width, self.height) != (self.row.width, self.row.height)


class Parcels:
    """Reads pictures and makes them fit: reading in `files`, encoding in `fitting`."""

    def __init__(
        self, *, pictures: Pictures, files: Executor, fitting: Executor, links: Links | None = None
    ) -> None:
        self._pictures = pictures
        self._files = files
        self._fitting = fitting
        self._links = links

    async def pack(self, row: PictureRow, room: Room) -> Packed | None:
        """The picture for a place; None if its file is gone. Of its pixels nothing is asked."""
        data = await self.read(row)
        if data is None:
            return None
        fitted = await self._fitted(row, data, room)
        return Packed(
            row=row,
            data=fitted.data,
            form=fitted.form,
            width=fitted.width,
            height=fitted.height,
            lossless=fitted.quality is None,
            whole=self.whole(row),
        )

    def whole(self, row: PictureRow) -> str | None:
        """The address of the file as it was painted, if it can be reached from outside."""
        return None if self._links is None else self._links.to(row.id)

    async def pack_all(self, rows: Sequence[PictureRow], room: Room) -> list[Packed]:
        """Each of the pictures that are still there."""
        found = [await self.pack(row, room) for row in rows]
        return [each for each in found if each is not None]

    async def compose(
        self,
        rows: Sequence[PictureRow],
        room: Room,
        arrange: Callable[[Sequence[bytes]], Image.Image],
    ) -> Fitted | None:
        """One file of what `arrange` makes of the pictures; None if all of them are gone."""
        found = [await self.read(row) for row in rows]
        datas = [each for each in found if each is not None]
        if not datas:
            return None

        def composed() -> Fitted:
            return fit_image(arrange(datas), room.bytes, forms=room.forms)

        return await self._in(self._fitting, composed)

    async def read(self, row: PictureRow) -> bytes | None:
        """The file as it was painted; None if it is gone."""
        path = self._pictures.path(row)
        try:
            return await self._in(self._files, path.read_bytes)
        except FileNotFoundError:
            log.warning("a picture is gone", picture=row.id)
            return None

    async def _fitted(self, row: PictureRow, data: bytes, room: Room) -> Fitted:
        form = row.file.rpartition(".")[2].replace("jpg", JPEG)
        if len(data) <= room.bytes and form in room.as_is:
            return Fitted(data=data, form=form, width=row.width, height=row.height)
        fitted = await self._in(
            self._fitting, lambda: fit(data, room.bytes, forms=room.forms, as_is=room.as_is)
        )
        log.info(
            "a picture was made to fit",
            picture=row.id,
            bytes=len(data),
            limit=room.bytes,
            form=fitted.form,
            quality=fitted.quality,
            now=len(fitted.data),
            tries=fitted.tries,
        )
        return fitted

    async def _in(self, executor: Executor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, work)
