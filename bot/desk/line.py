"""Knows how long people wait: what is painted now, and how long everything before a job takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from engine.thread import EngineState
from storage.jobs import JobState

if TYPE_CHECKING:
    from engine.catalogue import Catalogue
    from engine.painter import Progress
    from engine.thread import EngineThread
    from storage.jobs import Job, Jobs
    from storage.speeds import Speeds

WARM_UP_S = 30.0
"""A start of the engine takes about this long; afterwards a few seconds are promised at most."""
STEP_S = 4.0
"""A guess for one step of 512×512 pixels with a large model on few cores, before one was timed."""
OTHER_S = 3.0
"""The same guess for everything around the steps of one picture."""


@dataclass(slots=True, kw_only=True)
class Painting:
    """The job that is painted now, since when (monotonic seconds), and how far it is."""

    job: Job
    began: float
    expected_s: float = 0.0
    progress: Progress | None = None
    cancelled: bool = False
    """Somebody who may do so asked for it to stop."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the job has left the easel, whatever became of it."""

    @property
    def share(self) -> float:
        """The part of the job that is done, 0–1."""
        return 0.0 if self.progress is None else self.progress.share


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a job stands: `position` 1 is next in line, 0 is not waiting (painted, or over).

    `eta_s` is the seconds until its pictures are there, None when that cannot be said.
    `warming`: the engine is still starting, so that nothing is painted yet.
    """

    position: int = 0
    eta_s: float | None = None
    warming: bool = False


class Line:
    """Answers where a job stands, from the queue, the learned speeds and the running painting."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        speeds: Speeds,
        catalogue: Catalogue,
        engine: EngineThread,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._jobs = jobs
        self._speeds = speeds
        self._catalogue = catalogue
        self._engine = engine
        self._clock = clock
        self._opened = clock()
        self.painting: Painting | None = None
        """Set by the worker, and by it alone."""

    async def standing(self, job: Job) -> Standing:
        """Where `job` stands now."""
        if job.state is JobState.RUNNING:
            return Standing(eta_s=self.remaining())
        if job.state is not JobState.QUEUED:
            return Standing()
        position = await self._jobs.position(job.id)
        if not position:  # it was claimed a moment ago
            return Standing(eta_s=await self.work(job))
        seconds = await self.work(job)
        for kind in await self._jobs.ahead(job.id):
            seconds += await self._seconds(
                kind.model, kind.width, kind.height, kind.guided, kind.steps, kind.count
            )
        return self._waiting(position, seconds)

    async def standings(self, limit: int) -> list[tuple[Job, Standing]]:
        """The first `limit` jobs of the line and where each stands, for one reading of it."""
        found, seconds = [], 0.0
        for position, job in enumerate(await self._jobs.queue(limit), start=1):
            seconds += await self.work(job)
            found.append((job, self._waiting(position, seconds)))
        return found

    async def work(self, job: Job) -> float:
        """The seconds that painting all of `job` takes."""
        p = job.paint
        return await self._seconds(p.model, p.width, p.height, p.guided, p.working_steps, p.count)

    @property
    def warming(self) -> bool:
        """Whether the engine is still on its way to its first picture."""
        return self._engine.state in (EngineState.starting, EngineState.warming)

    def remaining(self) -> float | None:
        """The seconds until the running painting is finished; None while nothing is painted."""
        if self.painting is None:
            return None
        whole, share = self.painting.expected_s, self.painting.share
        took = self._clock() - self.painting.began
        if share <= 0.0:
            return max(whole - took, whole / 10)
        # What this very painting shows counts more the further it is.
        return max(0.0, (1 - share) * (share * (took / share) + (1 - share) * whole))

    def _waiting(self, position: int, seconds: float) -> Standing:
        if self._engine.state in (EngineState.failed, EngineState.stopped):
            return Standing(position=position)
        if self.warming:
            warm_up = max(3.0, WARM_UP_S - (self._clock() - self._opened))
            return Standing(position=position, eta_s=warm_up + seconds, warming=True)
        return Standing(position=position, eta_s=(self.remaining() or 0.0) + seconds)

    async def _seconds(
        self, model: str, width: int, height: int, guided: bool, steps: int, count: int
    ) -> float:
        learned = await self._speeds.estimate(model, width, height, guided, steps, count)
        if learned is not None:
            return learned
        # Nothing was timed yet: a guess on the long side, since a wait that turns out shorter
        # than promised disappoints nobody.
        known = self._catalogue.models.get(model)
        heavy = min(2.0, max(0.1, known.memory_mb / 2500)) if known and known.memory_mb else 1.0
        large = width * height / (512 * 512)
        one = (steps * STEP_S * (2 if guided else 1) + OTHER_S) * large * heavy
        return count * max(one, 0.5)
