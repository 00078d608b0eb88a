"""Says to those who look after a place which rules hold there, and what somebody has changed.

People, channels and roles are named by `Marks`: each platform has its own way to point at them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.desk.texts.language import SOURCE, duration, moment, number, translations

if TYPE_CHECKING:
    from bot.desk.answers import Standing
    from storage.jobs import Usage
    from storage.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How a platform points at somebody or something by its id: `<@1>`, `<#2>`, `<@&3>`.

    `text` makes harmless what people wrote.
    """

    person: Callable[[str], str] = str
    channel: Callable[[str], str] = str
    role: Callable[[str], str] = str
    text: Callable[[str], str] = str


PLAIN = Marks()


def painting_holds(place: Place, lang: str = SOURCE) -> str:
    """Whether jobs are taken here."""
    gettext = translations(lang).gettext
    if place.paused:
        return gettext("Painting is paused: no new jobs are taken; those that wait are painted.")
    return gettext("Painting is open.")


def budgets_hold(place: Place, lang: str = SOURCE, *, marks: Marks = PLAIN) -> str:
    """How much may be painted here: by each person, by all together, by those with a role."""
    gettext = translations(lang).gettext
    each = (
        gettext("Each person: no limit of its own here.")
        if place.budget is None
        else gettext("Each person: {n} credits a day.").format(n=number(place.budget, lang))
    )
    everybody = (
        gettext("Everybody together: no limit.")
        if place.place_budget is None
        else gettext("Everybody together: {n} credits a day.").format(
            n=number(place.place_budget, lang)
        )
    )
    roles = [
        gettext("Each person with {role}: {n} credits a day.").format(
            role=marks.role(role), n=number(credits, lang)
        )
        for role, credits in sorted(place.rules.role_budgets.items())
    ]
    return "\n".join([each, *roles, everybody])


def waiting_holds(place: Place, lang: str = SOURCE, *, marks: Marks = PLAIN) -> str:
    """How many jobs those with a role may have waiting."""
    t = translations(lang)
    if not place.rules.role_waiting:
        return t.gettext("Jobs in line: no role has a limit of its own.")
    return "\n".join(
        t.ngettext(
            "Each person with {role}: {n} job in line at most.",
            "Each person with {role}: {n} jobs in line at most.",
            jobs,
        ).format(role=marks.role(role), n=number(jobs, lang))
        for role, jobs in sorted(place.rules.role_waiting.items())
    )


def channels_hold(place: Place, lang: str = SOURCE, *, marks: Marks = PLAIN) -> str:
    """Where pictures may be asked for."""
    gettext = translations(lang).gettext
    if not place.rules.channels:
        return gettext("Pictures may be asked for in every channel.")
    return gettext("Pictures may be asked for in these channels: {channels}.").format(
        channels=_list(map(marks.channel, sorted(place.rules.channels)))
    )


def roles_hold(place: Place, lang: str = SOURCE, *, marks: Marks = PLAIN) -> str:
    """Who may ask for pictures."""
    gettext = translations(lang).gettext
    if not place.rules.roles:
        return gettext("Everybody may ask for pictures.")
    return gettext("Only people with one of these roles may ask for pictures: {roles}.").format(
        roles=_list(map(marks.role, sorted(place.rules.roles)))
    )


def models_hold(place: Place, lang: str = SOURCE) -> str:
    """Which models may be used."""
    gettext = translations(lang).gettext
    if not place.rules.models:
        return gettext("Every model may be used.")
    return gettext("These models may be used: {models}.").format(
        models=_list(sorted(place.rules.models))
    )


def defaults_hold(place: Place, lang: str = SOURCE, *, marks: Marks = PLAIN) -> str:
    """What is painted with when people leave it open."""
    gettext = translations(lang).gettext
    rules = place.rules
    sentences = [
        sentence.format(value=marks.text(value))
        for sentence, value in (
            (gettext("Model, unless somebody names one: {value}."), rules.model),
            (gettext("Style, unless somebody names one: {value}."), rules.style),
            (gettext("Negative prompt, unless somebody gives one: {value}"), rules.negative),
        )
        if value is not None
    ]
    return "\n".join(sentences) or gettext("No defaults are set here.")


