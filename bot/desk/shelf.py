"""Fetches the pictures to start from and puts finished ones away, always in a file thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, TypeVar

from bot.desk.errors import SourceGone
from engine.errors import InvalidRequest
from engine.images import decode_source, masked, size_of
from engine.request import ALPHA
from engine.thumbnails import thumbnail
from storage.errors import NotFound
from storage.picture import Veil

if TYPE_CHECKING:
    from engine.request import Paint
    from engine.thread import Encoded, Painted
    from storage.pictures import NewPicture, Pictures
    from storage.sources import Sources

T = TypeVar("T")


class Shelf:
    """The picture files as the desk needs them.

    A source is named "upload:<id>" if somebody brought it, "picture:<id>" if it was painted here.
    """

    def __init__(self, *, pictures: Pictures, sources: Sources, files: Executor) -> None:
        self._pictures = pictures
        self._sources = sources
        self._files = files

    async def receive(self, data: bytes, person: int) -> str:
        """Check a picture that somebody brought and keep it; returns its name.

        Raises `BadSource`, `DiskFull`, `TooManyUploads`.
        """

        def check_and_keep() -> str:
            decode_source(data)
            return self._sources.write(data)

        await self._sources.check(person)
        source_id = await self._in_thread(check_and_keep)
        await self._sources.brought(source_id, person, len(data))
        return f"upload:{source_id}"

    async def used(self, name: str) -> None:
        """Somebody starts from this source now: an upload is kept for longer."""
        kind, _, source_id = name.partition(":")
        if kind == "upload":
            await self._sources.used(source_id)

    async def source(self, name: str | None) -> bytes | None:
        """The bytes of a source. Raises `SourceGone`, or `InvalidRequest` for no name of ours."""
        if name is None:
            return None
        kind, _, source_id = name.partition(":")
        try:
            if kind == "picture":
                path = self._pictures.path(await self._pictures.get(source_id))
                return await self._in_thread(path.read_bytes)
            if kind == "upload":
                return await self._in_thread(lambda: self._sources.read(source_id))
        except (NotFound, FileNotFoundError):
            raise SourceGone(name) from None
        raise InvalidRequest("source", name[:60], "picture:…, upload:…")

    async def ingredient(self, paint: Paint) -> bytes | None:
        """The file that has to be there for `paint`: a picture, or its latents; None for none.

        Raises what `source` raises.
        """
        if paint.latents_of is None:
            return await self.source(paint.needs)
        try:
            return await self._pictures.latent(paint.latents_of.removeprefix("picture:"))
        except NotFound:
            raise SourceGone(paint.latents_of) from None

    async def mask(self, paint: Paint) -> bytes | None:
        """The file of its mask, if that is not in the source. Raises what `source` raises."""
        return await self.source(paint.mask) if paint.mask not in (None, ALPHA) else None

    async def check_mask(self, paint: Paint) -> None:
        """Refuse a mask that cannot be read (`BadSource`) or marks nothing (`NothingMasked`)."""
        source, mask = await self.source(paint.source) or b"", await self.mask(paint)
        await self._in_thread(lambda: masked(source, mask))

    async def size(self, name: str) -> tuple[int, int]:
        """Width and height of a source. Raises what `source` raises, and `BadSource`."""
        data = await self.source(name) or b""
        return await self._in_thread(lambda: size_of(data))

    async def keep(
        self, painted: Painted, veil: Callable[[Encoded], Veil] = lambda picture: Veil.OPEN
    ) -> list[NewPicture]:
        """Write the pictures to the disk, all or none; `veil` says how each is shown."""
        return await self._in_thread(lambda: self._write(painted, veil))

    async def discard(self, kept: list[NewPicture]) -> None:
        """Remove pictures again that nobody will get."""
        await self._in_thread(lambda: self._pictures.discard(kept))

    def _write(self, painted: Painted, veil: Callable[[Encoded], Veil]) -> list[NewPicture]:
        kept: list[NewPicture] = []
        try:
            for each in painted.pictures:
                kept.append(  # noqa: PERF401 - what was written is needed if the next one fails
                    self._pictures.write(
                        each.png,
                        index=each.index,
                        seed=each.paint.seed,
                        width=each.width,
                        height=each.height,
                        thumbnail=thumbnail(each.png),
                        latent=each.latents,
                        veil=veil(each),
                    )
                )
        except BaseException:
            self._pictures.discard(kept)
            raise
        return kept

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._files, work)
