"""The easel: where one job stands from its claim to its final state, whatever happens to it.

It knows no platform: it tells the announcer what happens, and the deliverer what is finished.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from bot.desk.announcer import Event, EventName
from bot.desk.veils import Manners
from engine.errors import Refusal, Stopped
from engine.painter import Progress, Stage
from engine.thread import EngineState
from storage.errors import DiskFull
from storage.files import FULL
from storage.picture import Veil

if TYPE_CHECKING:
    from bot.desk.announcer import Announcer
    from bot.desk.delivery import Deliverer
    from bot.desk.disk import Disk
    from bot.desk.line import Line, Painting
    from bot.desk.shelf import Shelf
    from bot.desk.swaps import Swaps
    from bot.desk.usher import Usher
    from bot.desk.veils import Veils
    from engine.request import Note
    from engine.thread import EngineThread, Painted
    from storage.jobs import Job, Jobs
    from storage.pictures import NewPicture
    from storage.speeds import Speeds

log = structlog.get_logger(__name__)

PLAIN = Manners(veil=Veil.OPEN, harm=1.0)
"""Where nobody has rules about pictures."""
MOST_TRIES = 3
"""So often a job is painted whose pictures do not fit on the disk."""


class Easel:
    """Paints a claimed job, stores what came of it, and says so."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        speeds: Speeds,
        engine: EngineThread,
        line: Line,
        shelf: Shelf,
        disk: Disk,
        announcer: Announcer,
        deliverer: Deliverer,
        usher: Usher,
        swaps: Swaps | None = None,
        veils: Veils | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._jobs = jobs
        self._speeds = speeds
        self._engine = engine
        self._line = line
        self._shelf = shelf
        self._disk = disk
        self._announcer = announcer
        self._deliverer = deliverer
        self._usher = usher
        self._swaps = swaps
        self._veils = veils
        self._clock = clock
        self._unfitting: tuple[int, int] = (0, 0)  # the job that did not fit, and how often
        self.closed = False
        """Set when nothing is to be begun any more."""

    async def serve(self, painting: Painting) -> None:
        """Take the job to a final state, or back into the line."""
        job = painting.job
        log.info("painting", waited_s=round((job.started_at or 0) - job.created_at, 1))
        painting.expected_s = await self._line.whole(job)
        if job.paint.latents_of is not None:  # its only step is its last
            painting.progress = Progress(index=0, count=1, step=0, steps=1, stage=Stage.developing)
        self._announcer.publish(
            Event(
                name=EventName.step,
                public=job.public,
                progress=painting.progress,
                eta_s=painting.expected_s,
            )
        )
        self._usher.nudge()
        try:
            manners = PLAIN if self._veils is None else await self._veils.manners(job)
            painted = await self._paint(painting, manners)
            kept = await self._shelf.keep(painted, manners.of)
        except Stopped:
            await self._stopped(painting)
        except DiskFull:
            await self._no_room(job)
        except Refusal as refusal:
            log.warning("refused while painting", reason=str(refusal))
            await self._fail(job, refusal.code)
        except Exception as error:
            if self._engine.state is EngineState.stopped:
                await self._put_back(job)
                return
            if isinstance(error, OSError) and error.errno in FULL:
                await self._no_room(job)
                return
            log.exception("painting failed")
            await self._fail(job, "engine_failed")
        else:
            await self._finish(painting, painted, kept, manners.notes(job, kept))

    async def _paint(self, painting: Painting, manners: Manners) -> Painted:
        job = painting.job

        def on_progress(progress: Progress) -> None:
            if not manners.previews:
                progress = replace(progress, preview=None)
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

        source, mask = await self._shelf.ingredient(job.paint), await self._shelf.mask(job.paint)
        if painting.cancelled or self.closed:
            raise Stopped
        return await self._engine.paint(
            job.paint, source, on_progress, mask=mask, metadata=manners.metadata
        )

    async def _finish(
        self,
        painting: Painting,
        painted: Painted,
        kept: list[NewPicture],
        notes: tuple[Note, ...],
    ) -> None:
        job, notes = painting.job, painted.notes + notes
        try:
            done = await self._jobs.finish(job.id, kept, notes)
        except DiskFull:
            await self._shelf.discard(kept)
            await self._no_room(job)
            return
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
        self.tell(
            done,
            Event(
                name=EventName.done,
                public=job.public,
                pictures=tuple(each.id for each in kept if each.veil is not Veil.WITHHELD),
                notes=notes,
            ),
        )
        await self._learn(job, painted)

    async def _learn(self, job: Job, painted: Painted) -> None:
        p = job.paint
        try:
            await self._speeds.learn(
                p.kind, p.width, p.height, p.guided, painted.step_seconds, painted.other_seconds
            )
            if self._swaps is not None:
                await self._swaps.learn()
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
            self.tell(cancelled, Event(name=EventName.cancelled, public=job.public))

    async def _put_back(self, job: Job) -> None:
        log.info("the job waits again")
        if await self._jobs.requeue(job.id) is not None:
            self._announcer.publish(Event(name=EventName.queued, public=job.public, position=1))

    async def _no_room(self, job: Job) -> None:
        """What was painted did not fit on the disk: it is painted again when there is room.

        A job that does not fit time and again fails, and does not keep the others from theirs.
        """
        self._disk.refused()
        before = self._unfitting[1] if self._unfitting[0] == job.id else 0
        self._unfitting = (job.id, before + 1)
        log.error("a picture did not fit on the disk", job=job.public, time=before + 1)
        if before + 1 >= MOST_TRIES:
            await self._fail(job, "disk_full")
        else:
            await self._put_back(job)

    async def _fail(self, job: Job, code: str) -> None:
        failed = await self._jobs.fail(job.id, code)
        if failed is not None:
            self.tell(failed, Event(name=EventName.failed, public=job.public, code=code))

    def tell(self, job: Job, event: Event) -> None:
        """Announce a final state that is stored, and have it delivered."""
        assert job.state.final
        self._announcer.publish(event)
        self._deliverer.wake()
        self._usher.nudge()