def pictures_hold(place: Place, lang: str = SOURCE) -> str:
    """What becomes of pictures that the filter finds harmful, and what files say."""
    gettext = translations(lang).gettext
    flagged = {
        None: gettext("Flagged pictures: as the operator says."),
        "show": gettext("Flagged pictures are shown as they are."),
        "spoiler": gettext("Flagged pictures are shown behind a veil."),
        "withhold": gettext("Flagged pictures are shown to nobody."),
    }[place.rules.flagged]
    files = (
        gettext("Files may say how they were made.")
        if place.rules.metadata
        else gettext("Files do not say how they were made.")
    )
    return f"{flagged} {files}"


def words_hold(place: Place, lang: str = SOURCE) -> str:
    """How many words and patterns are refused in prompts."""
    t = translations(lang)
    n = len(place.rules.words)
    if not n:
        return t.gettext("No words are forbidden.")
    return t.ngettext(
        "{n} word or pattern is forbidden.", "{n} words or patterns are forbidden.", n
    ).format(n=number(n, lang))


def log_holds(place: Place, lang: str = SOURCE, *, marks: Marks = PLAIN) -> str:
    """Where reports and changes are told."""
    gettext = translations(lang).gettext
    if place.rules.log_channel is None:
        return gettext("There is no log channel; reports are kept in the list of changes.")
    return gettext("Reports and changes are told in {channel}.").format(
        channel=marks.channel(place.rules.log_channel)
    )


def rules_hold(place: Place, lang: str = SOURCE, *, marks: Marks = PLAIN) -> tuple[str, ...]:
    """All rules of a place, a sentence or a few lines each."""
    return (
        painting_holds(place, lang),
        budgets_hold(place, lang, marks=marks),
        waiting_holds(place, lang, marks=marks),
        channels_hold(place, lang, marks=marks),
        roles_hold(place, lang, marks=marks),
        models_hold(place, lang),
        defaults_hold(place, lang, marks=marks),
        words_hold(place, lang),
        pictures_hold(place, lang),
        log_holds(place, lang, marks=marks),
    )


def banned(
    person: str, until: float | None, lang: str = SOURCE, *, now: float, everywhere: bool = False
) -> str:
    """That somebody may not ask for pictures, and until when (epoch seconds; None: for good)."""
    gettext = translations(lang).gettext
    if until is None or math.isinf(until):
        if everywhere:
            return gettext("{person} cannot ask for pictures anywhere any more.").format(
                person=person
            )
        return gettext("{person} cannot ask for pictures here any more.").format(person=person)
    span = duration(max(0.0, until - now), lang)
    if everywhere:
        return gettext("{person} cannot ask for pictures anywhere for {duration}.").format(
            person=person, duration=span
        )
    return gettext("{person} cannot ask for pictures here for {duration}.").format(
        person=person, duration=span
    )


def used_by(person: str, usage: Usage, lang: str = SOURCE, *, now: float) -> str:
    """What somebody has used, and when it comes back."""
    gettext = translations(lang).gettext
    facts = {
        "person": person,
        "used": number(usage.used, lang),
        "budget": number(usage.budget, lang),
    }
    if usage.frees_at is None:
        return gettext("{person} has used {used} of {budget} credits a day.").format(**facts)
    return gettext(
        "{person} has used {used} of {budget} credits a day; more are free {when}."
    ).format(when=moment(usage.frees_at, lang, now=now, tz=None), **facts)


def standing(standing: Standing, person: str, lang: str = SOURCE, *, now: float) -> tuple[str, ...]:
    """How somebody stands here: what they have used, their own budget, their bans."""
    gettext = translations(lang).gettext
    facts = [used_by(person, standing.usage, lang, now=now)]
    if standing.budget is not None:
        facts.append(
            gettext("{person} has a budget of their own here: {n} credits a day.").format(
                person=person, n=number(standing.budget, lang)
            )
        )
    bans = ((standing.banned_until, False), (standing.banned_everywhere_until, True))
    held = [
        banned(person, until, lang, now=now, everywhere=everywhere)
        for until, everywhere in bans
        if until is not None and until > now
    ]
    free = gettext("{person} may ask for pictures.").format(person=person)
    return (*facts, *(held or [free]))


def job_cancelled(job: str, lang: str = SOURCE, *, over: bool = False) -> str:
    """That one job will not be painted, or that it was `over` before."""
    gettext = translations(lang).gettext
    if over:
        return gettext("Job {job} was over already.").format(job=job)
    return gettext("Job {job} is cancelled.").format(job=job)


def too_many_words(lang: str = SOURCE) -> str:
    """That the list does not fit into a form."""
    gettext = translations(lang).gettext
    return gettext("The list is too long for a form. Add and remove single words instead.")


