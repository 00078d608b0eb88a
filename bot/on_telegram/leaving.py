"""Owns how somebody is forgotten on Telegram: at the desk, and in the messages made for them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from telegram.error import TelegramError

from bot.desk.texts import farewell as words
from bot.on_telegram.where import Where

if TYPE_CHECKING:
    from bot.on_telegram.visit import Visit

NEWEST = 50
"""So many messages are taken down; more would fill a chat's share of calls for minutes."""


async def forget(visit: Visit) -> str:
    """Forget whoever speaks; what to say about it. Their newest messages are deleted as well."""
    asker, posts = await visit.asker(), await _posts(visit)
    gone = await visit.parts.studio.forget(asker)
    for chat, message in posts:
        with suppress(TelegramError):  # older than two days, or gone already
            await visit.bot.delete_message(chat, message)
    said = [words.forgotten(gone, visit.lang)]
    if posts:
        said.append(words.posts_follow(len(posts), visit.lang))
    return " ".join(said)


async def _posts(visit: Visit) -> list[tuple[int, int]]:
    """Chat and id of the newest messages that were made for somebody."""
    found = []
    for view in await visit.parts.studio.history(await visit.asker(), limit=NEWEST):
        with suppress(ValueError):
            where = Where.from_json(view.job.message or "")
            message = where.sent[0] if where.sent else where.message
            if message is not None and view.job.state.final:
                found.append((where.chat, message))
    return found
