"""Brings results to people through the courier of their platform, until they have arrived.

Results are stored before they are delivered, so that nothing is lost when a platform is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import structlog
from structlog.contextvars import bound_contextvars

if TYPE_CHECKING:
    from storage.jobs import Job, Jobs
    from storage.pictures import PictureRow, Pictures

log = structlog.get_logger(__name__)

PATIENCE_S = 120.0
"""A single delivery may take this long before it counts as failed."""
FIRST_BACKOFF_S = 2.0
LAST_BACKOFF_S = 600.0
AT_ONCE = 4
"""So many deliveries of one platform run at the same time."""


class Undeliverable(Exception):
    """Raised by a courier when trying again is pointless: the chat is gone, the person left."""


class Courier(Protocol):
    """Brings finished jobs to the people of one platform."""

    @property
    def platform(self) -> str:
        """The platform whose jobs it delivers, as in `Place.platform`."""

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Hand over a final job (done, failed or cancelled) with its pictures.

        Raises `Undeliverable` to give up, anything else to be asked again later; so it must be
        able to deliver the same job twice without showing it twice.
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
    ) -> None:
        self._jobs = jobs
        self._pictures = pictures
        self._rounds = [_Round(self, courier) for courier in couriers]
        self._clock = clock
        self._first_backoff_s = first_backoff_s

    def add(self, courier: Courier) -> None:
        """Deliver the jobs of its platform, too; to be called before `run`."""
        self._rounds.append(_Round(self, courier))

    async def run(self) -> None:
        """Deliver until cancelled, beginning with what an earlier process left behind."""
        async with asyncio.TaskGroup() as group:
            for each in self._rounds:
                group.create_task(each.run(), name=f"deliver {each.courier.platform}")

    def wake(self) -> None:
        """Something was finished, or a platform is there again."""
        for each in self._rounds:
            each.news.set()

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
        now = self._deliverer._clock()
        jobs = await self._deliverer._jobs.undelivered(self.courier.platform)
        waiting = {job.id for job in jobs}
        self._failures = {k: v for k, v in self._failures.items() if k in waiting}
        for job in jobs:
            failure = self._failures.get(job.id)
            if job.id in self._underway or (failure is not None and failure.again_at > now):
                continue
            if len(self._underway) >= AT_ONCE:
                break
            self._underway.add(job.id)
            group.create_task(self._deliver(job), name=f"deliver {job.public}")

    async def _deliver(self, job: Job) -> None:
        with bound_contextvars(job=job.public, person=job.person, platform=self.courier.platform):
            try:
                await self._hand_over(job)
                await self._deliverer._jobs.mark_delivered(job.id)
                self._failures.pop(job.id, None)
            except Exception as error:
                times = 1 + (self._failures[job.id].times if job.id in self._failures else 0)
                delay = self._deliverer.backoff(times)
                again_at = self._deliverer._clock() + delay
                self._failures[job.id] = _Failure(times, again_at)
                log.warning("a delivery failed", times=times, again_in_s=delay, error=repr(error))
            finally:
                self._underway.discard(job.id)
                self.news.set()

    async def _hand_over(self, job: Job) -> None:
        pictures = tuple(await self._deliverer._pictures.of_job(job.id))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.courier.deliver(job, pictures)
        except Undeliverable as error:
            log.warning("given up; the pictures stay in the history", reason=str(error))

    def _rest(self, stumbles: int) -> float:
        """How long to wait for news: until the next try is due, a minute at most."""
        if stumbles:
            return min(60.0, self._deliverer.backoff(stumbles))
        now = self._deliverer._clock()
        due = [f.again_at - now for k, f in self._failures.items() if k not in self._underway]
        return max(0.01, min([60.0, *due]))