def cancelled_all(n: int, lang: str = SOURCE) -> str:
    """How many jobs were cancelled at once."""
    t = translations(lang)
    if not n:
        return t.gettext("There was nothing to cancel.")
    return t.ngettext("{n} job is cancelled.", "{n} jobs are cancelled.", n).format(
        n=number(n, lang)
    )


def _list(items: Iterable[str]) -> str:
    return ", ".join(items)


def more_jobs(n: int, lang: str = SOURCE) -> str:
    """How many further jobs there are."""
    t = translations(lang)
    return t.ngettext("And {n} more job.", "And {n} more jobs.", n).format(n=number(n, lang))


def no_jobs(lang: str = SOURCE) -> str:
    """That nobody waits."""
    gettext = translations(lang).gettext
    return gettext("Nothing is being painted, and nothing waits.")


def about_to_cancel(n: int, lang: str = SOURCE) -> str:
    """What is going to happen if they are sure."""
    t = translations(lang)
    return t.ngettext(
        "{n} job is about to be cancelled. Those who asked for it will be told.",
        "{n} jobs are about to be cancelled. Those who asked for them will be told.",
        n,
    ).format(n=number(n, lang))


def no_changes(lang: str = SOURCE) -> str:
    """That nobody has changed anything."""
    gettext = translations(lang).gettext
    return gettext("Nobody has changed anything yet.")


def thanks(lang: str = SOURCE, *, told: bool, again: bool) -> str:
    """The answer to whoever reported something."""
    gettext = translations(lang).gettext
    if again:
        return gettext("You have reported this before; the moderators know. Thank you.")
    if told:
        return gettext("Thank you. The moderators see your report now.")
    return gettext("Thank you. Your report is kept for those who look after this place.")


def reported(reporter: str, asker: str, lang: str = SOURCE) -> str:
    """What moderators read first."""
    gettext = translations(lang).gettext
    return gettext("{reporter} reports a picture that {asker} asked for.").format(
        reporter=reporter, asker=asker
    )


def handled(how: str, moderator: str, lang: str = SOURCE) -> str:
    """What a moderator did about a report; `how` is the name of the button."""
    gettext = translations(lang).gettext
    return {
        "delete": gettext("{moderator} deleted it."),
        "ban-day": gettext("{moderator} banned the asker for 1 day."),
        "ban-good": gettext("{moderator} banned the asker for good."),
        "dismiss": gettext("{moderator} found nothing wrong with it."),
    }[how].format(moderator=moderator)


def label(key: str, lang: str = SOURCE) -> str:
    """What stands on a button, above a panel or beside a field."""
    gettext = translations(lang).gettext
    return {
        "rules": gettext("Rules"),
        "pause": gettext("Pause"),
        "resume": gettext("Go on"),
        "budgets": gettext("Budgets"),
        "channels": gettext("Channels"),
        "every-channel": gettext("Every channel"),
        "roles": gettext("Roles"),
        "everybody": gettext("Everybody"),
        "models": gettext("Models"),
        "every-model": gettext("Every model"),
        "defaults": gettext("Defaults"),
        "words": gettext("Forbidden words"),
        "log": gettext("Log channel"),
        "no-log": gettext("No log channel"),
        "jobs": gettext("Jobs"),
        "changes": gettext("Changes"),
        "edit": gettext("Edit"),
        "back": gettext("Back"),
        "refresh": gettext("Look again"),
        "cancel": gettext("Cancel"),
        "cancel-all": gettext("Cancel all"),
        "cancel-all-sure": gettext("Really cancel all"),
        "member": gettext("Member"),
        "give": gettext("Give credits"),
        "own-budget": gettext("Own budget"),
        "reset": gettext("Reset usage"),
        "ban-day": gettext("Ban for 1 day"),
        "ban-good": gettext("Ban for good"),
        "unban": gettext("Unban"),
        "choose-channels": gettext("Choose channels"),
        "choose-roles": gettext("Choose roles"),
        "choose-models": gettext("Choose models"),
        "choose-log": gettext("Choose a channel"),
        "one-per-line": gettext("One word or /pattern/ a line"),
        "model": gettext("Model"),
        "style": gettext("Style"),
        "negative": gettext("Negative prompt"),
        "none": gettext("None"),
        "credits": gettext("Credits"),
        "credits-a-day": gettext("Credits a day (empty: none of their own)"),
        "private": gettext("private"),
        "report": gettext("Report a picture"),
        "reason": gettext("What is wrong with it?"),
        "delete": gettext("Delete"),
        "dismiss": gettext("Dismiss"),
    }[key]
