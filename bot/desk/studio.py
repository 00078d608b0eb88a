"""The use cases of every platform: paint, cancel, look, fetch, delete, upload.

A command of a chat or a route of the page builds a request, calls the studio, and answers. Every
refusal is an `engine.errors.Refusal`; `texts.explain` turns it into a sentence.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot.desk.answers import Asker, JobView, Ticket, present
from bot.desk.shelf import Shelf
from engine.errors import InvalidRequest
from engine.request import Ask, Note, resolve
from storage.errors import Banned, NotFound, NotYours, Paused
from storage.jobs import Order, Rules

if TYPE_CHECKING:
    from bot.desk.announcer import Announcer, Subscription
    from bot.desk.line import Line
    from bot.desk.worker import Worker
    from bot.settings import Settings
    from engine.catalogue import Catalogue, Model
    from storage.jobs import Job, Jobs, Usage
    from storage.people import People
    from storage.pictures import PictureRow, Pictures, Sources
    from storage.places import Places

__all__ = ["Asker", "JobView", "Studio", "Ticket"]

log = structlog.get_logger(__name__)

UNSHARED = frozenset({"web"})
"""Platforms whose places are no chats: being there does not mean to see what others asked for."""
LONGEST_PAGE = 100


class Studio:
    """Who may do what, in which order it is checked, and what comes of it."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        jobs: Jobs,
        people: People,
        places: Places,
        pictures: Pictures,
        sources: Sources,
        line: Line,
        announcer: Announcer,
        worker: Worker,
        files: Executor,
        settings: Settings,
        draw_seed: Callable[[], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalogue = catalogue
        self._jobs = jobs
        self._people = people
        self._places = places
        self._pictures = pictures
        self._line = line
        self._announcer = announcer
        self._worker = worker
        self._shelf = Shelf(pictures=pictures, sources=sources, files=files)
        self._settings = settings
        self._draw_seed = draw_seed
        self._clock = clock

    async def asker(
        self,
        platform: str,
        external: str,
        *,
        place: str,
        name: str = "",
        place_name: str = "",
        address: str | None = None,
    ) -> Asker:
        """Who asks: `external` is the platform's id of the person, `place` that of the chat.

        The page: `asker("web", cookie_id, place="page", address=client_ip)`.
        """
        return Asker(
            person=await self._people.known(platform, external, name),
            place=await self._places.known(platform, place, place_name),
            address=address,
            operator=(platform, external) in self._settings.operators,
        )

    async def paint(
        self, asker: Asker, ask: Ask, *, key: str | None = None, exact: bool = False
    ) -> Ticket:
        """Take on a request; `key` makes repeating it harmless.

        With `exact`, what the model cannot use is refused (`Unusable`), otherwise it becomes a
        note. Raises the `Refusal` of whatever stands against it; then nothing was stored.
        """
        self._welcome(asker)
        _readable(ask)
        defaults = self._defaults(asker)
        model, notes = self._model(ask, defaults)
        resolved = resolve(ask, model, draw_seed=self._draw_seed, defaults=defaults, exact=exact)
        resolved = replace(resolved, notes=notes + resolved.notes)
        await self._check_source(asker, resolved.paint.source)
        order = Order(
            person=asker.person.id,
            place=asker.place.id,
            address=asker.address,
            ask_json=ask.to_json(),
            resolved=resolved,
            key=key,
        )
        job, created = await self._jobs.enqueue(order, self._rules(asker))
        if created:
            log.info("queued", job=job.public, person=job.person, cost=job.cost)
            self._worker.wake()
        standing = await self._line.standing(job)
        return Ticket(
            job=job,
            position=standing.position,
            eta_s=standing.eta_s,
            warming=standing.warming,
            created=created,
            notes=job.notes,
        )

    async def cancel(self, asker: Asker, public: str) -> Job:
        """Cancel a job of the asker's (an operator: anybody's); harmless when it is over already.

        One that is being painted may still be `running` in the answer, if a step takes long; its
        `cancelled` event follows within one step. Raises `NotFound` or `NotYours`.
        """
        job = await self._seen(asker, public)
        self._own(asker, job.person)
        return job if job.state.final else await self._worker.cancel(job)

    async def view(self, asker: Asker, public: str) -> JobView:
        """A job of the asker's, or of a chat they are in; raises `NotFound` otherwise."""
        return await self._view(await self._seen(asker, public))

    @asynccontextmanager
    async def watch(self, asker: Asker, public: str) -> AsyncIterator[Subscription]:
        """`async with studio.watch(asker, id) as events: async for event in events: …`

        Raises `NotFound` on entering. The first event is the present state: `queued`, `step` (with
        or without progress), or the final one; the final event ends the iteration.
        """
        await self._seen(asker, public)
        async with self._announcer.subscribe(public) as events:
            events.begin(present(await self.view(asker, public)))
            yield events

    async def history(
        self, asker: Asker, *, before: int | None = None, limit: int = 20
    ) -> list[JobView]:
        """The asker's own jobs, newest first; `before` is the `job.id` below which to go on."""
        limit = max(1, min(limit, LONGEST_PAGE))
        jobs = await self._jobs.of_person(asker.person.id, before=before, limit=limit)
        return [await self._view(job) for job in jobs]

    async def usage(self, asker: Asker) -> Usage:
        """What the asker has used of the tightest budget that applies here."""
        return await self._jobs.usage(
            asker.person.id, self._rules(asker), place=asker.place.id, address=asker.address
        )

    async def picture(self, asker: Asker, picture_id: str) -> tuple[PictureRow, Path]:
        """A picture the asker may see, and its file; `NotFound` otherwise: an id grants nothing."""
        row = await self._pictures.get(picture_id)
        if not self._may_see(asker, row.person, row.place):
            raise NotFound("picture")
        return row, self._pictures.path(row)

    async def delete_picture(self, asker: Asker, picture_id: str) -> None:
        """Delete a picture of the asker's (an operator: anybody's) for good."""
        row, _ = await self.picture(asker, picture_id)
        self._own(asker, row.person)
        await self._pictures.delete(row.id)
        log.info("picture deleted", picture=row.id, person=asker.person.id)

    async def upload(self, asker: Asker, data: bytes) -> str:
        """Check a source picture and keep it; the answer goes into `Ask.source`.

        Raises `BadSource`. A picture painted here is used as `Ask(source=f"picture:{id}")`.
        """
        self._welcome(asker)
        return await self._shelf.receive(data)

    def models(self) -> tuple[Model, ...]:
        """The models on offer, the default one first."""
        models = self._catalogue.models.values()
        return tuple(sorted(models, key=lambda model: model.name != self._settings.model))

    async def save_defaults(self, asker: Asker, defaults: Ask | None) -> None:
        """What fills the gaps of the asker's requests from now on; None forgets it.

        Raises what `paint` would raise if the values were asked for.
        """
        if defaults is not None:
            _readable(defaults)
            model, _ = self._model(defaults, None)
            tried = replace(defaults, prompt="x", source=None)
            resolve(tried, model, draw_seed=lambda: 0)
        await self._people.save_defaults(
            asker.person.id, None if defaults is None else defaults.to_json()
        )

    def _welcome(self, asker: Asker) -> None:
        until = asker.person.banned_until
        if until is not None and until > self._clock():
            raise Banned(None if math.isinf(until) else until)
        if asker.place.paused:
            raise Paused()

    def _defaults(self, asker: Asker) -> Ask | None:
        if asker.person.defaults is None:
            return None
        try:
            return Ask.from_json(asker.person.defaults)
        except (ValueError, TypeError):
            log.exception("defaults cannot be read", person=asker.person.id)
            return None

    def _model(self, ask: Ask, defaults: Ask | None) -> tuple[Model, tuple[Note, ...]]:
        """The model that was asked for, else the personal default, else the operator's."""
        if ask.model is not None:
            return self._catalogue.get(ask.model), ()
        operators = self._settings.model
        if defaults is None or defaults.model is None:
            return self._catalogue.get(operators), ()
        if defaults.model in self._catalogue.models:
            return self._catalogue.models[defaults.model], ()
        dropped = Note(code="default_dropped", field="model", model=operators, given=defaults.model)
        return self._catalogue.get(operators), (dropped,)

    async def _check_source(self, asker: Asker, source: str | None) -> None:
        if source is not None and source.startswith("picture:"):
            await self.picture(asker, source.removeprefix("picture:"))
        else:
            await self._shelf.source(source)

    def _rules(self, asker: Asker) -> Rules:
        settings = self._settings
        return Rules(
            budget=settings.budget,
            person_in_place=asker.place.budget,
            place=asker.place.place_budget,
            address=None if asker.address is None else settings.credits_per_address,
            waiting_per_person=settings.waiting_per_person,
            queue_limit=settings.queue_limit,
        )

    async def _seen(self, asker: Asker, public: str) -> Job:
        job = await self._jobs.get(public)
        if not self._may_see(asker, job.person, job.place):
            raise NotFound("job")
        return job

    def _may_see(self, asker: Asker, person: int, place: int) -> bool:
        """Their own, or posted where they are; on the page, a place of strangers, nothing is."""
        here = place == asker.place.id and asker.place.platform not in UNSHARED
        return asker.operator or person == asker.person.id or here

    def _own(self, asker: Asker, person: int) -> None:
        if not asker.operator and person != asker.person.id:
            raise NotYours()

    async def _view(self, job: Job) -> JobView:
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


def _readable(ask: Ask) -> None:
    """Refuse text that is not text, such as halves of characters: no file and no chat takes it."""
    for name in ("prompt", "negative", "model", "aspect", "source"):
        value = getattr(ask, name)
        try:
            (value or "").encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidRequest(name, ascii(value)[:60], "Unicode") from None
