"""Owns how much room everything takes on the disk, as somebody who looks at it wants to know."""

from __future__ import annotations

import asyncio
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot.desk.overview import DiskView, Room
from storage.database import FILE

if TYPE_CHECKING:
    from bot.desk.disk import Disk
    from bot.desk.keeping import Bounds
    from storage.retention import Retention
    from storage.sources import Sources

REMEMBERED_S = 30.0
"""Folders with many files are not walked through more often than that."""


class Rooms:
    """The rooms of one data folder."""

    def __init__(
        self,
        *,
        data: Path,
        reserve: int,
        disk: Disk,
        retention: Retention,
        sources: Sources,
        bounds: Bounds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._data = data
        self._reserve = reserve
        self._disk = disk
        self._retention = retention
        self._sources = sources
        self._bounds = bounds
        self._clock = clock
        self._sizes: dict[Path, tuple[float, int]] = {}

    @property
    def free(self) -> int:
        """The bytes that may still be written."""
        return self._disk.free

    async def look(self) -> DiskView:
        """All of it."""
        kept, bounds = await self._retention.room(), self._bounds
        database, copies = await asyncio.to_thread(self._database)
        rooms = (
            Room(
                name="pictures",
                bytes=kept.bytes,
                count=kept.pictures,
                limit=_whole(bounds.pictures_bytes),
            ),
            Room(
                name="uploads",
                bytes=await self._sources.room(),
                limit=_whole(bounds.uploads_bytes),
            ),
            Room(
                name="cache",
                bytes=await self.size(self._data / "cache"),
                limit=_whole(bounds.cache_bytes),
            ),
            Room(name="models", bytes=await self.size(self._data / "models")),
            Room(name="database", bytes=database),
            Room(name="copies", bytes=copies),
        )
        total = (await asyncio.to_thread(shutil.disk_usage, self._data)).total
        return DiskView(
            folder=str(self._data.absolute()),
            total=total,
            free=self._disk.free,
            reserve=self._reserve,
            full=self._disk.full,
            rooms=rooms,
        )

    async def size(self, folder: Path) -> int:
        """The bytes of all files in it, as of a moment ago; 0 if it is not there."""
        now = self._clock()
        when, size = self._sizes.get(folder, (-math.inf, 0))
        if now - when > REMEMBERED_S:
            size = await asyncio.to_thread(lambda: sum(_sizes(folder)))
            self._sizes[folder] = (now, size)
        return size

    def forget(self) -> None:
        """Something went: look anew."""
        self._sizes.clear()

    def _database(self) -> tuple[int, int]:
        ours = copies = 0
        for path in self._data.glob(f"{FILE}*"):
            with suppress(FileNotFoundError):
                size = path.stat().st_size
                if ".before-" in path.name:
                    copies += size
                else:
                    ours += size
        return ours, copies


def _sizes(folder: Path) -> Iterator[int]:
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink():
                yield path.stat().st_size


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
