"""Owns what an asker may see: jobs, pictures and the line. An id grants nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.desk import rights
from bot.desk.answers import Asker, JobView, QueueEntry, QueueView, present
from storage.errors import NotFound

if TYPE_CHECKING:
    from bot.desk.announcer import Announcer, Subscription
    from bot.desk.line import Line, Standing
    from storage.jobs import Job, Jobs
    from storage.people import People
    from storage.pictures import PictureRow, Pictures

LONGEST_PAGE = 100
"""So many of anything are shown at once, at most."""


class Sight:
    """Looks things up for askers; what they may not see is not there (`NotFound`)."""

    def __init__(
        self, *, jobs: Jobs, people: People, pictures: Pictures, line: Line, announcer: Announcer
    ) -> None:
        self._jobs = jobs
        self._people = people
        self._pictures = pictures
        self._line = line
        self._announcer = announcer

    async def job(self, asker: Asker, public: str) -> Job:
        """A job of theirs, or posted where they are. Raises `NotFound`, also for forgotten ones."""
        job = await self._jobs.get(public)
        if job.forgotten or not rights.may_see(asker, job.person, job.place, job.private):
            raise NotFound("job")
        return job

    async def picture(self, asker: Asker, picture_id: str) -> tuple[PictureRow, Path]:
        """A picture the asker may see, and its file; `NotFound` otherwise: an id grants nothing."""
        row = await self._pictures.get(picture_id)
        if not rights.may_see(asker, row.person, row.place, row.private):
            raise NotFound("picture")
        return row, self._pictures.path(row)

    async def view(self, asker: Asker, public: str) -> JobView:
        """A job of the asker's, or of a chat they are in; raises `NotFound` otherwise."""
        return await self.view_of(await self.job(asker, public))

    async def view_of(self, job: Job) -> JobView:
        """A job that somebody may see as it stands now; nothing is checked here."""
        standing = await self._line.standing(job)
        painting = self._line.painting
        painted = painting is not None and painting.job.id == job.id
        return JobView(
            job=job,
            position=standing.position,
            eta_s=standing.eta_s,
            warming=standing.warming,
            progress=painting.progress if painting is not None and painted else None,
            pictures=tuple(await self._pictures.of_job(job.id)),
        )

    @asynccontextmanager
    async def watch(self, asker: Asker, public: str) -> AsyncIterator[Subscription]:
        """`async with studio.watch(asker, id) as events: async for event in events: …`

        Raises `NotFound` on entering. The first event is the present state: `queued`, `step` (with
        or without progress), or the final one; the final event ends the iteration.
        """
        await self.job(asker, public)
        async with self._announcer.subscribe(public) as events:
            events.begin(present(await self.view(asker, public)))
            yield events

    async def queue(self, asker: Asker, limit: int = 10) -> QueueView:
        """What is painted now and who waits next, as far as the asker may know it."""
        limit = max(1, min(limit, LONGEST_PAGE))
        entries = []
        running = await self._jobs.running()
        if running is not None:
            entries.append(await self._entry(asker, running, await self._line.standing(running)))
        for job, standing in await self._line.standings(limit):
            if running is None or job.id != running.id:
                entries.append(await self._entry(asker, job, standing))
        return QueueView(entries=tuple(entries), waiting=await self._jobs.length())

    async def _entry(self, asker: Asker, job: Job, standing: Standing) -> QueueEntry:
        mine, here = job.person == asker.person.id, rights.is_here(asker, job.place)
        named = mine or (here and not job.private)
        told = here or (mine and job.place == asker.place.id)
        return QueueEntry(
            position=standing.position,
            public=job.public,
            mine=mine,
            here=here,
            name=(await self._people.get(job.person)).name if named else "",
            prompt=job.paint.prompt if told and not job.private else None,
            eta_s=standing.eta_s,
            running=standing.position == 0,
        )
