"""Brings results to people through the courier of their platform, until they have arrived.

Results are stored before they are delivered, so that nothing is lost when a platform is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import structlog
from structlog.contextvars import bound_contextvars

from storage.database import undisturbed

if TYPE_CHECKING:
    from bot.meter import Meter
    from storage.jobs import Job, Jobs
    from storage.pictures import PictureRow, Pictures

log = structlog.get_logger(__name__)

PATIENCE_S = 120.0
"""A single delivery may take this long before it counts as failed."""
FIRST_BACKOFF_S = 2.0
LAST_BACKOFF_S = 600.0
AT_ONCE = 4
"""So many deliveries of one platform run at the same time."""
LOOKED_AT = 300
"""So many undelivered jobs are read at once, beside those that wait for their next try."""


class Undeliverable(Exception):
    """Raised by a courier when trying again is pointless: the chat is gone, the person left."""


class Later(Exception):
    """Raised by a courier that is held up, not hindered: ask again in `after_s` seconds."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"in {after_s:.1f} s")
        self.after_s = after_s


class Courier(Protocol):
    """Brings finished jobs to the people of one platform."""

    @property
    def platform(self) -> str:
        """The platform whose jobs it delivers, as in `Place.platform`."""

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Hand over a final job (done, failed or cancelled) with its pictures.

        Raises `Undeliverable` to give up, `Later` to let others go first, anything else to be
        asked again ever more rarely; so it must be able to deliver the same job twice without
        showing it twice.
        """


@dataclass(slots=True)
class _Failure:
    """How often one job could not be delivered, and when to try again."""

    times: int
    again_at: float


class Deliverer:
    """Finds what nobody was told yet and hands it to the couriers, each at its own pace."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        pictures: Pictures,
        couriers: Iterable[Courier] = (),
        clock: Callable[[], float] = monotonic,
        first_backoff_s: float = FIRST_BACKOFF_S,
        meter: Meter | None = None,
    ) -> None:
        self._jobs = jobs
        self._pictures = pictures
        self._rounds = [_Round(self, courier) for courier in couriers]
        self._clock = clock
        self._first_backoff_s = first_backoff_s
        self._meter = meter
        self._running = False

    def add(self, courier: Courier) -> None:
        """Deliver the jobs of its platform, too; to be called before `run`."""
        self._rounds.append(_Round(self, courier))

    async def run(self) -> None:
        """Deliver until cancelled, beginning with what an earlier process left behind."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                for each in self._rounds:
                    group.create_task(each.run(), name=f"deliver {each.courier.platform}")
        finally:
            self._running = False

    async def drain(self, grace_s: float) -> None:
        """Return once everything finished that is due was handed over, at most after `grace_s`.

        For the end, while `run` still runs. What failed before and waits for its next try is left
        to the next start.
        """
        if not self._running:
            return
        self.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await asyncio.gather(*(each.drained() for each in self._rounds))

    def wake(self, back: str | None = None) -> None:
        """Something was finished; or the platform `back` is there again: then all is tried now."""
        for each in self._rounds:
            if each.courier.platform == back:
                each.forgive()
            each.news.set()

    def tried(self, platform: str, outcome: str) -> None:
        """Have one try counted."""
        if self._meter is not None:
            self._meter.tried(platform, outcome)

    def handed_over(self, job: Job, pictures: int, platform: str) -> None:
        """Have a job counted that needs nothing more."""
        if self._meter is not None:
            self._meter.handed_over(job, pictures, platform)

    def backoff(self, times: int) -> float:
        """The seconds until the next try after so many failed ones."""
        return min(LAST_BACKOFF_S, self._first_backoff_s * 2.0 ** min(times - 1, 30))


class _Round:
    """The deliveries of one courier: a few at once, the failed ones again later."""

    def __init__(self, deliverer: Deliverer, courier: Courier) -> None:
        self.courier = courier
        self.news = asyncio.Event()
        self._deliverer = deliverer
        self._underway: set[int] = set()
        self._failures: dict[int, _Failure] = {}
        self._ended = asyncio.Event()

    def forgive(self) -> None:
        """Try again at once what failed before."""
        self._failures = {job: replace(each, again_at=0.0) for job, each in self._failures.items()}

    async def drained(self) -> None:
        """Return once nothing is underway and nothing is due."""
        while True:
            self._ended.clear()
            due = self._due(await self._waiting())
            if not due and not self._underway:  # one may have begun while we looked
                return
            await self._ended.wait()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            stumbles = 0
            while True:
                self.news.clear()
                try:
                    await self._begin(group)
                    stumbles = 0
                except Exception:
                    stumbles += 1
                    log.exception("looking for deliveries failed", platform=self.courier.platform)
                with suppress(TimeoutError):  # `wait_for` loses a cancel that comes with news
                    async with asyncio.timeout(self._rest(stumbles)):
                        await self.news.wait()

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        jobs = await self._waiting()
        waiting = {job.id for job in jobs}
        self._failures = {k: v for k, v in self._failures.items() if k in waiting}
        for job in self._due(jobs)[: AT_ONCE - len(self._underway)]:
            self._underway.add(job.id)
            group.create_task(self._deliver(job), name=f"deliver {job.public}")

    async def _waiting(self) -> list[Job]:
        """The jobs nobody was told about; however many failed before, newer ones are among them."""
        limit = LOOKED_AT + len(self._failures) + len(self._underway)
        return await self._deliverer._jobs.undelivered(self.courier.platform, limit)

    def _due(self, jobs: list[Job]) -> list[Job]:
        """Those of them that are not underway, and whose next try is not later."""
        now = self._deliverer._clock()
        late = {k for k, failure in self._failures.items() if failure.again_at > now}
        return [job for job in jobs if job.id not in self._underway and job.id not in late]

    async def _deliver(self, job: Job) -> None:
        with bound_contextvars(job=job.public, person=job.person, platform=self.courier.platform):
            try:
                pictures = await self._hand_over(job)
                await undisturbed(self._deliverer._jobs.mark_delivered(job.id))
                self._failures.pop(job.id, None)
                self._deliverer.handed_over(job, pictures, self.courier.platform)
            except Later as later:
                self._deliverer.tried(self.courier.platform, "later")
                times = self._failures[job.id].times if job.id in self._failures else 0
                again_at = self._deliverer._clock() + max(0.0, later.after_s)
                self._failures[job.id] = _Failure(times, again_at)
            except Exception as error:
                self._deliverer.tried(self.courier.platform, "failed")
                times = 1 + (self._failures[job.id].times if job.id in self._failures else 0)
                delay = self._deliverer.backoff(times)
                again_at = self._deliverer._clock() + delay
                self._failures[job.id] = _Failure(times, again_at)
                log.warning("a delivery failed", times=times, again_in_s=delay, error=repr(error))
            finally:
                self._underway.discard(job.id)
                self.news.set()
                self._ended.set()

    async def _hand_over(self, job: Job) -> int:
        """Through the courier; returns how many pictures it has."""
        pictures = tuple(await self._deliverer._pictures.of_job(job.id))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.courier.deliver(job, pictures)
            self._deliverer.tried(self.courier.platform, "delivered")
        except Undeliverable as error:
            self._deliverer.tried(self.courier.platform, "given_up")
            log.warning("given up; the pictures stay in the history", reason=str(error))
        return len(pictures)

    def _rest(self, stumbles: int) -> float:
        """How long to wait for news: until the next try is due, a minute at most."""
        if stumbles:
            return min(60.0, self._deliverer.backoff(stumbles))
        now = self._deliverer._clock()
        due = [f.again_at - now for k, f in self._failures.items() if k not in self._underway]
        return max(0.01, min([60.0, *due]))
