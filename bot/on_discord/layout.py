"""Owns how jobs look in Discord, as Components V2: pure functions from facts to layouts.

A message has at most 40 components, 5 buttons a row and 4000 characters of text. What people wrote
is escaped and cut so that it always fits.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.desk import texts
from bot.desk.actions import Action, Verb
from bot.desk.styles import NO_STYLE
from bot.desk.texts import chat
from bot.desk.texts import farewell as words_of_farewell
from bot.desk.texts import files as file_words
from bot.desk.texts import on_discord as says
from bot.desk.texts.visible import ELLIPSIS
from bot.on_discord import rows
from bot.on_discord.buttons import ActionButton
from bot.on_discord.escaping import alternative, plain
from engine.painter import Stage
from engine.request import Ask
from storage.job import JobState

if TYPE_CHECKING:
    from bot.desk.answers import JobView, Ticket
    from bot.desk.parcel import Packed
    from bot.on_discord.parcel import Parcel
    from bot.on_discord.where import Where
    from engine.painter import Progress
    from storage.jobs import Job
    from storage.pictures import PictureRow

PROMPT = 600
"""So many characters of the prompt stand above the picture; details have all of it."""
NOTE = 240
BAR = 20
"""The length of the progress bar, in signs."""


def first(ticket: Ticket, where: Where, *, begun: bool) -> ui.LayoutView:
    """The first answer to a request that was taken on; `begun`: nothing comes before it."""
    if ticket.position and not begun:
        return waiting(
            ticket.job,
            where,
            position=ticket.position,
            eta_s=ticket.eta_s,
            warming=ticket.warming,
        )
    return painting(ticket.job, where, eta_s=ticket.eta_s, progress=None, preview=None)


def standing(view: JobView, where: Where) -> ui.LayoutView:
    """A job without pictures to show: as far as it has come, or how it ended."""
    job = view.job
    match job.state:
        case JobState.QUEUED:
            return waiting(
                job, where, position=view.position, eta_s=view.eta_s, warming=view.warming
            )
        case JobState.RUNNING:
            return painting(job, where, eta_s=view.eta_s, progress=view.progress, preview=None)
        case JobState.FAILED:
            return failed(job, where)
        case JobState.CANCELLED:
            return cancelled(job, where)
        case JobState.DONE:
            return deleted(job, where)


def waiting(
    job: Job, where: Where, *, position: int, eta_s: float | None, warming: bool
) -> ui.LayoutView:
    """A job in line: its prompt, its place, and a button to cancel it."""
    status = texts.waiting(position, eta_s, where.lang, warming=warming)
    return _view(ui.TextDisplay(f"{_title(job, where.lang)}\n⏳ {status}"), rows.cancel(job, where))


def painting(
    job: Job,
    where: Where,
    *,
    eta_s: float | None,
    progress: Progress | None,
    preview: str | None,
) -> ui.LayoutView:
    """A job being painted; `preview` is the name of an attached picture of what there is so far."""
    paints = job.paint.paints
    status = texts.painting(eta_s, where.lang, progress=progress, paints=paints)
    enlarges = not paints if progress is None else progress.stage is not Stage.painting
    lines = [_title(job, where.lang), f"{'🔍' if enlarges else '🎨'} {status}"]
    if progress is not None:
        lines.append(bar(progress.share))
    text = ui.TextDisplay[Any]("\n".join(lines))
    if preview is None:
        return _view(text, rows.cancel(job, where))
    picture = ui.Thumbnail[Any](
        f"attachment://{preview}", description=_alt(job, where), spoiler=where.spoiler
    )
    return _view(ui.Section(text, accessory=picture), rows.cancel(job, where))


def result(
    job: Job,
    where: Where,
    pictures: tuple[PictureRow, ...],
    files: tuple[str, ...],
    *,
    model_title: str,
    mention: bool,
    smaller: tuple[Packed, ...] = (),
    origin: str | None = None,
) -> ui.LayoutView:
    """The finished job; `files` are the names of the attached pictures, in their order.

    `smaller` are those that are less than what was painted. `origin` is the link to the message of
    the job that this one is a variation of.
    """
    head = f"<@{where.asker}> {_title(job, where.lang)}" if mention else _title(job, where.lang)
    gallery, alt = ui.MediaGallery[Any](), _alt(job, where)
    veiled = [bool(row.veil) for row in pictures] + [False] * len(files)
    for file, veil in zip(files, veiled, strict=False):
        gallery.add_item(
            media=f"attachment://{file}", description=alt, spoiler=where.spoiler or veil
        )
    took = None
    if job.started_at is not None and job.finished_at is not None:
        took = max(0.0, job.finished_at - job.started_at)
    facts = chat.facts(job.paint, maker(job, model_title), took, where.lang)
    if job.parent is not None:
        link = f"`{job.parent}`" if origin is None else f"[`{job.parent}`]({origin})"
        facts += f" · {chat.variation_of(link, where.lang)}"
    lines = [f"-# {facts}"]
    lines += [f"-# {plain(texts.about_note(note, where.lang), NOTE)}" for note in job.notes[:4]]
    if smaller:
        lines.append(f"-# {_less(smaller, where.lang)}")
    return _view(
        ui.TextDisplay(head),
        gallery if files else None,
        ui.TextDisplay("\n".join(lines)),
        *rows.under_result(job, where, pictures),
    )


def _less(smaller: tuple[Packed, ...], lang: str) -> str:
    """What is missing in the files shown, and the way to the whole ones."""
    one = len(smaller) == 1
    said = file_words.smaller(smaller[0], lang) if one else file_words.several_smaller(lang)
    links = [
        f"[{file_words.whole(lang) if one else each.row.index + 1}](<{each.whole}>)"
        for each in smaller
        if each.whole is not None
    ]
    return " · ".join([said, *links])


def failed(job: Job, where: Where) -> ui.LayoutView:
    """The apology, with a button to try again."""
    status = texts.failed(job.public, job.error, where.lang)
    return _view(
        ui.TextDisplay(f"{_title(job, where.lang)}\n⚠️ {status}"),
        rows.alone(Verb.AGAIN, job, where, emoji="🔁"),
    )


def cancelled(job: Job, where: Where) -> ui.LayoutView:
    """That nothing will come, and what it has cost."""
    status = texts.cancelled(job.charge, where.lang)
    return _view(
        ui.TextDisplay(f"{_title(job, where.lang)}\n{status}"),
        rows.alone(Verb.AGAIN, job, where, emoji="🔁"),
    )


def elsewhere(job: Job, where: Where) -> ui.LayoutView:
    """That the picture is painted and has to be fetched; nothing was posted here."""
    return _view(
        ui.TextDisplay(f"{_title(job, where.lang)}\n{chat.elsewhere(job.public, where.lang)}"),
        rows.alone(Verb.SHOW, job, where, emoji="🖼️"),
    )


def moved(job: Job, where: Where, *, link: str) -> ui.LayoutView:
    """That the picture is in a newer message; no buttons, those are there."""
    return _view(ui.TextDisplay(f"{_title(job, where.lang)}\n{says.moved(link, where.lang)}"))


def deleted(job: Job, where: Where) -> ui.LayoutView:
    """What is left when the pictures were deleted, or are shown to nobody."""
    return _view(ui.TextDisplay(f"-# {chat.gone(job, where.lang)}"))


def sure(view: JobView, message: int, lang: str) -> ui.LayoutView:
    """Asks once before pictures are deleted; `message` is the one that shows them."""
    job, count = view.job.public, len(view.pictures)

    def button(nth: int, text: str) -> ActionButton:
        action = Action(Verb.DELETE_SURE, f"{job}.{nth}.{message}")
        return ActionButton.of(action, label=text, style=discord.ButtonStyle.danger)

    keep = ActionButton.of(Action(Verb.KEEP, job), label=chat.label(Verb.KEEP, lang))
    choices = [ui.ActionRow[Any](button(0, chat.label(Verb.DELETE_SURE, lang)), keep)]
    if count > 1:
        single = [button(each.index + 1, f"{each.index + 1}") for each in view.pictures[:4]]
        choices = [ui.ActionRow(*single), ui.ActionRow(button(0, says.all_of_them(lang)), keep)]
    return _view(ui.TextDisplay(chat.sure(count, lang)), *choices)


def farewell(person: int, lang: str) -> ui.LayoutView:
    """Asks once whether everything of somebody's shall go."""
    forget = Action(Verb.FORGET, f"{person}")
    danger = discord.ButtonStyle.danger
    button = ActionButton.of(forget, label=chat.label(Verb.FORGET, lang), style=danger)
    keep = ActionButton.of(Action(Verb.STAY, f"{person}"), label=chat.label(Verb.STAY, lang))
    return _view(ui.TextDisplay(words_of_farewell.ask(lang)), ui.ActionRow(button, keep))


