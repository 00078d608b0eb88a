"""Says who changed what: a line for each entry of the audit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.desk.texts.language import SOURCE, duration, translations
from bot.desk.texts.office import PLAIN, Marks

if TYPE_CHECKING:
    from storage.audit import AuditEntry


def change(entry: AuditEntry, lang: str = SOURCE, *, marks: Marks = PLAIN) -> str:
    """Who did what, in one line."""
    gettext = translations(lang).gettext
    who = marks.text(entry.name)
    if entry.action == "change":
        return _rule_changed(entry, who, lang, marks)
    sentence = {
        "pause": gettext("{who} paused painting here."),
        "resume": gettext("{who} opened painting here again."),
        "ban": gettext("{who} banned {person} for good."),
        "unban": gettext("{who} lifted the ban of {person}."),
        "give": gettext("{who} gave {person} {n} credits."),
        "reset": gettext("{who} reset what {person} has used."),
        "budget": gettext("{who} gave {person} a budget of {n} credits a day."),
        "cancel": gettext("{who} cancelled job {job}."),
        "first": gettext("{who} moved job {job} to the front."),
        "last": gettext("{who} moved job {job} to the end."),
        "tidy": gettext("{who} let go what was too old or too much: {n} MB."),
        "cancel_all": gettext("{who} cancelled all jobs: {n}."),
        "report": gettext("{who} reported {job}: {reason}"),
        "delete": gettext("{who} deleted pictures of {job}."),
    }.get(entry.action, "{who}: " + entry.action)
    facts = {
        "who": who,
        "person": marks.person(entry.subject),
        "job": f"`{entry.subject}`",
        "n": entry.detail,
        "reason": marks.text(entry.detail),
    }
    if entry.action == "ban" and entry.detail:
        facts["duration"] = duration(float(entry.detail) - entry.at, lang)
        sentence = gettext("{who} banned {person} for {duration}.")
    elif entry.action == "budget" and not entry.detail:
        sentence = gettext("{who} took away {person}'s own budget.")
    return sentence.format(**facts)


def _rule_changed(entry: AuditEntry, who: str, lang: str, marks: Marks) -> str:
    gettext = translations(lang).gettext
    set_to, lifted = {
        "channels": (
            gettext("{who} allows these channels: {value}."),
            gettext("{who} allows every channel."),
        ),
        "roles": (
            gettext("{who} allows these roles: {value}."),
            gettext("{who} allows everybody."),
        ),
        "models": (
            gettext("{who} allows these models: {value}."),
            gettext("{who} allows every model."),
        ),
        "model": (
            gettext("{who} set the default model: {value}."),
            gettext("{who} took away the default model."),
        ),
        "style": (
            gettext("{who} set the default style: {value}."),
            gettext("{who} took away the default style."),
        ),
        "negative": (
            gettext("{who} set the default negative prompt: {value}"),
            gettext("{who} took away the default negative prompt."),
        ),
        "words": (
            gettext("{who} changed the forbidden words."),
            gettext("{who} allows all words."),
        ),
        "flagged": (
            gettext("{who} chose what becomes of flagged pictures: {value}."),
            gettext("{who} left to the operator what becomes of flagged pictures."),
        ),
        "metadata": (
            gettext("{who} chose whether files say how they were made: {value}."),
            gettext("{who} chose whether files say how they were made: {value}."),
        ),
        "log_channel": (
            gettext("{who} chose {value} as log channel."),
            gettext("{who} took away the log channel."),
        ),
        "budget": (
            gettext("{who} set the budget of each person: {value} credits a day."),
            gettext("{who} lifted the budget of each person."),
        ),
        "place_budget": (
            gettext("{who} set the budget of everybody together: {value} credits a day."),
            gettext("{who} lifted the budget of everybody together."),
        ),
        "role_budgets": (
            gettext("{who} set the budgets of roles: {value} (credits a day)."),
            gettext("{who} lifted the budgets of roles."),
        ),
        "role_waiting": (
            gettext("{who} set how many jobs those with a role may have in line: {value}."),
            gettext("{who} lifted the limits of roles in line."),
        ),
    }.get(entry.subject, ("{who}: " + entry.subject, "{who}: " + entry.subject))
    mark = {
        "channels": marks.channel,
        "log_channel": marks.channel,
        "roles": marks.role,
        "role_budgets": marks.role,
        "role_waiting": marks.role,
    }.get(entry.subject)
    value = marks.text(entry.detail) if mark is None else _marked(entry.detail, mark)
    return (set_to if entry.detail else lifted).format(who=who, value=value)


def _marked(detail: str, mark: Callable[[str], str]) -> str:
    """A list of ids, or of "id: number", with each id marked."""
    pairs = [each.partition(":") for each in detail.split(", ")]
    return ", ".join(f"{mark(id_)}{colon}{number_}" for id_, colon, number_ in pairs)
