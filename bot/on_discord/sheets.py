"""Owns what one person asks to read: details, queue, history, models, styles, defaults, help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from discord import ui

from bot.desk import offering, texts
from bot.desk.actions import Action, Verb, packed, possible
from bot.desk.flags import format_job
from bot.desk.texts import chat
from bot.desk.texts import on_discord as says
from bot.desk.texts.names import field_name
from bot.desk.texts.visible import ELLIPSIS
from bot.on_discord.buttons import ActionButton
from bot.on_discord.escaping import alternative, block, plain
from bot.on_discord.layout import bar, maker
from bot.on_discord.layout import title as title_of
from storage.job import JobState

if TYPE_CHECKING:
    from bot.desk.answers import JobView, QueueView
    from bot.desk.styles import Style
    from engine.catalogue import Model
    from engine.request import Ask, Paint
    from storage.jobs import Job, Usage

TEXT = 3900
"""Characters of all texts of a layout together; Discord takes 4000."""
LINE = 100
"""Characters of a prompt within a list."""


def details(view: JobView, model: Model | None, lang: str) -> ui.LayoutView:
    """Everything about a job, and the text that paints it again."""
    job, paint = view.job, view.job.paint
    took = None
    if job.started_at is not None and job.finished_at is not None:
        took = job.finished_at - job.started_at
    title = paint.model if model is None else model.title
    facts = [chat.facts(paint, maker(job, title), took, lang)]
    if offering.has_words(paint):
        facts.append(_knobs(paint, model, lang))
    facts.append(" · ".join(_circumstances(job, lang)))
    notes = [f"-# {plain(texts.about_note(note, lang), 240)}" for note in job.notes[:4]]
    head = "\n".join([f"**{chat.details_heading(job.public, lang)}**", *facts, *notes])
    pins = _pins(view, lang)
    if not offering.has_words(paint):
        return _sheet(ui.TextDisplay(head), *pins)
    typed = format_job(job, model)
    room = TEXT - len(head) - len(chat.paint_again(lang)) - 100
    again = block(typed if len(typed) <= room else typed[: room - 1] + ELLIPSIS)
    words = ui.TextDisplay[Any](f"{chat.paint_again(lang)}\n{again}")
    return _sheet(ui.TextDisplay(head), words, *pins)


def queue(view: QueueView, lang: str) -> ui.LayoutView:
    """Who is before whom."""
    lines = [f"**{chat.queue_heading(view.waiting, lang)}**"]
    for entry in view.entries:
        words = chat.in_queue(
            entry.position,
            running=entry.running,
            mine=entry.mine,
            name=plain(entry.name, 40),
            prompt=None if entry.prompt is None else plain(entry.prompt, LINE),
            eta_s=entry.eta_s,
            lang=lang,
        )
        lines.append(f"🎨 {words}" if entry.running else f"⏳ {words}")
    left = view.waiting - sum(not entry.running for entry in view.entries)
    if left > 0 and view.entries:
        lines.append(f"-# {chat.more_in_line(left, lang)}")
    return _sheet(ui.TextDisplay("\n".join(lines)))


def usage(found: Usage, lang: str, *, now: float) -> ui.LayoutView:
    """What somebody has used, and when it comes back."""
    share = min(1.0, found.used / found.budget) if found.budget else 1.0
    lines = [texts.used(found, lang, now=now), bar(share)]
    if found.waiting:
        lines.append(f"-# {chat.your_waiting(found.waiting, found.waiting_limit, lang)}")
    return _sheet(ui.TextDisplay("\n".join(lines)))


def history(
    views: Sequence[JobView],
    thumbnails: Sequence[str | None],
    *,
    page: int,
    more: bool,
    lang: str,
    search: str | None = None,
) -> ui.LayoutView:
    """A page of one's own jobs; `thumbnails` are the names of the attached files, in order.

    What was searched for goes on with the buttons; if it is too long for that, there are none.
    """
    if not views and not page:
        return _sheet(ui.TextDisplay(chat.history_empty(lang)))
    items: list[ui.Item[Any]] = [ui.TextDisplay(f"**{chat.history_heading(page + 1, lang)}**")]
    buttons = []
    for number, (view, file) in enumerate(zip(views, thumbnails, strict=True), 1):
        text = ui.TextDisplay[Any](f"**{number}** {_line(view, lang)}")
        if file is None:
            items.append(text)
        else:
            alt = alternative(title_of(view.job, lang)) or None
            picture = ui.Thumbnail[Any](f"attachment://{file}", description=alt)
            items.append(ui.Section(text, accessory=picture))
        action = Action(Verb.SHOW, view.job.public)
        buttons.append(ActionButton.of(action, label=f"{number}", emoji="🖼️"))
    if buttons:
        items.append(ui.ActionRow(*buttons))
    sought = f".{packed(search)}" if search else ""
    if not possible(Verb.PAGE, f"{page + 1}.o{sought}"):
        return _sheet(*items)
    newer = ActionButton.of(
        Action(Verb.PAGE, f"{max(0, page - 1)}.n{sought}"),
        label=chat.newer(lang),
        emoji="◀️",
        disabled=not page,
    )
    older = ActionButton.of(
        Action(Verb.PAGE, f"{page + 1}.o{sought}"),
        label=chat.older(lang),
        emoji="▶️",
        disabled=not more,
    )
    if page or more:
        items.append(ui.ActionRow(newer, older))
    return _sheet(*items)


def models(offered: Sequence[Model], lang: str) -> ui.LayoutView:
    """What there is to paint with, the default first."""
    lines = [f"**{chat.models_heading(lang)}**"]
    for model in offered[:20]:
        default = f" ({chat.default_model(lang)})" if model is offered[0] else ""
        lines.append(f"**{plain(model.title, 80)}** `{model.name[:60]}`{default}")
        if model.description:
            lines.append(plain(model.description, 300))
        lines.append(f"-# {chat.model_facts(model, lang)}")
        if known := chat.known_world(model, lang):
            lines.append(f"-# {known}")
    return _sheet(ui.TextDisplay("\n".join(lines)[:TEXT]))


def styles(offered: Sequence[Style], lang: str) -> ui.LayoutView:
    """The styles there are, with what each adds."""
    lines = [f"**{says.styles_heading(lang)}**"]
    lines += [
        f"`{style.name}` {plain(style.title, 60)}\n-# {plain(style.around(ELLIPSIS), 160)}"
        for style in offered[:15]
    ]
    return _sheet(ui.TextDisplay("\n".join(lines)[:TEXT]))


def defaults(ask: Ask | None, heading: str, lang: str) -> ui.LayoutView:
    """Somebody's defaults, with a button to forget them."""
    lines = [] if ask is None else _given(ask, lang)
    if not lines:
        return _sheet(ui.TextDisplay(says.no_defaults(lang)))
    clear = ActionButton.of(Action(Verb.CLEAR, "me"), label=chat.label(Verb.CLEAR, lang))
    return _sheet(ui.TextDisplay("\n".join([heading, *lines])), ui.ActionRow(clear))


