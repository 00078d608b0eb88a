"""Owns how somebody is forgotten on Discord: at the desk, and in the messages made for them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
import discord

from bot.desk.texts import farewell as words
from bot.on_discord import layout
from bot.on_discord.asking import announce, asker_of, tell
from bot.on_discord.counter import counter_of, lang_of
from bot.on_discord.posting import Away
from bot.on_discord.where import Where

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from bot.on_discord.counter import Counter
    from storage.jobs import Job

NEWEST = 50
"""So many messages are taken down; an edit takes a second where there are many in one channel."""


async def forget(interaction: discord.Interaction[Any]) -> None:
    """Forget whoever pressed. What was posted stands without its picture and words afterwards."""
    counter, asker = counter_of(interaction), await asker_of(interaction)
    await announce(interaction, alone=True)
    posts = await _posts(counter, asker)
    gone = await counter.studio.forget(asker)
    lang = lang_of(interaction)
    said = [words.forgotten(gone, lang)]
    if posts:
        said.append(words.posts_follow(len(posts), lang))
    await tell(interaction, " ".join(said))
    for job, where in posts:
        with suppress(discord.HTTPException, aiohttp.ClientError, OSError, Away):
            await counter.post.edit(where, layout.deleted(job, where))


async def _posts(counter: Counter, asker: Asker) -> list[tuple[Job, Where]]:
    """The newest messages with pictures of somebody's that can still be reached."""
    found = []
    for view in await counter.studio.history(asker, limit=NEWEST):
        with suppress(ValueError):
            where = layout.standing_in(Where.from_json(view.job.message or ""))
            if where is not None and view.job.state.final:
                found.append((view.job, where))
    return found
