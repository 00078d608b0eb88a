"""Tells those who wait how they move up: position and estimate, whenever the line has changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.desk.announcer import Event, EventName

if TYPE_CHECKING:
    from bot.desk.announcer import Announcer
    from bot.desk.line import Line
    from storage.jobs import Job

log = structlog.get_logger(__name__)

TOLD = 500
"""So many people at the head of the line hear how they move up; the others are too far back."""
PAUSE_S = 0.5
"""However fast the line changes, people hear of it no more often than this."""
BREATH = 10
"""After so many people others get their turn: telling hundreds at a stretch takes too long."""


class Usher:
    """Reads the line once for all who watch a waiting job, and announces where each stands."""

    def __init__(self, *, line: Line, announcer: Announcer) -> None:
        self._line = line
        self._announcer = announcer
        self._changed = asyncio.Event()

    def nudge(self) -> None:
        """The line has changed."""
        self._changed.set()

    async def run(self) -> None:
        """Tell people until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._tell()
            except Exception:
                log.exception("people could not be told how the line moves")
            await asyncio.sleep(PAUSE_S)

    async def _tell(self) -> None:
        watched = self._announcer.watched()
        if not watched:
            return
        told = 0
        for job, standing in await self._line.standings(TOLD):
            if job.public in watched and self._still_waits(job):
                told += 1
                if told % BREATH == 0:
                    await asyncio.sleep(0)
                    if not self._still_waits(job):
                        continue
                self._announcer.publish(
                    Event(
                        name=EventName.queued,
                        public=job.public,
                        position=standing.position,
                        eta_s=standing.eta_s,
                        warming=standing.warming,
                    )
                )

    def _still_waits(self, job: Job) -> bool:
        """Whether a job read as waiting a moment ago is not on the easel meanwhile."""
        painting = self._line.painting
        return painting is None or painting.job.id != job.id