def help_sheet(lang: str) -> ui.LayoutView:
    """How everything works."""
    return _sheet(ui.TextDisplay(says.help_text(lang)))


def _pins(view: JobView, lang: str) -> list[ui.ActionRow[Any]]:
    """The buttons that keep pictures whatever their age."""
    pictures = view.pictures[:4]
    said = chat.label(Verb.PIN, lang)
    buttons = [
        ActionButton.of(
            Action(Verb.PIN, row.id),
            label=said if len(pictures) == 1 else f"{said} {row.index + 1}",
            emoji="📌",
        )
        for row in pictures
    ]
    return [ui.ActionRow(*buttons)] if buttons else []


def _knobs(paint: Paint, model: Model | None, lang: str) -> str:
    """Steps, guidance, strength, as far as the model has them."""
    facts = [says.steps(paint.steps, lang)]
    if model is None or model.guidance:
        facts.append(f"{field_name('guidance', lang)} {texts.number(paint.guidance, lang)}")
    if paint.source is not None:
        facts.append(f"{field_name('strength', lang)} {texts.number(paint.strength, lang)}")
    if paint.count > 1:
        facts.append(says.pictures(paint.count, lang))
    return " · ".join(facts)


def _circumstances(job: Job, lang: str) -> Iterator[str]:
    """How it stands, what it has cost, where it came from, who sees it."""
    yield chat.state(job.state, lang)
    yield chat.cost(job.charge if job.state.final else job.cost, lang)
    if job.parent is not None:
        yield chat.variation_of(f"`{job.parent}`", lang)
    if job.private:
        yield chat.private(lang)


def _line(view: JobView, lang: str) -> str:
    job = view.job
    facts = [f"`{job.public}`", f"<t:{int(job.created_at)}:R>"]
    if not view.pictures:
        gone = job.state is JobState.DONE
        facts.append(chat.deleted(lang) if gone else chat.state(job.state, lang))
    if len(view.pictures) > 1:
        facts.append(f"×{len(view.pictures)}")
    if job.private:
        facts.append(chat.private(lang))
    return f"{plain(title_of(job, lang), LINE) or ELLIPSIS}\n-# {' · '.join(filter(None, facts))}"


def _given(ask: Ask, lang: str) -> list[str]:
    lines = []
    for field in (
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
    ):
        value = getattr(ask, field)
        if value is not None:
            words = plain(_size(value) if field == "aspect" else f"{value}", 300)
            lines.append(f"- {field_name(field, lang)}: **{words}**")
    return lines


def _size(aspect: str) -> str:
    """A shape as people read it: a size that was chosen by its name was kept as a ratio."""
    width, _, height = aspect.partition(":")
    sides = width.isdecimal() and height.isdecimal() and int(width) > 50
    return f"{width}×{height}" if sides else aspect


def _sheet(*items: ui.Item[Any]) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    for item in items:
        view.add_item(item)
    return view
