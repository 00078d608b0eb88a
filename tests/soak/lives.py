"""The processes that serve one data folder one after another, and how each looks from outside."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field

import psutil

from tests.serving import Serving
from tests.soak.journal import Journal

LOOK_S = 1.0
CALM_S = 20.0
"""Memory is looked at in windows of so many seconds; what a painting takes for itself comes and
goes, so the least of each window counts."""
WARM_SHARE = 1 / 3
"""The first part of a life, in which shapes are compiled and caches fill."""
WINDOWS, ENOUGH = 20, 300
"""So many windows or looks it takes to speak of growth; what lives shorter is still filling up."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a process takes at one moment."""

    at: float
    memory: float
    """MiB that are resident."""
    handles: int
    threads: int


@dataclass(slots=True, kw_only=True)
class Life:
    """One process from its start to its end."""

    pid: int
    began: float
    ended: float | None = None
    how: str = "lives"
    looks: list[Look] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it lasted, or lasts already."""
        return (time.monotonic() if self.ended is None else self.ended) - self.began

    @property
    def settled(self) -> list[Look]:
        """What was seen once it was warm."""
        after = self.began + self.seconds * WARM_SHARE
        return [look for look in self.looks if look.at >= after]

    @property
    def slope(self) -> float | None:
        """MiB that its memory grows by in an hour, once it is warm; None if it was too short."""
        lows: dict[int, Look] = {}
        for look in self.settled:
            window = int((look.at - self.began) / CALM_S)
            if window not in lows or look.memory < lows[window].memory:
                lows[window] = look
        points = sorted(lows.values(), key=lambda look: look.at)
        if len(points) < WINDOWS:
            return None
        slopes = [
            (later.memory - one.memory) / (later.at - one.at)
            for number, one in enumerate(points)
            for later in points[number + 1 :]
        ]
        return 3600 * statistics.median(slopes)

    @property
    def growth(self) -> float:
        """MiB that it grew by since it is warm, as the slope has it."""
        return (self.slope or 0.0) * self.seconds * (1 - WARM_SHARE) / 3600

    def drift(self, name: str) -> float:
        """How much more handles or threads it has in the last third than in the middle one."""
        settled = [float(getattr(look, name)) for look in self.settled]
        if len(settled) < ENOUGH:
            return 0.0
        half = len(settled) // 2
        return statistics.median(settled[half:]) - statistics.median(settled[:half])


class Lives:
    """Starts and ends the process, and looks at it all the while."""

    def __init__(self, server: Serving, journal: Journal) -> None:
        self.server = server
        self.every: list[Life] = []
        self._journal = journal

    @property
    def now(self) -> Life:
        """The one that lives, or lived last."""
        return self.every[-1]

    async def begin(self) -> None:
        """Start it and wait until it answers."""
        await asyncio.to_thread(self.server.start)
        self.every.append(Life(pid=self.server.pid, began=time.monotonic()))

    async def kill(self) -> None:
        """kill -9, at whatever it is doing."""
        self._over("killed")
        await asyncio.to_thread(self.server.kill)

    async def stop(self) -> None:
        """SIGTERM; it has to end well."""
        self._over("stopped")
        code = await asyncio.to_thread(self.server.stop)
        if code != 0:
            self._journal.strange.append(f"after SIGTERM it ended with {code}")

    async def watch(self) -> None:
        """Look at it until cancelled; one that dies by itself is started again and noted."""
        while True:
            await asyncio.sleep(LOOK_S)
            life = self.now
            if life.ended is not None:
                continue
            try:
                process = psutil.Process(life.pid)
                with process.oneshot():
                    memory = process.memory_info().rss / MIB
                    handles, threads = process.num_fds(), process.num_threads()
            except psutil.Error:
                memory = 0.0
            if not self.server.running and life.ended is None:
                self._over("died by itself")
                self._journal.strange.append("the process died by itself")
                await self.begin()
            elif memory:
                now = time.monotonic()
                life.looks.append(Look(at=now, memory=memory, handles=handles, threads=threads))

    def _over(self, how: str) -> None:
        self.now.how, self.now.ended = how, time.monotonic()
