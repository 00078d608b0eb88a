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
from typing import TYPE_CHECKING, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from bot.desk.announcer import Event, EventName
from bot.desk.errors import SourceGone
from bot.desk.line import Painting
from engine.errors import Refusal, Stopped
from engine.thread import EngineState
from storage.database import undisturbed
from storage.errors import NotFound

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
T = TypeVar("T")

TOLD = 500
"""So many people at the head of the line hear how they move up; the others are too far back."""
MOVES_EVERY_S = 0.5
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
        self._pictures = pictures
        self._sources = sources
        self._speeds = speeds
        self._engine = engine
        self._line = line
        self._announcer = announcer
        self._deliverer = deliverer
        self._files = files
        self._attempts = attempts
        self._clock = clock
        self._first_backoff_s = first_backoff_s
        self._wake = asyncio.Event()
        self._moves = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Paint until `close`; nothing that goes wrong with one job ends it."""
        self._task = asyncio.current_task()
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._wake_when_ready(), name="engine ready"),
                group.create_task(self._tell_line(), name="tell the line"),
            ]
            try:
                await self._work()
            finally:
                for task in beside:
                    task.cancel()

    def wake(self) -> None:
        """Somebody joined or left the line."""
        self._wake.set()
        self._moves.set()

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
                await asyncio.wait_for(painting.over.wait(), wait_s)
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
                        await asyncio.wait_for(self._wake.wait(), LONGEST_BACKOFF_S)
                stumbles = 0
            except Exception:
                stumbles += 1
                delay = min(LONGEST_BACKOFF_S, self._first_backoff_s * 2.0 ** min(stumbles, 10))
                log.exception("the worker stumbled and goes on", again_in_s=delay)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._until_closing(), delay)

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
                self._moves.set()
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
        self._moves.set()
        try:
            painted = await self._paint(painting)
            kept = await self._in_file_thread(lambda: self._keep(painted))
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

        source = await self._source(job.paint.source)
        if painting.cancelled or self._closing:
            raise Stopped
        return await self._engine.paint(job.paint, source, on_progress)

    async def _source(self, name: str | None) -> bytes | None:
        """The bytes of "upload:<id>" or "picture:<id>"."""
        if name is None:
            return None
        kind, _, source_id = name.partition(":")
        try:
            if kind == "picture":
                path = self._pictures.path(await self._pictures.get(source_id))
                return await self._in_file_thread(path.read_bytes)
            return await self._in_file_thread(lambda: self._sources.read(source_id))
        except (NotFound, FileNotFoundError):
            raise SourceGone(name) from None

    def _keep(self, painted: Painted) -> list[NewPicture]:
        """Write the files, all or none; in a file thread."""
        kept: list[NewPicture] = []
        try:
            for each in painted.pictures:
                kept.append(
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

    async def _finish(self, painting: Painting, painted: Painted, kept: list[NewPicture]) -> None:
        job = painting.job
        try:
            done = await self._jobs.finish(job.id, kept)
        except Exception:
            log.exception("a finished picture could not be written down")
            await self._in_file_thread(lambda: self._pictures.discard(kept))
            await self._fail(job, "storage_failed")
            return
        if done is None:
            log.error("a painted job was not running any more")
            await self._in_file_thread(lambda: self._pictures.discard(kept))
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
        self._moves.set()

    async def _tell_line(self) -> None:
        """Tell those who watch their waiting job how it moves, now and then."""
        while True:
            await self._moves.wait()
            self._moves.clear()
            try:
                watched = self._announcer.watched()
                for job, standing in await self._line.standings(TOLD) if watched else ():
                    if job.public in watched and self._still_waits(job):
                        self._announcer.publish(
                            Event(
                                name=EventName.queued,
                                public=job.public,
                                position=standing.position,
                                eta_s=standing.eta_s,
                                warming=standing.warming,
                            )
                        )
            except Exception:
                log.exception("the line could not be told how it moves")
            await asyncio.sleep(MOVES_EVERY_S)

    def _still_waits(self, job: Job) -> bool:
        """Whether a job read as waiting a moment ago is not on the easel meanwhile."""
        painting = self._line.painting
        return painting is None or painting.job.id != job.id

    async def _wake_when_ready(self) -> None:
        await self._engine.settled()
        self.wake()

    async def _until_closing(self) -> None:
        while not self._closing:
            self._wake.clear()
            await self._wake.wait()

    async def _in_file_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._files, work)
