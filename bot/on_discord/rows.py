"""Owns the rows of buttons under a job's messages; Discord takes five in a row, five rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from discord import ui

from bot.desk import offering
from bot.desk.actions import Action, Verb
from bot.desk.texts import chat
from bot.on_discord.buttons import ActionButton

if TYPE_CHECKING:
    from bot.on_discord.where import Where
    from storage.jobs import Job
    from storage.pictures import PictureRow

Pictures = tuple["PictureRow", ...]


def cancel(job: Job, where: Where) -> ui.ActionRow[Any]:
    """While a job waits or is painted."""
    return alone(Verb.CANCEL, job, where, emoji="✖️")


def alone(verb: Verb, job: Job, where: Where, *, emoji: str) -> ui.ActionRow[Any]:
    """One button about a job, in a row of its own."""
    return ui.ActionRow(_button(verb, job.public, where, emoji=emoji))


def under_result(job: Job, where: Where, pictures: Pictures) -> Iterator[ui.ActionRow[Any]]:
    """What can be done with finished pictures: enlarge, vary, and the rest."""
    pictures = pictures[:4]
    worded = offering.has_words(job.paint)
    enlarging = _each("U", "🔍", offering.enlarging(pictures), pictures, where)
    looking = _each("HD ", "✨", offering.looking(pictures), pictures, where)
    changing = _each("V", "🪄", offering.varying(job.paint, pictures), pictures, where)
    about = []
    if worded:
        changing.append(_button(Verb.AGAIN, job.public, where, emoji="🔁"))
        about.append(_button(Verb.PROMPT, job.public, where, emoji="✏️"))
    about += [
        _button(Verb.DETAILS, job.public, where, emoji="🔎"),
        _button(Verb.DM, job.public, where, emoji="✉️"),
        _button(Verb.REPORT, job.public, where, emoji="🚩"),
        _button(Verb.DELETE, job.public, where, emoji="🗑️"),
    ]
    rows = [enlarging, changing] if len(pictures) > 1 else [[*enlarging, *changing]]
    for row in (*rows, looking, about):
        if row:
            yield ui.ActionRow(*row)


def _each(
    letter: str, emoji: str, actions: Iterable[Action], pictures: Pictures, where: Where
) -> list[ActionButton]:
    """Buttons for these actions: as U1–U4 if there are several pictures."""
    numbers = {row.id: f"{letter}{row.index + 1}" for row in pictures}
    if len(pictures) > 1:
        return [
            _button(each.verb, each.target, where, text=numbers[each.target]) for each in actions
        ]
    return [
        _button(each.verb, each.target, where, emoji=emoji, text=offering.sign(each.verb))
        for each in actions
    ]


def _button(
    verb: Verb, target: str, where: Where, *, emoji: str | None = None, text: str | None = None
) -> ActionButton:
    return ActionButton.of(
        Action(verb, target), label=text or chat.label(verb, where.lang), emoji=emoji
    )
