"""Shows jobs that exist already: once more, with all that made them, as pages; takes them away."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from PIL import Image
from telegram import InlineKeyboardMarkup, InputMediaPhoto
from telegram.error import BadRequest, TelegramError

from bot.desk.texts import chat
from bot.desk.texts import on_telegram as words
from bot.on_telegram import albums, captions, keyboards, sheets, tuning
from bot.on_telegram.where import Where
from bot.on_telegram.wording import lines
from engine.request import Ask
from storage.jobs import JobState

if TYPE_CHECKING:
    from telegram import CallbackQuery

    from bot.desk.answers import Asker, JobView
    from bot.on_telegram.visit import Visit
    from bot.on_telegram.wording import Said
    from engine.catalogue import Model
    from storage.jobs import Job

JOBS = 5
"""So many stand on a page of the history: a row has five buttons."""
LAST = 200
"""Nobody turns more pages than this; older jobs are found by `/show`."""

log = structlog.get_logger(__name__)


async def show(visit: Visit, view: JobView) -> None:
    """A job as a new message, finished or not, with its buttons."""
    job, where = view.job, kept(view.job, visit.where())
    if job.state is JobState.DONE and view.pictures:
        await albums.send_result(visit, view, where)
    elif job.state is JobState.DONE:
        await visit.reply(captions.deleted(view.job, visit.lang), quote=True)
    elif job.state is JobState.FAILED:
        await visit.reply(captions.failed(job, where), keyboards.failed(job, where), quote=True)
    elif job.state is JobState.CANCELLED:
        said = captions.cancelled(job, where)
        await visit.reply(said, keyboards.cancelled(job, where), quote=True)
    else:
        await visit.reply(standing(view, where), keyboards.under_way(job, where), quote=True)


def standing(view: JobView, where: Where) -> Said:
    """How a job that is not finished stands."""
    if view.position:
        return captions.waiting(
            where, position=view.position, eta_s=view.eta_s, warming=view.warming
        )
    return captions.painting(
        where, eta_s=view.eta_s, progress=view.progress, paints=view.job.paint.paints
    )


def kept(job: Job, here: Where) -> Where:
    """`here` with what is kept with the job: whether it is veiled, and Telegram's ids of it."""
    try:
        known = Where.from_json(job.message or "")
    except ValueError:
        return here
    return replace(
        here,
        spoiler=known.spoiler,
        file=known.file,
        as_file=known.as_file,
        singles=known.singles,
    )


def details(visit: Visit, view: JobView) -> Said:
    """Everything that made a picture."""
    return sheets.details(view, model_of(visit, view.job), visit.lang)


def model_of(visit: Visit, job: Job) -> Model | None:
    """The model that painted a job, if it is still on offer."""
    models = visit.parts.studio.models()
    return next((each for each in models if each.name == job.paint.model), None)


async def history(
    visit: Visit, page: int, *, search: str | None = None
) -> tuple[Said, InlineKeyboardMarkup | None]:
    """A page of one's own jobs, counted from 0: of all, or of what was searched for."""
    page = max(0, min(page, LAST))
    views = await visit.parts.studio.history(
        await visit.asker(), skip=page * JOBS, limit=JOBS + 1, search=search
    )
    if search and not views and not page:
        return lines(f"{words.none_found(visit.lang)}."), None
    return sheets.history(
        views[:JOBS],
        owner=visit.person,
        page=page,
        more=len(views) > JOBS and page < LAST,
        search=search,
        lang=visit.lang,
        now=visit.parts.clock(),
    )


async def settings(visit: Visit) -> tuple[Said, InlineKeyboardMarkup]:
    """One's own defaults, and the panel that changes them."""
    mine = defaults_of(await visit.asker())
    keyboard = tuning.defaults_panel(visit.person, mine, visit.parts.studio.models(), visit.lang)
    return sheets.settings(mine, visit.lang), keyboard


def defaults_of(asker: Asker) -> Ask:
    """What fills the gaps of somebody's requests; its prompt is empty."""
    try:
        return replace(Ask.from_json(asker.person.defaults or ""), prompt="")
    except (ValueError, TypeError):
        return Ask(prompt="")


async def remove(query: CallbackQuery, lang: str) -> None:
    """Take a message with pictures away; where Telegram forbids that, a grey one stays."""
    message = query.message
    if message is None:
        return
    bot, chat_id, message_id = query.get_bot(), message.chat.id, message.message_id
    try:
        await bot.delete_message(chat_id, message_id)
        return
    except BadRequest as error:  # after two days nobody can, but it can be changed
        log.debug("not deleted", error=repr(error))
    empty = InputMediaPhoto(_grey(), caption=chat.deleted(lang), filename="deleted.png")
    try:
        await bot.edit_message_media(empty, chat_id, message_id)
    except TelegramError as error:
        log.info("a deleted picture can still be seen", error=repr(error))


def _grey() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (128, 128, 128)).save(out, "PNG")
    return out.getvalue()