def word(text: str) -> ui.LayoutView:
    """One sentence of ours in the place of a layout."""
    return _view(ui.TextDisplay(text))


def files_of(parcel: Parcel) -> list[discord.File]:
    """The files of a parcel for discord.py, to be sent once."""
    return [discord.File(io.BytesIO(each.data), each.name) for each in parcel.files]


def standing_in(where: Where) -> Where | None:
    """The message that a job stands in by now, as the bot itself can edit it; None if it cannot."""
    message = where.posted or where.message
    if message is None or where.by_token:
        return None
    channel = (where.posting_to if where.posted is not None else None) or where.channel
    return replace(where, channel=channel, message=message)


def link(where: Where) -> str | None:
    """The address of a job's message, for those who may see it; None if only one person may."""
    message = where.posted or where.message
    elsewhere = where.posted is not None and where.posting_to not in (None, where.channel)
    if message is None or where.by_token or elsewhere:
        return None
    return f"https://discord.com/channels/{where.guild or '@me'}/{where.channel}/{message}"


def bar(share: float) -> str:
    """A progress bar in text, with its percentage."""
    share = max(0.0, min(share, 1.0))
    done = round(share * BAR)
    return f"`{'█' * done}{'░' * (BAR - done)}` {share:.0%}"


def words_of(job: Job) -> Ask:
    """What was asked for, in somebody's own words: the style stands apart."""
    return Ask.from_json(job.filled_json)


def maker(job: Job, model_title: str) -> str:
    """The model, and the style if there is one."""
    style = words_of(job).style
    parts = (model_title, None if style == NO_STYLE else style)
    return " · ".join(plain(each, 80) for each in parts if each)


def _title(job: Job, lang: str) -> str:
    return f"**{plain(title(job, lang), PROMPT) or ELLIPSIS}**"


def title(job: Job, lang: str) -> str:
    """What a job is called: by its words, or that it enlarges somebody's picture."""
    upscale = job.paint.upscale
    if not job.paint.prompt and upscale is not None:
        return file_words.enlargement(upscale.scale, lang)
    return words_of(job).prompt


def _alt(job: Job, where: Where) -> str | None:
    return alternative(title(job, where.lang)) or None


def _view(*items: ui.Item[Any] | None) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    for item in items:
        if item is not None:
            view.add_item(item)
    return view
