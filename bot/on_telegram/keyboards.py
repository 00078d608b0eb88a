"""Owns the keyboards under messages: pure functions from facts to rows of buttons."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import KeyboardButtonStyle

from bot.desk import offering
from bot.desk.actions import Action, Verb
from bot.desk.texts import chat

if TYPE_CHECKING:
    from bot.on_telegram.where import Where
    from storage.jobs import Job
    from storage.pictures import PictureRow

Row = list[InlineKeyboardButton]

SIGNS = {
    Verb.CANCEL: "✖",
    Verb.AGAIN: "🔁",
    Verb.PROMPT: "✏️",
    Verb.VARY_SUBTLE: "🪄",
    Verb.VARY_STRONG: "🪄",
    Verb.UPSCALE2: "🔍",
    Verb.UPSCALE4: "🔍",
    Verb.DETAILS: "🔎",
    Verb.REPORT: "🚩",
    Verb.DELETE: "✖",
    Verb.DELETE_SURE: "🗑",
    Verb.SHOW: "🖼",
    Verb.CLEAR: "🧹",
    Verb.ALBUM: "🖼",
    Verb.ORIGINAL: "📄",
    Verb.TUNE: "⚙️",
    Verb.TUNED: "🎨",
    Verb.KEEP: "↩️",
    Verb.STAY: "↩️",
    Verb.HD: "✨",
    Verb.FORGET: "🗑",
    Verb.PIN: "📌",
}
STYLES = {
    Verb.DELETE_SURE: KeyboardButtonStyle.DANGER,
    Verb.FORGET: KeyboardButtonStyle.DANGER,
    Verb.TUNED: KeyboardButtonStyle.PRIMARY,
}


def under_way(job: Job, where: Where) -> InlineKeyboardMarkup:
    """While a job waits or is painted: it can be cancelled."""
    return InlineKeyboardMarkup([[button(Verb.CANCEL, job.public, where.lang)]])


def result(job: Job, where: Where, pictures: tuple[PictureRow, ...]) -> InlineKeyboardMarkup:
    """Under a finished picture, or under the grid of all of them."""
    return finished(job, where.lang, pictures)


def finished(job: Job, lang: str, pictures: tuple[PictureRow, ...]) -> InlineKeyboardMarkup:
    """The same where only the reader's language is known."""
    several = len(pictures) > 1
    paint, worded = job.paint, offering.has_words(job.paint)
    rows = [
        *_finishing(pictures, lang),
        *_of_each("V", offering.varying(paint, pictures), pictures, lang),
        [button(verb, job.public, lang) for verb in (Verb.AGAIN, Verb.TUNE) if worded],
        [
            *([button(Verb.ALBUM, job.public, lang)] if several else []),
            button(Verb.ORIGINAL, job.public, lang),
            button(Verb.DELETE, job.public, lang),
        ],
    ]
    return InlineKeyboardMarkup([row for row in rows if row])


def failed(job: Job, where: Where) -> InlineKeyboardMarkup:
    """Under the apology, and under a cancelled job: try again."""
    return InlineKeyboardMarkup([[button(Verb.AGAIN, job.public, where.lang)]])


cancelled = failed


def elsewhere(job: Job, where: Where) -> InlineKeyboardMarkup:
    """Where the picture could not be shown: fetch it."""
    return InlineKeyboardMarkup([[button(Verb.SHOW, job.public, where.lang)]])


def sure(job: Job, lang: str) -> InlineKeyboardMarkup:
    """Whether the pictures shall really go."""
    verbs = (Verb.DELETE_SURE, Verb.KEEP)
    return InlineKeyboardMarkup([[button(verb, job.public, lang) for verb in verbs]])


def pins(pictures: tuple[PictureRow, ...], lang: str) -> InlineKeyboardMarkup | None:
    """Under the details: the buttons that keep pictures whatever their age."""
    said = chat.label(Verb.PIN, lang)
    row = [
        button(
            Verb.PIN, each.id, lang, text=said if len(pictures) == 1 else f"{said} {each.index + 1}"
        )
        for each in pictures
    ]
    return InlineKeyboardMarkup(in_rows(row, 2)) if row else None


def farewell(owner: int, lang: str) -> InlineKeyboardMarkup:
    """Whether everything of somebody's shall really go."""
    verbs = (Verb.FORGET, Verb.STAY)
    return InlineKeyboardMarkup([[button(verb, f"{owner}", lang) for verb in verbs]])


def button(
    verb: Verb, target: str, lang: str, *, text: str | None = None, sign: bool = True
) -> InlineKeyboardButton:
    """One button; `text` instead of what usually stands on it."""
    words = chat.label(verb, lang) if text is None else text
    mark = SIGNS.get(verb) if sign else None
    return InlineKeyboardButton(
        f"{mark} {words}" if mark else words,
        callback_data=Action(verb, target).format(),
        style=STYLES.get(verb),
    )


def choice(verb: Verb, target: str, words: str, *, chosen: bool) -> InlineKeyboardButton:
    """One of several that exclude each other; the chosen one has a tick."""
    return InlineKeyboardButton(
        f"✓ {words}" if chosen else words, callback_data=Action(verb, target).format()
    )


def in_rows(buttons: Iterable[InlineKeyboardButton], width: int) -> list[Row]:
    """The buttons in rows of about equal length, none longer than `width`."""
    given = list(buttons)
    count = -(-len(given) // width)
    rows, at = [], 0
    for left in range(count, 0, -1):
        length = -(-(len(given) - at) // left)
        rows.append(given[at : at + length])
        at += length
    return rows


def _finishing(pictures: tuple[PictureRow, ...], lang: str) -> list[Row]:
    """Enlarging and the second look: in one row for a single picture, else in one each."""
    larger = _of_each("U", offering.enlarging(pictures), pictures, lang)
    looked = _of_each("HD ", offering.looking(pictures), pictures, lang)
    if len(pictures) == 1:
        return [list(chain(*larger, *looked))]
    return [*larger, *looked]


def _of_each(
    letter: str, actions: Iterable[Action], pictures: tuple[PictureRow, ...], lang: str
) -> list[Row]:
    """Buttons for these actions: in words for a single picture, as U1–U4 for several."""
    if len(pictures) == 1:
        texts = [(each, offering.sign(each.verb)) for each in actions]
        row = [button(each.verb, each.target, lang, text=text) for each, text in texts]
        return [row] if row else []
    numbers = {row.id: row.index + 1 for row in pictures}
    row = [
        button(each.verb, each.target, lang, text=f"{letter}{numbers[each.target]}", sign=False)
        for each in actions
    ]
    return in_rows(row, 4)
