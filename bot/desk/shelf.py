"""Fetches the pictures to start from and puts finished ones away, always in a file thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, TypeVar

from bot.desk.errors import SourceGone
from engine.errors import InvalidRequest
from engine.images import decode_source
from storage.errors import NotFound

if TYPE_CHECKING:
    from engine.thread import Painted
    from storage.pictures import NewPicture, Pictures, Sources

T = TypeVar("T")


class Shelf:
    """The picture files as the desk needs them.

    A source is named "upload:<id>" if somebody brought it, "picture:<id>" if it was painted here.
    """

    def __init__(self, *, pictures: Pictures, sources: Sources, files: Executor) -> None:
        self._pictures = pictures
        self._sources = sources
        self._files = files

    async def receive(self, data: bytes) -> str:
        """Check an uploaded picture and keep it; returns its name. Raises `BadSource`."""

        def check_and_keep() -> str:
            decode_source(data)
            return self._sources.write(data)

        return f"upload:{await self._in_thread(check_and_keep)}"

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

    async def keep(self, painted: Painted) -> list[NewPicture]:
        """Write the pictures to the disk, all or none."""
        return await self._in_thread(lambda: self._write(painted))

    async def discard(self, kept: list[NewPicture]) -> None:
        """Remove pictures again that nobody will get."""
        await self._in_thread(lambda: self._pictures.discard(kept))

    def _write(self, painted: Painted) -> list[NewPicture]:
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
                    )
                )
        except BaseException:
            self._pictures.discard(kept)
            raise
        return kept

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._files, work)
