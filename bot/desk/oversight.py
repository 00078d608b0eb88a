"""The use cases of the operator of all: one who sees the whole house, and decides everywhere.

What is decided goes through the office, like what admins of a place decide, and stands in its
audit. Nothing here knows by which way the operator came in.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.desk.overview import (
    DiskView,
    ModelRow,
    Now,
    PersonRow,
    PersonView,
    Recent,
    Row,
)
from engine.errors import InvalidRequest
from storage.errors import NotFound

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from bot.desk.estimates import Estimates
    from bot.desk.keeping import Keeper, Swept
    from bot.desk.line import Line, Standing
    from bot.desk.office import Office
    from bot.desk.rooms import Rooms
    from bot.desk.studio import Studio
    from engine.catalogue import Catalogue, Model
    from engine.networks import Networks
    from engine.thread import EngineThread
    from storage.audit import AuditEntry
    from storage.crowd import Crowd, Face
    from storage.hours import Hour, Hours
    from storage.incidents import Incident, Incidents, Kind
    from storage.job import Job
    from storage.jobs import Jobs
    from storage.people import People
    from storage.speeds import Speeds

LISTED = 50
"""So many of anything are shown at once."""
LONGEST_LINE = 200
"""So many of those who wait are shown."""
LONGEST_BAN_S = 10 * 366 * 86_400.0
WEEK_H = 7 * 24
RECENT = 12
OPERATOR = ("web", "operator")
"""Who decides here, as the audit has it: visitors of the page have random names of another form."""


class Oversight:
    """Everything the operator of all can see and do."""

    def __init__(
        self,
        *,
        studio: Studio,
        office: Office,
        jobs: Jobs,
        people: People,
        crowd: Crowd,
        hours: Hours,
        incidents: Incidents,
        speeds: Speeds,
        estimates: Estimates,
        line: Line,
        engine: EngineThread,
        catalogue: Catalogue,
        networks: Networks,
        keeper: Keeper,
        rooms: Rooms,
        resident: Callable[[], frozenset[str]],
        chats: Callable[[], Mapping[str, str]],
        default_model: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._studio = studio
        self._office = office
        self._jobs = jobs
        self._people = people
        self._crowd = crowd
        self._hours = hours
        self._incidents = incidents
        self._speeds = speeds
        self._estimates = estimates
        self._line = line
        self._engine = engine
        self._catalogue = catalogue
        self._networks = networks
        self._keeper = keeper
        self._rooms = rooms
        self._resident = resident
        self._chats = chats
        self._default_model = default_model
        self._clock = clock

    async def now(self) -> Now:
        """How things stand at this moment, in few numbers."""
        waiting = await self._jobs.line()
        day = await self._hours.latest(24)
        return Now(
            engine=str(self._engine.state),
            chats=dict(self._chats()),
            painting=self._line.painting is not None,
            waiting=waiting.jobs,
            oldest_s=None if waiting.oldest_at is None else self._clock() - waiting.oldest_at,
            disk_full=self._studio.disk_full,
            free_bytes=self._rooms.free,
            pictures_today=sum(hour.pictures for hour in day),
            failed_today=sum(hour.failed for hour in day),
        )

    async def queue(self) -> list[Row]:
        """What is painted, and the first of those that wait, in their order."""
        standings = await self._line.standings(LONGEST_LINE)
        painting = self._line.painting
        jobs = [job for job, _ in standings]
        if painting is not None:
            standings = [each for each in standings if each[0].id != painting.job.id]
            jobs.append(painting.job)
        faces = await self._crowd.by_ids(job.person for job in jobs)
        rows = [self._row(job, faces, standing) for job, standing in standings]
        if painting is None:
            return rows
        now = replace(
            self._row(painting.job, faces, None),
            share=painting.share,
            eta_s=self._line.remaining(),
        )
        return [now, *rows]

    async def cancel(self, public: str) -> None:
        """Cancel any job; harmless when it is over. Raises `NotFound`."""
        await self._office.cancel(await self._operator(), public)

    async def cancel_all(self) -> int:
        """Cancel everything that waits or is painted; how many that were."""
        return await self._office.cancel_all(await self._operator(), everywhere=True)

    async def cancel_of(self, person: int) -> int:
        """Cancel what this person has waiting or being painted; how many that were."""
        jobs = await self._crowd.waiting(person)
        painting = self._line.painting
        if painting is not None and painting.job.person == person:
            jobs.append(painting.job)
        for job in jobs:
            await self.cancel(job.public)
        return len(jobs)

    async def move(self, public: str, *, first: bool) -> None:
        """Let a waiting job be the next, or the last; harmless if it does not wait any more."""
        await self._office.move(await self._operator(), public, first=first)

    async def people(
        self, words: str = "", *, banned: bool = False, skip: int = 0
    ) -> tuple[list[PersonRow], bool]:
        """Those who were here lately, are banned, or are called so; and whether there are more."""
        found = await self._crowd.find(
            " ".join(words.split())[:100], banned=banned, skip=skip, limit=LISTED + 1
        )
        return [await self._person_row(face) for face in found[:LISTED]], len(found) > LISTED

    async def person(self, number: int) -> PersonView:
        """One of them, closely. Raises `NotFound`."""
        face = (await self._crowd.by_ids([number])).get(number)
        if face is None:
            raise NotFound("person")
        kept = await self._crowd.belongings(number)
        recent = await self._jobs.of_person(number, limit=RECENT)
        return PersonView(
            row=await self._person_row(face),
            known_since=face.created_at,
            pictures=kept.pictures,
            picture_bytes=kept.bytes,
            bans=tuple(await self._crowd.bans(number)),
            recent=tuple(
                Recent(
                    id=job.public,
                    state=job.state,
                    model=job.paint.kind,
                    at=job.created_at,
                    charge=job.charge,
                    error=job.error,
                )
                for job in recent
            ),
        )

    async def ban(self, number: int, seconds: float | None) -> None:
        """Take nothing from this person anywhere, for so long or (None) for good."""
        if seconds is not None and not 0 < seconds <= LONGEST_BAN_S:
            raise InvalidRequest("duration", f"{seconds:g}", f"1–{LONGEST_BAN_S:.0f}")
        until = None if seconds is None else self._clock() + seconds
        asker, external = await self._about(number)
        await self._office.ban(asker, external, until=until, everywhere=True)

    async def unban(self, number: int) -> None:
        """Take this person's jobs again, as far as the ban was one everywhere."""
        asker, external = await self._about(number)
        await self._office.unban(asker, external, everywhere=True)

    async def give(self, number: int, credits: float) -> None:
        """Extra credits for a day."""
        asker, external = await self._about(number)
        await self._office.give(asker, external, credits, everywhere=True)

    async def set_budget(self, number: int, credits: float | None) -> None:
        """A budget of their own, instead of everybody's; None is everybody's."""
        asker, external = await self._about(number)
        await self._office.set_budget(asker, external, credits, everywhere=True)

    async def reset(self, number: int) -> None:
        """What they have used so far does not count any more."""
        asker, external = await self._about(number)
        await self._office.reset(asker, external, everywhere=True)

    async def models(self) -> list[ModelRow]:
        """What is installed, the default first, then what cannot be used, with the reason."""
        week = await self._hours.latest(WEEK_H)
        rows = [await self._model_row(each, week) for each in self._catalogue.models.values()]
        rows.sort(key=lambda row: (not row.default, row.broken is not None, row.title.lower()))
        for network in self._networks.ordered:
            row = ModelRow(
                name=network.name,
                title=network.title,
                kind="upscaler",
                licence=network.licence,
                description=network.description,
                default=network is self._networks.default,
                bytes=await self._rooms.size(network.folder),
            )
            rows.append(row)
        for name, reason in (self._catalogue.broken | self._networks.broken).items():
            rows.append(ModelRow(name=name, title=name, kind="broken", broken=reason))
        return rows

    async def disk(self) -> DiskView:
        """What takes how much room."""
        return await self._rooms.look()

    async def tidy(self, *, dry: bool) -> list[Swept]:
        """Let go what is too old or too much by the settings; `dry`: only see what that is."""
        swept = await self._keeper.tidy(dry=dry)
        if not dry:
            self._rooms.forget()
            megabytes = sum(each.bytes for each in swept) / 1e6
            await self._office.note_everywhere(await self._operator(), "tidy", f"{megabytes:.1f}")
        return swept

    async def hours(self, hours: int) -> list[Hour]:
        """How it went in the last so many hours."""
        return await self._hours.latest(hours)

    async def incidents(
        self, kind: Kind | None = None, before: int | None = None
    ) -> tuple[list[Incident], bool]:
        """What was refused, failed or went wrong, newest first; and whether there is more."""
        found = await self._incidents.latest(kind, before=before, limit=LISTED + 1)
        return found[:LISTED], len(found) > LISTED

    async def decisions(self) -> tuple[list[AuditEntry], Mapping[str, str]]:
        """Who decided what lately, anywhere; and what the people it was about are called."""
        entries = await self._office.audit(await self._operator(), LISTED, everywhere=True)
        return entries, await self._crowd.names({entry.subject for entry in entries})

    async def _operator(self) -> Asker:
        platform, external = OPERATOR
        asker = await self._studio.asker(platform, external, place="page", name="Operator")
        return replace(asker, operator=True)

    async def _about(self, number: int) -> tuple[Asker, str]:
        """The operator, looking at the platform of this person; and the person's name there."""
        person = await self._people.get(number)
        asker = await self._operator()
        # The office finds people by the platform of the place; what is done everywhere asks
        # nothing else of it.
        return replace(asker, place=replace(asker.place, platform=person.platform)), person.external

    async def _person_row(self, face: Face) -> PersonRow:
        asker = await self._operator()
        person = await self._people.get(face.id)
        usage = await self._studio.usage(replace(asker, person=person))
        banned = face.banned_until is not None and face.banned_until > self._clock()
        until = face.banned_until if banned else None
        return PersonRow(
            id=face.id,
            platform=face.platform,
            external="" if face.platform == "web" else face.external,
            name=face.name,
            seen_at=face.seen_at,
            used=usage.used,
            budget=usage.budget,
            own_budget=face.budget,
            waiting=usage.waiting,
            banned=banned,
            banned_until=None if until is None or math.isinf(until) else until,
        )

    async def _model_row(self, model: Model, week: list[Hour]) -> ModelRow:
        width, height = model.sizes[0]
        guided = model.default_guidance > 1
        kind = (model.name, width, height, guided, model.default_steps, 1)
        of_it = [hour for hour in week if hour.model == model.name]
        return ModelRow(
            name=model.name,
            title=model.title,
            kind=model.family,
            licence=model.licence,
            description=model.description,
            default=model.name == self._default_model,
            broken=self._engine.broken.get(model.name),
            bytes=await self._rooms.size(model.folder),
            memory_bytes=model.memory_mb * 1_000_000,
            resident=model.name in self._resident(),
            load_s=await self._speeds.load_seconds(model.name),
            size=(width, height),
            steps=model.default_steps,
            seconds=await self._estimates.seconds(*kind),
            measured=await self._speeds.estimate(*kind) is not None,
            pictures=sum(hour.pictures for hour in of_it),
            failed=sum(hour.failed for hour in of_it),
        )

    def _row(self, job: Job, faces: Mapping[int, Face], standing: Standing | None) -> Row:
        face, paint = faces.get(job.person), job.paint
        return Row(
            id=job.public,
            position=0 if standing is None else standing.position,
            eta_s=None if standing is None else standing.eta_s,
            share=0.0,
            prompt=paint.prompt,
            private=job.private,
            person=job.person,
            name="" if face is None else face.name,
            platform="" if face is None else face.platform,
            model=paint.kind,
            width=paint.width,
            height=paint.height,
            count=paint.count,
            cost=job.cost,
            deaths=job.deaths,
            created_at=job.created_at,
        )
