"""Owns whether there is room on the disk: nothing new is taken on while its reserve is touched.

The reserve is for what was taken on already: the database, deliveries, what waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from storage.errors import DiskFull
from storage.files import free_bytes, remove, write_whole

log = structlog.get_logger(__name__)

LOOKS_S = 5.0
AGAIN_S = 1.0
"""How often it looks, as a rule and while the disk is full."""
PROBE_BYTES = 1_000_000
PROBE = "room"
"""The name of a file that is written to see whether anything can be."""


class Disk:
    """The disk of the data folder: `full` now or not, `check` for a request, `watch` as a task."""

    def __init__(
        self, folder: Path, reserve: int, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self._folder = folder
        self._reserve = reserve
        self._free = free
        self._refused = False  # something did not fit; numbers alone do not tell that it would now
        self._told = False
        self._looks = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether nothing more should be painted now."""
        return self._refused or self._free(self._folder) < self._reserve

    @property
    def free(self) -> int:
        """The bytes that may still be written."""
        return self._free(self._folder)

    def check(self) -> None:
        """Refuse what is new while the disk is full. Raises `DiskFull`."""
        if self.full:
            self._looks.set()
            raise DiskFull(free=self.free, reserve=self._reserve)

    def refused(self) -> None:
        """Something really did not fit; until something does, the disk is full."""
        self._refused = True
        self._looks.set()

    async def look(self) -> bool:
        """Whether there is room now, found out by writing if need be; the operator hears news."""
        if self._refused and self._free(self._folder) >= self._reserve:
            self._refused = not await asyncio.to_thread(self._fits)
        full = self.full
        if full != self._told:
            self._told = full
            facts = {"free_mb": self.free // 1_000_000, "reserve_mb": self._reserve // 1_000_000}
            if full:
                log.error("the disk is full: nothing new is taken on, what waits stays", **facts)
            else:
                log.warning("there is room on the disk again", **facts)
        return not full

    async def watch(self, came_back: Callable[[], None]) -> None:
        """Look again and again; call `came_back` when there is room after there was none."""
        while True:
            was_full = self._told or self.full
            if await self.look() and was_full:
                came_back()
            self._looks.clear()
            if self._told:
                await asyncio.sleep(AGAIN_S)  # whoever asks meanwhile makes it no better
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKS_S):
                    await self._looks.wait()

    def _fits(self) -> bool:
        probe = self._folder / PROBE
        try:
            write_whole(probe, bytes(PROBE_BYTES))
        except (DiskFull, OSError):
            return False
        finally:
            remove([probe])
        return True
