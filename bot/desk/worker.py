"""Takes one job after another from the line to the easel, and clears up after a death."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bound_contextvars

from bot.desk.announcer import Event, EventName
from bot.desk.easel import Easel
from bot.desk.line import Painting
from bot.desk.shelf import Shelf
from bot.desk.usher import Usher
from engine.thread import EngineState
from storage.database import undisturbed
from storage.errors import DiskFull

if TYPE_CHECKING:
    from bot.desk.announcer import Announcer
    from bot.desk.delivery import Deliverer
    from bot.desk.disk import Disk
    from bot.desk.line import Line
    from bot.desk.swaps import Swaps
    from bot.desk.veils import Veils
    from engine.thread import EngineThread
    from storage.jobs import Job, Jobs
    from storage.pictures import Pictures
    from storage.sources import Sources
    from storage.speeds import Speeds

log = structlog.get_logger(__name__)

LONGEST_BACKOFF_S = 30.0
STOPPING_S = 10.0
"""A painting that was told to stop does so within a step; this is a long step and more."""


class Worker:
    """Claims jobs while there is something to do: `run` it as a task, `close` it at the end."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        pictures: Pictures,
        sources: Sources,
        speeds: Speeds,
        engine: EngineThread,
        line: Line,
        announcer: Announcer,
        deliverer: Deliverer,
        disk: Disk,
        files: Executor,
        attempts: int,
        swaps: Swaps | None = None,
        veils: Veils | None = None,
        clock: Callable[[], float] = monotonic,
        first_backoff_s: float = 0.5,
    ) -> None:
        self._jobs = jobs
        self._engine = engine
        self._line = line
        self._deliverer = deliverer
        self._disk = disk
        self._attempts = attempts
        self._swaps = swaps
        self._clock = clock
        self._first_backoff_s = first_backoff_s
        self._wake = asyncio.Event()
        self._usher = Usher(line=line, announcer=announcer)
        self._easel = Easel(
            jobs=jobs,
            speeds=speeds,
            engine=engine,
            line=line,
            shelf=Shelf(pictures=pictures, sources=sources, files=files),
            disk=disk,
            announcer=announcer,
            deliverer=deliverer,
            usher=self._usher,
            swaps=swaps,
            veils=veils,
            clock=clock,
        )
        self._claiming = asyncio.Lock()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Paint until `close`; nothing that goes wrong with one job ends it."""
        self._task = asyncio.current_task()
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._wake_when_ready(), name="engine ready"),
                group.create_task(self._usher.run(), name="usher"),
            ]
            try:
                await self._work()
            finally:
                for task in beside:
                    task.cancel()

    def wake(self) -> None:
        """Somebody joined or left the line."""
        self._wake.set()
        self._usher.nudge()

    async def cancel(self, job: Job, *, wait_s: float = 1.0) -> Job:
        """Take a waiting job out of the line, or stop the running one; harmless otherwise.

        Returns the job as it is then; a running one may need a step longer than `wait_s`.
        """
        cancelled = await self._jobs.cancel(job.id)
        if cancelled is not None:
            self._easel.tell(cancelled, Event(name=EventName.cancelled, public=job.public))
            return cancelled
        async with self._claiming:
            painting = self._line.painting
        if painting is not None and painting.job.id == job.id:
            painting.cancelled = True
            self._engine.stop_painting()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await painting.over.wait()
        return await self._jobs.by_id(job.id)

    async def close(self, grace_s: float) -> None:
        """Claim nothing more; let the running painting finish within `grace_s`, else put its job
        back into the line, where the next start finds it."""
        self._closing = self._easel.closed = True
        self._wake.set()
        if self._task is None or self._task.done():
            return
        _, unfinished = await asyncio.wait({self._task}, timeout=grace_s)
        if unfinished:
            self._engine.stop_painting()
            _, unfinished = await asyncio.wait({self._task}, timeout=STOPPING_S)
        if unfinished:
            log.warning("the painting does not stop; its job goes back into the line")
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=STOPPING_S)

    async def _work(self) -> None:
        recovered, stumbles = False, 0
        while not self._closing:
            self._wake.clear()
            try:
                if not recovered:
                    await self._recover()
                    recovered = True
                if not await self._serve_next() and not self._closing:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LONGEST_BACKOFF_S):
                            await self._wake.wait()
                stumbles = 0
            except DiskFull as full:
                log.error("nothing can be written down; the worker waits for room", free=full.free)
                self._disk.refused()
            except Exception:
                stumbles += 1
                delay = min(LONGEST_BACKOFF_S, self._first_backoff_s * 2.0 ** min(stumbles, 10))
                log.exception("the worker stumbled and goes on", again_in_s=delay)
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._until_closing()

    async def _recover(self) -> None:
        recovered = await self._jobs.recover(self._attempts)
        for job in recovered.requeued:
            log.warning("interrupted; it waits again", job=job.public, deaths=job.deaths)
        for job in recovered.failed:
            log.error("given up after several deaths", job=job.public, deaths=job.deaths)
        self._deliverer.wake()

    async def _serve_next(self) -> bool:
        """Paint the job whose turn it is; False if there is none, nobody to paint it, or no room.

        While the disk is full, whoever waits goes on waiting.
        """
        if self._engine.state is not EngineState.ready or self._disk.full:
            return False
        async with self._claiming:
            preferred = frozenset() if self._swaps is None else self._swaps.preferred
            job = await self._jobs.claim(preferred)
            if job is None:
                return await self._rescue()
            painting = Painting(job=job, began=self._clock())
            self._line.painting = painting
        with bound_contextvars(job=job.public, person=job.person):
            try:
                await self._easel.serve(painting)
            except asyncio.CancelledError:
                await undisturbed(self._jobs.requeue(job.id))
                raise
            finally:
                self._line.painting = None
                painting.over.set()
                self._usher.nudge()
        return True

    async def _rescue(self) -> bool:
        """Put back a job that is running on paper only: its end could not be written down."""
        lost = await self._jobs.running()
        if lost is None:
            return False
        log.error("a job was left running; it waits again", job=lost.public)
        return await self._jobs.requeue(lost.id) is not None

    async def _wake_when_ready(self) -> None:
        await self._engine.settled()
        self.wake()

    async def _until_closing(self) -> None:
        while not self._closing:
            self._wake.clear()
            await self._wake.wait()
