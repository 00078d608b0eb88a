"""Takes one job after another through the engine to its final state.

It knows no platform: it tells the announcer what happens, and the deliverer what is finished.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bound_contextvars

from bot.desk.announcer import Event, EventName
from bot.desk.line import Painting
from bot.desk.shelf import Shelf
from bot.desk.usher import Usher
from engine.errors import Refusal, Stopped
from engine.thread import EngineState
from storage.database import undisturbed

if TYPE_CHECKING:
    from bot.desk.announcer import Announcer
    from bot.desk.delivery import Deliverer
    from bot.desk.line import Line
    from engine.painter import Progress
    from engine.thread import EngineThread, Painted
    from storage.jobs import Job, Jobs
    from storage.pictures import NewPicture, Pictures, Sources
    from storage.speeds import Speeds

log = structlog.get_logger(__name__)

LONGEST_BACKOFF_S = 30.0
STOPPING_S = 10.0
"""A painting that was told to stop does so within a step; this is a long step and more."""


class Worker:
    """Claims, paints, stores, announces: `run` it as a task, `close` it at the end."""

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
        files: Executor,
        attempts: int,
        clock: Callable[[], float] = monotonic,
        first_backoff_s: float = 0.5,
    ) -> None:
        self._jobs = jobs
        self._speeds = speeds
        self._engine = engine
        self._line = line
        self._announcer = announcer
        self._deliverer = deliverer
        self._shelf = Shelf(pictures=pictures, sources=sources, files=files)
        self._attempts = attempts
        self._clock = clock
        self._first_backoff_s = first_backoff_s
        self._wake = asyncio.Event()
        self._usher = Usher(line=line, announcer=announcer)
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
            self._tell(cancelled, Event(name=EventName.cancelled, public=job.public))
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
        self._closing = True
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
        """Paint the job whose turn it is; False if there is none, or nobody to paint it."""
        if self._engine.state is not EngineState.ready:
            return False
        async with self._claiming:
            job = await self._jobs.claim()
            if job is None:
                return await self._rescue()
            painting = Painting(job=job, began=self._clock())
            self._line.painting = painting
        with bound_contextvars(job=job.public, person=job.person):
            try:
                await self._serve(painting)
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

    async def _serve(self, painting: Painting) -> None:
        job = painting.job
        log.info("painting", waited_s=round((job.started_at or 0) - job.created_at, 1))
        painting.expected_s = await self._line.work(job)
        self._announcer.publish(
            Event(name=EventName.step, public=job.public, eta_s=painting.expected_s)
        )
        self._usher.nudge()
        try:
            painted = await self._paint(painting)
            kept = await self._shelf.keep(painted)
        except Stopped:
            await self._stopped(painting)
        except Refusal as refusal:
            log.warning("refused while painting", reason=str(refusal))
            await self._fail(job, refusal.code)
        except Exception as error:
            if self._engine.state is EngineState.stopped:
                await self._put_back(job)
                return
            log.exception("painting failed")
            full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
            await self._fail(job, "disk_full" if full else "engine_failed")
        else:
            await self._finish(painting, painted, kept)

    async def _paint(self, painting: Painting) -> Painted:
        job = painting.job

        def on_progress(progress: Progress) -> None:
            painting.progress = progress
            told = Event(
                name=EventName.step,
                public=job.public,
                progress=progress,
                eta_s=self._line.remaining(),
            )
            self._announcer.publish(told)
            if progress.preview is not None:
                self._announcer.publish(
                    Event(name=EventName.preview, public=job.public, progress=progress)
                )

        source = await self._shelf.source(job.paint.source)
        if painting.cancelled or self._closing:
            raise Stopped
        return await self._engine.paint(job.paint, source, on_progress)

    async def _finish(self, painting: Painting, painted: Painted, kept: list[NewPicture]) -> None:
        job = painting.job
        try:
            done = await self._jobs.finish(job.id, kept, painted.notes)
        except Exception:
            log.exception("a finished picture could not be written down")
            await self._shelf.discard(kept)
            await self._fail(job, "storage_failed")
            return
        if done is None:
            log.error("a painted job was not running any more")
            await self._shelf.discard(kept)
            return
        log.info("done", seconds=round(self._clock() - painting.began, 2), pictures=len(kept))
        self._tell(
            done,
            Event(
                name=EventName.done,
                public=job.public,
                pictures=tuple(each.id for each in kept),
                notes=painted.notes,
            ),
        )
        await self._learn(job, painted)

    async def _learn(self, job: Job, painted: Painted) -> None:
        p = job.paint
        try:
            await self._speeds.learn(
                p.model, p.width, p.height, p.guided, painted.step_seconds, painted.other_seconds
            )
        except Exception:
            log.exception("a speed could not be learned")

    async def _stopped(self, painting: Painting) -> None:
        job = painting.job
        if not painting.cancelled:
            await self._put_back(job)
            return
        cancelled = await self._jobs.cancel(job.id, share=painting.share)
        if cancelled is not None:
            log.info("cancelled while painting", share=round(painting.share, 2))
            self._tell(cancelled, Event(name=EventName.cancelled, public=job.public))

    async def _put_back(self, job: Job) -> None:
        log.info("stopped; the job waits for the next start")
        if await self._jobs.requeue(job.id) is not None:
            self._announcer.publish(Event(name=EventName.queued, public=job.public, position=1))

    async def _fail(self, job: Job, code: str) -> None:
        failed = await self._jobs.fail(job.id, code)
        if failed is not None:
            self._tell(failed, Event(name=EventName.failed, public=job.public, code=code))

    def _tell(self, job: Job, event: Event) -> None:
        """Announce a final state that is stored, and have it delivered."""
        assert job.state.final
        self._announcer.publish(event)
        self._deliverer.wake()
        self._usher.nudge()

    async def _wake_when_ready(self) -> None:
        await self._engine.settled()
        self.wake()

    async def _until_closing(self) -> None:
        while not self._closing:
            self._wake.clear()
            await self._wake.wait()
