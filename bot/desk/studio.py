"""The use cases of every platform in one place: ask, look, cancel, search, keep, delete, upload.

A command of a chat or a route of the page builds a request, calls the studio, and answers. Every
refusal is an `engine.errors.Refusal`; `texts.explain` turns it into a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot.desk import rights, styles
from bot.desk.admission import Admission
from bot.desk.answers import (
    Asker,
    Forgotten,
    JobView,
    PictureView,
    QueueEntry,
    QueueView,
    Ticket,
)
from bot.desk.completing import Completion, check_text
from bot.desk.counter import Counter
from bot.desk.finishing import Finishing, scales
from bot.desk.shelf import Shelf
from bot.desk.sight import LONGEST_PAGE, Sight
from bot.meter import Meter

if TYPE_CHECKING:
    from bot.desk.album import Album
    from bot.desk.announcer import Announcer
    from bot.desk.disk import Disk
    from bot.desk.forgetting import Farewell
    from bot.desk.line import Line
    from bot.desk.styles import Style
    from bot.desk.worker import Worker
    from bot.settings import Settings
    from engine.catalogue import Catalogue, Model
    from engine.networks import Network, Networks
    from engine.request import Ask
    from storage.jobs import Job, Jobs, Usage
    from storage.members import Members
    from storage.people import People
    from storage.pictures import PictureRow, Pictures
    from storage.places import Places
    from storage.sources import Sources

__all__ = ["Asker", "JobView", "QueueEntry", "QueueView", "Studio", "Ticket"]

log = structlog.get_logger(__name__)


class Studio:
    """Everything that somebody can do, by whatever way they come."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        networks: Networks,
        jobs: Jobs,
        people: People,
        places: Places,
        members: Members,
        pictures: Pictures,
        sources: Sources,
        line: Line,
        announcer: Announcer,
        worker: Worker,
        album: Album,
        farewell: Farewell,
        disk: Disk,
        files: Executor,
        settings: Settings,
        draw_seed: Callable[[], int],
        clock: Callable[[], float] = time.time,
        meter: Meter | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._networks = networks
        self._jobs = jobs
        self._people = people
        self._places = places
        self._pictures = pictures
        self._worker = worker
        self._album = album
        self._disk = disk
        self._farewell = farewell
        self._settings = settings
        self._shelf = Shelf(pictures=pictures, sources=sources, files=files)
        self._completion = Completion(
            catalogue=catalogue,
            styles=styles.shipped(),
            settings=settings,
            draw_seed=draw_seed,
            networks=networks,
        )
        self._admission = Admission(members=members, disk=disk, settings=settings, clock=clock)
        self._sight = sight = Sight(
            jobs=jobs, people=people, pictures=pictures, line=line, announcer=announcer
        )
        counter = Counter(
            admission=self._admission,
            completion=self._completion,
            finishing=Finishing(
                completion=self._completion, networks=networks, draw_seed=draw_seed
            ),
            catalogue=catalogue,
            jobs=jobs,
            pictures=pictures,
            shelf=self._shelf,
            sight=sight,
            line=line,
            worker=worker,
        )
        # What people ask for is taken on at the counter,
        meter = meter or Meter()
        self.paint = meter.counting(counter.paint)
        self.upscale = meter.counting(counter.upscale)
        self.second_look = meter.counting(counter.second_look)
        self.again = meter.counting(counter.again)
        self.vary = meter.counting(counter.vary)
        # and what they look at is what they may see.
        self.picture = sight.picture
        self.view, self.view_of = sight.view, sight.view_of
        self.watch = sight.watch
        self.queue = sight.queue
        self.usual_seconds = line.usual

    async def asker(
        self,
        platform: str,
        external: str,
        *,
        place: str,
        name: str = "",
        place_name: str = "",
        address: str | None = None,
        channel: str | None = None,
        channels: frozenset[str] = frozenset(),
        roles: frozenset[str] = frozenset(),
        admin: bool = False,
        moderator: bool = False,
    ) -> Asker:
        """Who asks: `external` is the platform's id of the person, `place` that of the chat.

        The page: `asker("web", cookie_id, place="page", address=client_ip)`. The rest is what the
        platform says about them there; see `Asker`.
        """
        return Asker(
            person=await self._people.known(platform, external, name),
            place=await self._places.known(platform, place, place_name),
            address=address,
            operator=(platform, external) in self._settings.operators,
            channel=channel,
            channels=channels,
            roles=roles,
            admin=admin,
            moderator=moderator,
        )

    async def cancel(self, asker: Asker, public: str) -> Job:
        """Cancel a job of the asker's (moderators: of their place); harmless when it is over.

        One that is being painted may still be `running` in the answer, if a step takes long; its
        `cancelled` event follows within one step. Raises `NotFound` or `NotYours`.
        """
        job = await self._sight.job(asker, public)
        rights.check_own(asker, job.person, job.place, job.private)
        return job if job.state.final else await self._worker.cancel(job)

    async def history(
        self,
        asker: Asker,
        *,
        before: int | None = None,
        limit: int = 20,
        skip: int = 0,
        search: str | None = None,
    ) -> list[JobView]:
        """The asker's own jobs, newest first, without the first `skip`.

        `before` is the `job.id` below which to go on; `search` are words that all stand in the
        prompt, or words that begin so.
        """
        limit = max(1, min(limit, LONGEST_PAGE))
        person = asker.person.id
        while skip > 0:
            many = min(skip, LONGEST_PAGE)
            passed = await self._album.jobs(person, search=search, before=before, limit=many)
            if not passed:
                return []
            skip -= len(passed)
            before = passed[-1].id
        jobs = await self._album.jobs(person, search=search, before=before, limit=limit)
        return [await self.view_of(job) for job in jobs]

    async def pictures(
        self,
        asker: Asker,
        *,
        search: str | None = None,
        before: str | None = None,
        limit: int = 48,
        pinned: bool = False,
    ) -> list[PictureView]:
        """The asker's own pictures, newest first: all, the pinned, or those searched as above.

        `before` is the id of the last picture already seen.
        """
        return await self._album.look(
            asker.person.id, search=search, before=before, limit=limit, pinned=pinned
        )

    async def pin(self, asker: Asker, picture_id: str, pinned: bool = True) -> PictureRow:
        """Keep a picture of the asker's until they delete it, or let it go like the others.

        Raises `NotFound`, `NotYours`, `TooManyPins`.
        """
        row, _ = await self.picture(asker, picture_id)
        rights.check_own(asker, row.person, row.place, row.private)
        return await self._album.pin(row, pinned)

    async def thumbnail(self, asker: Asker, picture_id: str) -> tuple[PictureRow, Path]:
        """A picture the asker may see, and the file of its thumbnail, a WebP."""
        row, _ = await self.picture(asker, picture_id)
        return row, await self._album.thumbnail(row)

    @property
    def disk_full(self) -> bool:
        """Whether nothing new is taken on for want of room on the disk."""
        return self._disk.full

    async def forget(self, asker: Asker) -> Forgotten:
        """Stop, delete and blank all of the asker's until now, for good.

        Bare rows stay as long as budgets count them. Takes seconds if something is being painted.
        """
        return await self._farewell.forget(asker.person.id)

    async def usage(self, asker: Asker) -> Usage:
        """What the asker has used of the tightest budget that applies here."""
        return await self._jobs.usage(
            asker.person.id,
            self._admission.rules(asker),
            place=asker.place.id,
            address=asker.address,
        )

    async def delete_picture(self, asker: Asker, picture_id: str) -> None:
        """Delete a picture of the asker's (moderators: of their place) for good."""
        row, _ = await self.picture(asker, picture_id)
        rights.check_own(asker, row.person, row.place, row.private)
        await self._pictures.delete(row.id)
        log.info("picture deleted", picture=row.id, person=asker.person.id)

    async def upload(self, asker: Asker, data: bytes) -> str:
        """Check a source picture and keep it; the answer goes into `Ask.source`.

        A picture painted here is used as `Ask(source=f"picture:{id}")`. Raises `BadSource`,
        `DiskFull`.
        """
        await self._admission.welcome(asker)
        return await self._shelf.receive(data, asker.person.id)

    def upscalers(self) -> tuple[Network, ...]:
        """The networks that enlarge, the default one first."""
        return self._networks.ordered

    def scales(self, of: PictureRow | tuple[int, int]) -> tuple[int, ...]:
        """Which of ×2 and ×4 are possible for a picture, or one of this width and height."""
        if not self._networks.networks:
            return ()
        width, height = of if isinstance(of, tuple) else (of.width, of.height)
        return scales(width, height)

    def models(self, asker: Asker | None = None) -> tuple[Model, ...]:
        """The models on offer (with an `asker`, where they are), the default one first."""
        if asker is not None:
            return self._completion.allowed(asker)
        models = self._catalogue.models.values()
        return tuple(sorted(models, key=lambda model: model.name != self._settings.model))

    def styles(self) -> tuple[Style, ...]:
        """The styles on offer."""
        return self._completion.styles

    async def save_defaults(self, asker: Asker, defaults: Ask | None) -> None:
        """What fills the gaps of the asker's requests from now on; None forgets it.

        Raises what `paint` would raise if the values were asked for.
        """
        if defaults is not None:
            check_text(defaults)
            self._completion.check_defaults(asker, defaults)
        await self._people.save_defaults(
            asker.person.id, None if defaults is None else defaults.to_json()
        )
