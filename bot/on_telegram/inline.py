"""Owns inline mode: `@bot fox` in any chat finds pictures of one's own, to share them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from telegram import (
    InlineQueryResultCachedDocument,
    InlineQueryResultCachedPhoto,
    InlineQueryResultsButton,
)
from telegram.error import BadRequest

from bot.desk.texts import chat, pick_language
from bot.desk.texts import on_telegram as words
from bot.on_telegram.captions import title as title_of
from bot.on_telegram.visit import PLATFORM
from bot.on_telegram.where import Where
from bot.on_telegram.wording import CAPTION, Piece, cut, say
from storage.jobs import JobState

if TYPE_CHECKING:
    from telegram import InlineQuery

    from bot.on_telegram.parts import Parts
    from storage.jobs import Job

SHOWN = 30
"""So many pictures come at once; Telegram takes 50."""
CHUNK = 100
SEARCHED = 1000
"""So many of somebody's jobs are searched at most."""
CACHE_S = 5
TITLE = 60

Result = InlineQueryResultCachedPhoto | InlineQueryResultCachedDocument

log = structlog.get_logger(__name__)


async def look(query: InlineQuery, parts: Parts, *, served: bool) -> None:
    """Answer with the pictures whose words have all that was typed, newest first.

    Only one's own, and none that was veiled: shared by a slip it would be bare.
    """
    lang = pick_language(query.from_user.language_code)
    found: list[Result] = []
    more: int | None = None
    if served:
        found, more = await find(query, parts)
    text = words.paint_something(lang) if found or not query.query else words.none_found(lang)
    button = InlineQueryResultsButton(text, start_parameter="inline")
    try:
        await query.answer(
            found,
            cache_time=CACHE_S,
            is_personal=True,
            next_offset="" if more is None else str(more),
            button=button if not query.offset else None,
        )
    except BadRequest as error:  # too late, or Telegram does not know a file any more
        log.info("an inline query was not answered", error=repr(error))


async def find(query: InlineQuery, parts: Parts) -> tuple[list[Result], int | None]:
    """Results, and the number of the job below which there may be more."""
    person = await parts.people.known(PLATFORM, str(query.from_user.id), query.from_user.full_name)
    wanted = query.query.casefold().split()
    before = int(query.offset) if query.offset.isdecimal() else None
    found: list[Result] = []
    for _ in range(SEARCHED // CHUNK):
        jobs = await parts.jobs.of_person(person.id, before=before, limit=CHUNK)
        for job in jobs:
            before = job.id
            result = _result(job) if _matches(job, wanted) else None
            if result is None:
                continue
            pictures = await parts.pictures.of_job(job.id)
            if not pictures or any(each.veil for each in pictures):
                continue
            found.append(result)
            if len(found) == SHOWN:
                return found, before
        if len(jobs) < CHUNK:
            break
    return found, None


def _matches(job: Job, wanted: list[str]) -> bool:
    if job.state is not JobState.DONE or job.private:
        return False
    text = job.paint.prompt.casefold()
    return all(word in text for word in wanted)


def _result(job: Job) -> Result | None:
    """A picture that Telegram has; its words go with it, uncut by any markup."""
    try:
        where = Where.from_json(job.message or "")
    except ValueError:
        return None
    if where.file is None or where.spoiler:
        return None
    prompt = title_of(job, where.lang)
    said = say([Piece(prompt, give=True)], CAPTION)
    title = cut(prompt, TITLE)
    if where.as_file:
        return InlineQueryResultCachedDocument(
            job.public,
            title,
            where.file,
            caption=said.text,
            description=chat.seed(job.paint.seed, where.lang),
        )
    return InlineQueryResultCachedPhoto(
        job.public,
        where.file,
        title=title,
        caption=said.text,
        description=chat.seed(job.paint.seed, where.lang),
    )
