"""Knows how long people wait: what is painted now, and how long everything before a job takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from engine.thread import EngineState
from storage.jobs import JobState

if TYPE_CHECKING:
    from bot.desk.estimates import Estimates
    from bot.desk.swaps import Swaps
    from engine.catalogue import Model
    from engine.painter import Progress
    from engine.thread import EngineThread
    from storage.jobs import Job, Jobs

WARM_UP_S = 30.0
"""A start of the engine takes about this long; afterwards a few seconds are promised at most."""


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
        estimates: Estimates,
        engine: EngineThread,
        swaps: Swaps | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Without `swaps` models take no time to load."""
        self._jobs = jobs
        self._estimates = estimates
        self._swaps = swaps
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
        seconds, loads = await self.work(job), self._loads_of(job)
        for kind in await self._jobs.ahead(job.id):
            loads[self._estimates.loads(kind.model)] += kind.count
            seconds += await self._estimates.seconds(
                kind.model, kind.width, kind.height, kind.guided, kind.steps, kind.count
            )
        return self._waiting(position, seconds + await self._swapping(loads))

    async def standings(self, limit: int) -> list[tuple[Job, Standing]]:
        """The first `limit` jobs of the line and where each stands, for one reading of it."""
        found, seconds = [], 0.0
        loads: Counter[str | None] = Counter()
        for position, job in enumerate(await self._jobs.queue(limit), start=1):
            seconds += await self.work(job)
            loads += self._loads_of(job)
            swapping = await self._swapping(loads)
            found.append((job, self._waiting(position, seconds + swapping)))
        return found

    async def work(self, job: Job) -> float:
        """The seconds that painting all of `job` takes."""
        p = job.paint
        return await self._estimates.seconds(
            p.kind, p.width, p.height, p.guided, p.working_steps, p.count
        )

    async def usual(self, model: Model) -> float:
        """The seconds that a picture takes with this model, asked for without anything else."""
        width, height = model.sizes[0]
        guided = model.guidance and model.default_guidance > 1
        return await self._estimates.seconds(
            model.name, width, height, guided, model.default_steps, 1
        )

    async def whole(self, job: Job) -> float:
        """The same with the time to load its model, if that is not in memory."""
        return await self.work(job) + await self._swapping(self._loads_of(job))

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

    def _loads_of(self, job: Job) -> Counter[str | None]:
        """How many pictures it paints with which model."""
        return Counter({job.paint.loads: job.paint.count})

    async def _swapping(self, loads: Counter[str | None]) -> float:
        if self._swaps is None:
            return 0.0
        wanted = {model: count for model, count in loads.items() if model is not None}
        now = None if self.painting is None else self.painting.job.paint.loads
        return await self._swaps.seconds(wanted, now)

    def _waiting(self, position: int, seconds: float) -> Standing:
        if self._engine.state in (EngineState.failed, EngineState.stopped):
            return Standing(position=position)
        if self.warming:
            warm_up = max(3.0, WARM_UP_S - (self._clock() - self._opened))
            return Standing(position=position, eta_s=warm_up + seconds, warming=True)
        return Standing(position=position, eta_s=(self.remaining() or 0.0) + seconds)
