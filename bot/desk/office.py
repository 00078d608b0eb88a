"""The use cases of admins and moderators: the rules of a place, its people, its jobs, reports.

Every method takes who asks, refuses (`NotAllowed`) who may not, and leaves an entry in the audit.
An admin decides about their own place alone; with `everywhere`, an operator about all of them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import structlog

from bot.desk import moderation, rights, styles
from bot.desk.answers import Asker, JobView, Report, Standing
from bot.desk.errors import NoBudgetHere, TooManyReports
from bot.desk.veils import FLAGGED
from engine.errors import InvalidRequest
from engine.request import Ask, Limits
from storage.errors import NotFound
from storage.places import HouseRules

if TYPE_CHECKING:
    from bot.desk.studio import Studio
    from bot.desk.worker import Worker
    from bot.settings import Settings
    from engine.catalogue import Catalogue
    from storage.audit import Audit, AuditEntry
    from storage.jobs import Job, Jobs, Usage
    from storage.members import Members
    from storage.people import People, Person
    from storage.places import Place, Places

log = structlog.get_logger(__name__)

MOST_CREDITS = 1_000_000.0
MOST_WAITING = 1000
LISTED = 100
REPORTS, REPORTS_S = 10, 3600.0
"""So many pictures one person may report in so many seconds."""
"""So many jobs are shown at most, and cancelled in one go."""
RULES = frozenset(each.name for each in fields(HouseRules))
BUDGETS = frozenset({"budget", "place_budget"})


class Office:
    """Who may decide what about a place and the people in it, and what comes of it."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        studio: Studio,
        jobs: Jobs,
        people: People,
        places: Places,
        members: Members,
        audit: Audit,
        worker: Worker,
        settings: Settings,
    ) -> None:
        self._catalogue = catalogue
        self._studio = studio
        self._jobs = jobs
        self._people = people
        self._places = places
        self._members = members
        self._audit = audit
        self._worker = worker
        self._settings = settings
        self._changing = asyncio.Lock()

    async def place(self, asker: Asker) -> Place:
        """The asker's place with its rules, as they are now."""
        rights.check_admin(asker)
        return await self._places.get(asker.place.id)

    async def change(self, asker: Asker, **changes: Any) -> Place:
        """Change fields of `HouseRules`, `budget` or `place_budget` (credits a day or None).

        What is not named stays; it holds for the next request. Raises `UnknownModel`,
        `UnknownStyle`, `BadPattern`, or `InvalidRequest` for a number that is not possible.
        """
        rights.check_admin(asker)
        unknown = set(changes) - RULES - BUDGETS
        if unknown:
            raise TypeError(f"no such rule: {', '.join(sorted(unknown))}")
        given = {name: self._checked(name, value) for name, value in changes.items()}
        async with self._changing:
            place = await self._places.get(asker.place.id)
            rules = replace(place.rules, **{k: v for k, v in given.items() if k in RULES})
            if rules != place.rules:
                place = await self._places.save_rules(place.id, rules)
            if BUDGETS & set(given):
                place = await self._places.save_limits(
                    place.id,
                    budget=given.get("budget", place.budget),
                    place_budget=given.get("place_budget", place.place_budget),
                )
        for name, value in given.items():
            await self._note(asker, "change", name, _told(value))
        return place

    async def pause(self, asker: Asker, paused: bool) -> Place:
        """Take no jobs in this place for now, or take them again."""
        rights.check_admin(asker)
        place = await self._places.pause(asker.place.id, paused)
        await self._note(asker, "pause" if paused else "resume")
        return place

    async def ban(
        self, asker: Asker, external: str, *, until: float | None = None, everywhere: bool = False
    ) -> Person:
        """Take no jobs from this person until `until` (epoch seconds), or for good.

        Moderators may, too. What they have waiting stays; see `cancel`.
        """
        rights.check_moderator(asker, everywhere=everywhere)
        person = await self._known(asker, external)
        end = math.inf if until is None else until
        if everywhere:
            await self._people.ban(person.id, end)
        else:
            await self._members.ban(person.id, asker.place.id, end)
        detail = "" if until is None else f"{until:.0f}"
        await self._note(asker, "ban", external, detail, everywhere=everywhere)
        return person

    async def unban(self, asker: Asker, external: str, everywhere: bool = False) -> Person:
        """Take this person's jobs again; a ban everywhere is lifted by operators alone."""
        rights.check_moderator(asker, everywhere=everywhere)
        person = await self._known(asker, external)
        if everywhere:
            await self._people.unban(person.id)
        else:
            await self._members.ban(person.id, asker.place.id, None)
        await self._note(asker, "unban", external, everywhere=everywhere)
        return person

    async def give(
        self, asker: Asker, external: str, credits: float, *, everywhere: bool = False
    ) -> Person:
        """Extra credits for a day, on top of this person's budget here.

        The operator's budget over all places still holds: only an operator can lift that one, with
        `everywhere`. Raises `NoBudgetHere` where people have no budget of the place's own: there
        an admin has nothing to add to.
        """
        rights.check_admin(asker, everywhere=everywhere)
        amount = _number("credits", credits, 0.01, MOST_CREDITS)
        person = await self._known(asker, external)
        await self._check_budget(asker, person, everywhere)
        await self._members.give(person.id, None if everywhere else asker.place.id, amount)
        await self._note(asker, "give", external, f"{amount:g}", everywhere=everywhere)
        return person

    async def reset(self, asker: Asker, external: str, *, everywhere: bool = False) -> Person:
        """What this person used here so far does not count any more; raises as `give`."""
        rights.check_admin(asker, everywhere=everywhere)
        person = await self._known(asker, external)
        await self._check_budget(asker, person, everywhere)
        await self._members.reset(person.id, None if everywhere else asker.place.id)
        await self._note(asker, "reset", external, everywhere=everywhere)
        return person

    async def set_budget(
        self, asker: Asker, external: str, credits: float | None, *, everywhere: bool = False
    ) -> Person:
        """This person's own credits a day here, instead of everybody's; None is everybody's."""
        rights.check_admin(asker, everywhere=everywhere)
        amount = None if credits is None else _number("credits", credits, 0.0, MOST_CREDITS)
        person = await self._known(asker, external)
        await self._members.set_budget(person.id, None if everywhere else asker.place.id, amount)
        detail = "" if amount is None else f"{amount:g}"
        await self._note(asker, "budget", external, detail, everywhere=everywhere)
        return person

    async def usage_of(
        self, asker: Asker, external: str, *, roles: frozenset[str] = frozenset()
    ) -> Usage:
        """What this person has used of the tightest budget that applies to them here."""
        rights.check_admin(asker)
        person = await self._known(asker, external)
        return await self._studio.usage(replace(asker, person=person, roles=roles, address=None))

    async def standing_of(
        self, asker: Asker, external: str, *, roles: frozenset[str] = frozenset()
    ) -> Standing:
        """How this person stands here: usage, own budget, bans."""
        usage = await self.usage_of(asker, external, roles=roles)
        person = await self._known(asker, external)
        member = await self._members.get(person.id, asker.place.id)
        return Standing(
            person=person,
            usage=usage,
            budget=member.budget,
            banned_until=member.banned_until,
            banned_everywhere_until=person.banned_until,
        )

    async def asked_by(self, asker: Asker, job: Job) -> Person:
        """Who asked for a job that `jobs` has shown."""
        rights.check_admin(asker)
        return await self._people.get(job.person)

    async def jobs(
        self, asker: Asker, limit: int = 25, *, everywhere: bool = False
    ) -> list[JobView]:
        """What is painted and what waits in this place, in order.

        Of private jobs the words are blank, but for operators.
        """
        rights.check_admin(asker, everywhere=everywhere)
        found = await self._unfinished(asker, min(limit, LISTED), everywhere)
        views = [await self._studio.view_of(job) for job in found]
        return [replace(view, job=_blank(asker, view.job)) for view in views]

    async def cancel(self, asker: Asker, public: str) -> Job:
        """Cancel a job of this place (operators: of any). Raises `NotFound`."""
        rights.check_admin(asker)
        job = await self._jobs.get(public)
        if job.place != asker.place.id and not asker.operator:
            raise NotFound("job")
        over = job if job.state.final else await self._worker.cancel(job)
        await self._note(asker, "cancel", public)
        return _blank(asker, over)

    async def move(self, asker: Asker, public: str, *, first: bool) -> Job:
        """Paint a waiting job before all others, or after them; for operators.

        Harmless if it does not wait any more. Raises `NotFound`.
        """
        rights.check_admin(asker, everywhere=True)
        job = await self._jobs.get(public)
        moved = await self._jobs.move(job.id, first=first)
        if moved is None:
            return job
        self._worker.wake()
        await self._note(asker, "first" if first else "last", public, everywhere=True)
        return moved

    async def cancel_all(self, asker: Asker, *, everywhere: bool = False) -> int:
        """Cancel everything that waits or is painted in this place; how many that were."""
        rights.check_admin(asker, everywhere=everywhere)
        cancelled: set[int] = set()
        while True:
            found = await self._unfinished(asker, LISTED, everywhere)
            new = [job for job in found if job.id not in cancelled]
            if not new:
                break
            for job in new:
                await self._worker.cancel(job)
            cancelled |= {job.id for job in new}
        await self._note(asker, "cancel_all", "", str(len(cancelled)), everywhere=everywhere)
        return len(cancelled)

    async def audit(
        self, asker: Asker, limit: int = 20, *, everywhere: bool = False
    ) -> list[AuditEntry]:
        """Who did what in this place, newest first."""
        rights.check_admin(asker, everywhere=everywhere)
        return await self._audit.latest(None if everywhere else asker.place.id, min(limit, LISTED))

    async def note_everywhere(self, asker: Asker, action: str, detail: str) -> None:
        """Leave an entry for what an operator did to the house itself."""
        rights.check_admin(asker, everywhere=True)
        await self._note(asker, action, "", detail, everywhere=True)

    async def report(self, asker: Asker, what: str, reason: str = "") -> Report:
        """Tell the moderators about a job or a picture (by its public id) that the asker sees.

        Any member may; the same person's second report of the same is told apart. What is private
        goes before others by its owner alone, not even by an operator. Raises `NotFound`,
        `TooManyReports`.
        """
        job, picture = await self._target(asker, what)
        if job.private and job.person != asker.person.id:
            raise NotFound("job")
        view = await self._studio.view_of(job)
        shown = tuple(p for p in view.pictures if picture is None or p.id == picture)
        told = " ".join(reason.split())[:500]
        again = await self._audit.has(
            place=asker.place.id, person=asker.person.id, action="report", subject=what
        )
        if not again:
            await self._check_reports(asker)
            await self._note(asker, "report", what, told)
        return Report(
            job=job,
            pictures=shown,
            person=await self._people.get(job.person),
            reporter=asker.person,
            reason=told,
            log_channel=asker.place.rules.log_channel,
            again=again,
        )

    async def _check_reports(self, asker: Asker) -> None:
        """Moderators are not to be flooded by one person."""
        made = await self._audit.times(asker.person.id, "report", within_s=REPORTS_S, limit=REPORTS)
        if len(made) >= REPORTS:
            raise TooManyReports(REPORTS, min(made) + REPORTS_S)

    async def moderate_delete(self, asker: Asker, what: str) -> int:
        """Delete a picture of this place, or all of a job; how many these were.

        For moderators. Raises `NotFound`, `NotYours`.
        """
        rights.check_moderator(asker)
        job, picture = await self._target(asker, what)
        view = await self._studio.view_of(job)
        found = [p.id for p in view.pictures if picture is None or p.id == picture]
        for each in found:
            await self._studio.delete_picture(asker, each)
        await self._note(asker, "delete", what, str(len(found)))
        return len(found)

    async def _target(self, asker: Asker, what: str) -> tuple[Job, str | None]:
        """The job of this public id, or that of the picture of this id, and the picture."""
        try:
            return (await self._studio.view(asker, what)).job, None
        except NotFound:
            row, _ = await self._studio.picture(asker, what)
            return await self._jobs.by_id(row.job), row.id

    async def _unfinished(self, asker: Asker, limit: int, everywhere: bool) -> list[Job]:
        running = await self._jobs.running()
        here = running is not None and (everywhere or running.place == asker.place.id)
        found = [running] if running is not None and here else []
        if everywhere:
            waiting = await self._jobs.queue(limit)
        else:
            waiting = await self._jobs.queue_of(asker.place.id, limit)
        return [*found, *(job for job in waiting if running is None or job.id != running.id)]

    async def _known(self, asker: Asker, external: str) -> Person:
        return await self._people.known(asker.place.platform, external)

    async def _check_budget(self, asker: Asker, person: Person, everywhere: bool) -> None:
        """Refuse what would have no effect: no budget per person, neither here nor their own."""
        place = await self._places.get(asker.place.id)
        member = await self._members.get(person.id, place.id)
        known = (place.budget, member.budget, *place.rules.role_budgets.values())
        if not everywhere and all(budget is None for budget in known):
            raise NoBudgetHere(self._settings.budget)

    def _checked(self, name: str, value: Any) -> Any:
        """The value of a rule as it is kept. Raises a `Refusal` for one that makes no sense."""
        if value is None and name in (
            *BUDGETS,
            "model",
            "style",
            "negative",
            "log_channel",
            "flagged",
        ):
            return None
        match name:
            case "channels" | "roles":
                return frozenset(map(str, value))
            case "models":
                return frozenset(self._catalogue.get(each).name for each in value)
            case "model":
                return self._catalogue.get(value).name
            case "style":
                found = styles.find(self._studio.styles(), value)
                return None if found is None else found.name
            case "negative":
                return self._readable(name, value)
            case "words":
                return moderation.validated(tuple(value))
            case "role_budgets":
                return {str(k): _number(name, v, 0.0, MOST_CREDITS) for k, v in value.items()}
            case "role_waiting":
                return {str(k): int(_number(name, v, 0, MOST_WAITING)) for k, v in value.items()}
            case "log_channel":
                return str(value)
            case "flagged":
                if value not in FLAGGED:
                    raise InvalidRequest(name, f"{value}"[:60], ", ".join(FLAGGED))
                return str(value)
            case "metadata":
                return bool(value)
        return _number(name, value, 0.0, MOST_CREDITS)

    def _readable(self, name: str, value: str) -> str | None:
        text = " ".join(Ask(prompt=value).prompt.split())
        most = Limits().max_prompt
        if len(text) > most:
            raise InvalidRequest(name, f"{len(text)} characters", f"0–{most} characters")
        return text or None

    async def _note(
        self,
        asker: Asker,
        action: str,
        subject: str = "",
        detail: str = "",
        *,
        everywhere: bool = False,
    ) -> None:
        log.info("decided", action=action, subject=subject, person=asker.person.id)
        await self._audit.add(
            place=None if everywhere else asker.place.id,
            person=asker.person.id,
            action=action,
            subject=subject,
            detail=detail,
        )


def _blank(asker: Asker, job: Job) -> Job:
    """The job without its words, if these are none of the asker's business."""
    if not job.private or asker.operator or job.person == asker.person.id:
        return job
    paint = replace(job.paint, prompt="", negative="")
    return replace(job, paint=paint, ask_json="{}", filled_json="{}", message=None)


def _number(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:  # also refuses NaN
        raise InvalidRequest(name, f"{value:g}", f"{low:g}–{high:.10g}")
    return value


def _told(value: Any) -> str:
    """A value of a rule, as the audit shows it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {v:g}" for k, v in sorted(value.items()))[:500]
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(value))[:500]
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else f"{value}"[:500]
