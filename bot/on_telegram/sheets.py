"""Owns what people ask to read: details, queue, history, models, styles, defaults, help."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from telegram import InlineKeyboardMarkup, MessageEntity

from bot.desk import offering, texts
from bot.desk.actions import Verb, packed, possible
from bot.desk.flags import format_job
from bot.desk.texts import chat
from bot.desk.texts import on_telegram as words
from bot.desk.texts.names import field_name
from bot.on_telegram.captions import bar, facts
from bot.on_telegram.captions import title as title_of
from bot.on_telegram.keyboards import button, in_rows
from bot.on_telegram.wording import Piece, Said, cut, lines, plain

if TYPE_CHECKING:
    from bot.desk.answers import JobView, QueueView
    from bot.desk.styles import Style
    from engine.catalogue import Model
    from engine.request import Ask
    from storage.jobs import Usage

Line = list[Piece | str]

LINE = 90
"""Characters of a prompt within a list."""
FIELDS = (
    "model",
    "style",
    "aspect",
    "width",
    "height",
    "steps",
    "guidance",
    "count",
    "strength",
    "scheduler",
    "negative",
)
SIGNS = {"queued": "⏳", "running": "🎨", "done": "🖼", "failed": "⚠️", "cancelled": "✖"}

_LIGHT = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|`(?P<code>[^`]+)`")


def bold(text: str) -> Piece:
    """A heading, or a word that matters."""
    return Piece(text, (MessageEntity.BOLD,))


def code(text: str) -> Piece:
    """Something to be typed; a tap copies it."""
    return Piece(text, (MessageEntity.CODE,))


def light(text: str) -> Line:
    """Our own sentences with `code` and **bold** in them; never what people wrote."""
    found: Line = []
    at = 0
    for match in _LIGHT.finditer(text):
        found.append(text[at : match.start()])
        found.append(bold(match["bold"]) if match["bold"] else code(match["code"]))
        at = match.end()
    return [*found, text[at:]]


def details(view: JobView, model: Model | None, lang: str) -> Said:
    """Everything about a job, and the words that paint it again."""
    job, paint = view.job, view.job.paint
    title = plain(paint.model if model is None else model.title)
    told = [chat.state(job.state, lang)]
    worded = offering.has_words(paint)
    if worded:
        told.append(f"{field_name('steps', lang)} {paint.steps}")
    if worded and (model is None or model.guidance):
        told.append(f"{field_name('guidance', lang)} {texts.number(paint.guidance, lang)}")
    if paint.source is not None:
        told.append(f"{field_name('strength', lang)} {texts.number(paint.strength, lang)}")
    told.append(chat.cost(job.charge if job.state.final else job.cost, lang))
    head: list[Line | str] = [
        [bold(chat.details_heading(job.public, lang))],
        facts(job, title, lang),
        " · ".join(told),
        *(plain(texts.about_note(note, lang)) for note in job.notes[:4]),
    ]
    if not worded:
        return lines(*head)
    head += ["", chat.paint_again(lang)]
    again = f"/imagine {format_job(job, model)}"
    return lines(*head, [Piece(again, (MessageEntity.PRE,), give=True)])


def queue(view: QueueView, lang: str) -> Said:
    """Who is before whom."""
    rows: list[Line | str] = [[bold(chat.queue_heading(view.waiting, lang))]]
    for entry in view.entries:
        said = chat.in_queue(
            entry.position,
            running=entry.running,
            mine=entry.mine,
            name=cut(plain(entry.name), 40),
            prompt=None if entry.prompt is None else cut(plain(entry.prompt), LINE),
            eta_s=entry.eta_s,
            lang=lang,
        )
        sign = "🎨" if entry.running else "⏳"
        rows.append([f"{sign} ", bold(said) if entry.mine else said])
    left = view.waiting - sum(not entry.running for entry in view.entries)
    if left > 0 and view.entries:
        rows.append(chat.more_in_line(left, lang))
    return lines(*rows)


def usage(found: Usage, lang: str, *, now: float) -> Said:
    """What somebody has used, and when it comes back."""
    share = min(1.0, found.used / found.budget) if found.budget else 1.0
    return lines(
        texts.used(found, lang, now=now),
        bar(share),
        chat.your_waiting(found.waiting, found.waiting_limit, lang),
    )


def history(
    views: Sequence[JobView],
    *,
    owner: int,
    page: int,
    more: bool,
    lang: str,
    now: float,
    search: str | None = None,
) -> tuple[Said, InlineKeyboardMarkup | None]:
    """A page of somebody's own jobs, with a button for each and for the other pages.

    What was searched for goes on with the buttons; if it is too long for that, there are none.
    """
    if not views and not page:
        return lines(chat.history_empty(lang)), None
    rows: list[Line | str] = [[bold(chat.history_heading(page + 1, lang))]]
    for number, view in enumerate(views, 1):
        sign, called = SIGNS[view.job.state.value], cut(title_of(view.job, lang), LINE)
        rows.append([f"{number}. {sign} ", called])
        rows.append(f"    {_standing(view, lang, now)}")
    show = (
        button(Verb.SHOW, view.job.public, lang, text=str(number), sign=False)
        for number, view in enumerate(views, 1)
    )
    turns = [(page - 1, f"‹ {chat.newer(lang)}")] if page else []
    turns += [(page + 1, f"{chat.older(lang)} ›")] if more else []
    sought = f".{packed(search)}" if search else ""
    turn = [
        button(Verb.PAGE, target, lang, text=text, sign=False)
        for nth, text in turns
        if possible(Verb.PAGE, target := f"{owner}.{nth}{sought}")
    ]
    keyboard = [*in_rows(show, 5), *([turn] if turn else [])]
    return lines(*rows), InlineKeyboardMarkup(keyboard)


def models(offered: Sequence[Model], lang: str) -> Said:
    """What there is to paint with, the default first."""
    rows: list[Line | str] = [[bold(chat.models_heading(lang))]]
    for model in offered[:20]:
        default = f" ({chat.default_model(lang)})" if model is offered[0] else ""
        rows.append(["\n", bold(plain(model.title)), "  ", code(plain(model.name)), default])
        if model.description:
            rows.append(cut(plain(model.description), 300))
        rows.append(chat.model_facts(model, lang))
        if known := chat.known_world(model, lang):
            rows.append(known)
        if model.licence:
            rows.append(words.licence(plain(model.licence), lang))
    return lines(*rows)


def styles(offered: Sequence[Style], lang: str) -> Said:
    """The styles there are, with what each adds."""
    rows: list[Line | str] = [[bold(words.styles_heading(lang))]]
    for style in offered[:20]:
        rows.append(["\n", code(f"--style {style.name}"), f"  {plain(style.title)}"])
        rows.append(cut(plain(style.around("…")), 160))
    return lines(*rows)


def settings(mine: Ask | None, lang: str) -> Said:
    """Somebody's own defaults."""
    rows: list[Line | str] = []
    for field in FIELDS:
        value = None if mine is None else getattr(mine, field)
        if value is not None:
            rows.append([f"• {field_name(field, lang)}: ", bold(cut(plain(f"{value}"), 200))])
    if not rows:
        return lines(light(words.no_defaults(lang)))
    return lines(chat.defaults_heading(lang), *rows)


def helping(lang: str, *, private: bool, ruler: bool, greeting: str | None = None) -> Said:
    """How everything works; `ruler` adds what those who administer a group can do.

    `greeting` is the name of somebody new.
    """
    parts = words.help_text(lang, private=private, ruler=ruler)
    rows: list[Line] = []
    if greeting is not None:
        rows.append([words.greeting(plain(greeting), lang)])
    for part in parts:
        rows.append(light(part if not rows else f"\n{part}"))
    return lines(*rows)


def _standing(view: JobView, lang: str, now: float) -> str:
    """How long ago, how many, and what else is to be known of a job in a list."""
    job = view.job
    told = [words.ago(max(0.0, now - job.created_at), lang)]
    if len(view.pictures) > 1:
        told.append(f"×{len(view.pictures)}")
    if not view.pictures:
        gone = job.state.value == "done"
        told.append(chat.deleted(lang).rstrip(".") if gone else chat.state(job.state, lang))
    return " · ".join(told)
