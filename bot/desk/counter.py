"""The counter: where requests are completed, checked and taken on. Every one becomes a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from bot.desk.answers import Asker, Ticket
from bot.desk.completing import STRONG, SUBTLE, Complete, Completion, asked_for, check_text
from bot.desk.finishing import ENLARGED, Finishing, Original
from engine.errors import Unusable
from engine.request import Ask
from storage.jobs import Order

if TYPE_CHECKING:
    from bot.desk.admission import Admission
    from bot.desk.line import Line
    from bot.desk.shelf import Shelf
    from bot.desk.sight import Sight
    from bot.desk.worker import Worker
    from engine.catalogue import Catalogue
    from engine.request import Resolved
    from storage.jobs import Jobs
    from storage.pictures import Pictures

log = structlog.get_logger(__name__)

TOLD_WITHIN = 50
"""Whoever heard within so many jobs that the model's world is small hears it no more."""


class Counter:
    """Takes on what is to be painted, painted again, varied, enlarged or looked at again."""

    def __init__(
        self,
        *,
        admission: Admission,
        completion: Completion,
        finishing: Finishing,
        catalogue: Catalogue,
        jobs: Jobs,
        pictures: Pictures,
        shelf: Shelf,
        sight: Sight,
        line: Line,
        worker: Worker,
    ) -> None:
        self._admission = admission
        self._completion = completion
        self._finishing = finishing
        self._catalogue = catalogue
        self._jobs = jobs
        self._pictures = pictures
        self._shelf = shelf
        self._sight = sight
        self._line = line
        self._worker = worker

    async def paint(
        self,
        asker: Asker,
        ask: Ask,
        *,
        key: str | None = None,
        exact: bool = False,
        private: bool = False,
        message: str | None = None,
        parent: str | None = None,
    ) -> Ticket:
        """Take on a request; `key` makes repeating it harmless.

        With `exact`, what the model cannot use is refused (`Unusable`), otherwise it becomes a
        note. A `private` job is its asker's alone; `message` is what the courier needs to find it
        again, `parent` the public id of the job that it came from. Raises the `Refusal` of
        whatever stands against it; then nothing was stored.
        """
        await self._admission.check(asker)
        check_text(ask)
        complete = self._completion.complete(asker, ask, exact=exact)
        await self._check_source(asker, complete.resolved.paint.source)
        if complete.resolved.paint.mask is not None:
            await self._shelf.check_mask(complete.resolved.paint)
        complete = replace(complete, resolved=await self._told_once(asker, complete.resolved))
        return await self._take(
            asker, ask, complete, key=key, private=private, message=message, parent=parent
        )

    async def upscale(
        self,
        asker: Asker,
        source: str,
        *,
        scale: int = 2,
        upscaler: str | None = None,
        creative: float | None = None,
        key: str | None = None,
        message: str | None = None,
        private: bool = False,
        parent: str | None = None,
    ) -> Ticket:
        """Enlarge a stored picture: "picture:<id>" that the asker may see, or "upload:<id>".

        One painted here keeps its prompt, model and seed, and its job is the parent. Raises
        `NotFound`, `SourceGone`, `InvalidRequest` for what would be too large, and what `paint`
        raises.
        """
        await self._admission.check(asker)
        ask = Ask(prompt="", source=source, upscale=scale, upscaler=upscaler, creative=creative)
        check_text(ask)
        original = await self._original(asker, source)
        complete = self._finishing.enlarge(
            asker, original, scale=scale, upscaler=upscaler, creative=creative
        )
        return await self._take(
            asker,
            ask,
            complete,
            key=key,
            private=private or original.private,
            message=message,
            parent=parent if original.job is None else original.job.public,
        )

    async def second_look(
        self,
        asker: Asker,
        picture_id: str,
        *,
        key: str | None = None,
        message: str | None = None,
        private: bool = False,
    ) -> Ticket:
        """Decode a picture that the asker may see once more, with its model's full decoder.

        It is not painted again, and possible for as long as `PictureRow.latent` is not 0. Raises
        `NotFound`, `Unusable` for a model that has one decoder only, and what `paint` raises.
        """
        await self._admission.check(asker)
        row, _ = await self._sight.picture(asker, picture_id)
        job = await self._jobs.by_id(row.job)
        source = f"picture:{row.id}"
        complete = self._finishing.second_look(asker, source, job, row.index)
        await self._pictures.latent(row.id)  # or it is too late
        return await self._take(
            asker,
            Ask(prompt="", source=source),
            complete,
            key=key,
            private=private or job.private,
            message=message,
            parent=job.public,
        )

    async def again(
        self,
        asker: Asker,
        public: str,
        *,
        key: str | None = None,
        message: str | None = None,
        private: bool = False,
        changes: Mapping[str, Any] | None = None,
    ) -> Ticket:
        """Paint a job that the asker may see once more, with a new seed and these `changes`.

        `changes` are fields of `Ask`. What came of a private job is private, too. Raises
        `NotFound` and what `paint` raises.
        """
        job = await self._sight.job(asker, public)
        asked = {name: value for name, value in (changes or {}).items() if value is not None}
        if not job.paint.prompt and not asked.keys() - ENLARGED:
            ask = replace(asked_for(job), **asked)
            return await self.upscale(
                asker,
                str(ask.source),
                scale=ask.upscale or 2,
                upscaler=ask.upscaler,
                creative=ask.creative,
                key=key,
                private=private or job.private,
                message=message,
                parent=job.public,
            )
        ask = self._completion.changed(job, changes or {})
        return await self.paint(
            asker,
            ask,
            key=key,
            private=private or job.private,
            message=message,
            parent=job.public,
        )

    async def vary(
        self,
        asker: Asker,
        picture_id: str,
        *,
        strong: bool,
        key: str | None = None,
        message: str | None = None,
        private: bool = False,
        prompt: str | None = None,
    ) -> Ticket:
        """Paint variations of a picture the asker may see, as many as its job had pictures.

        Raises `NotFound`, `Unusable` for a model that starts from no picture, and what `paint`
        raises.
        """
        row, _ = await self._sight.picture(asker, picture_id)
        job = await self._jobs.by_id(row.job)
        changes: dict[str, Any] = {
            "source": f"picture:{row.id}",
            "strength": STRONG if strong else SUBTLE,
            "mask": None,
        }
        if prompt is not None:
            changes["prompt"] = prompt
        if job.paint.prompt and not self._catalogue.get(job.paint.model).image_to_image:
            raise Unusable("source", job.paint.model)
        return await self.paint(
            asker,
            self._completion.changed(job, changes),
            key=key,
            private=private or job.private,
            message=message,
            parent=job.public,
        )

    async def _take(
        self,
        asker: Asker,
        ask: Ask,
        complete: Complete,
        *,
        key: str | None,
        private: bool,
        message: str | None,
        parent: str | None,
    ) -> Ticket:
        """Queue what is complete, within the rules."""
        paint = complete.resolved.paint
        for source in filter(None, (paint.needs, paint.mask)):
            await self._shelf.used(source)
        order = Order(
            person=asker.person.id,
            place=asker.place.id,
            address=asker.address,
            ask_json=ask.to_json(),
            filled_json=complete.filled.to_json(),
            resolved=complete.resolved,
            key=key,
            private=private,
            message=message,
            parent=parent,
        )
        job, created = await self._jobs.enqueue(order, self._admission.rules(asker))
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

    async def _original(self, asker: Asker, source: str) -> Original:
        """The stored picture that a source names, if the asker may see it."""
        if not source.startswith("picture:"):
            width, height = await self._shelf.size(source)
            return Original(source=source, width=width, height=height)
        row, _ = await self._sight.picture(asker, source.removeprefix("picture:"))
        return Original(
            source=source,
            width=row.width,
            height=row.height,
            job=await self._jobs.by_id(row.job),
            index=row.index,
        )

    async def _told_once(self, asker: Asker, resolved: Resolved) -> Resolved:
        """Without the note that the model's world is small, where they heard it lately."""
        if not any(note.code == "outside_world" for note in resolved.notes):
            return resolved
        lately = await self._jobs.of_person(asker.person.id, limit=TOLD_WITHIN)
        if not any(note.code == "outside_world" for job in lately for note in job.notes):
            return resolved
        notes = tuple(note for note in resolved.notes if note.code != "outside_world")
        return replace(resolved, notes=notes)

    async def _check_source(self, asker: Asker, source: str | None) -> None:
        if source is not None and source.startswith("picture:"):
            await self._sight.picture(asker, source.removeprefix("picture:"))
        else:
            await self._shelf.source(source)
