"""Owns what happens to presses and forms: each finds its action, and each gets an answer.

discord.py would drop what it does not know, and people would look at a spinner.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import discord
import structlog

from bot.desk import texts
from bot.desk.actions import PREFIX, parse
from bot.desk.texts import chat
from bot.on_discord.asking import tell
from bot.on_discord.commands import admin_knobs
from bot.on_discord.commands.admin_presses import admin_press
from bot.on_discord.counter import counter_of, lang_of
from bot.on_discord.escaping import sentence
from bot.on_discord.posting import lost
from bot.on_discord.pressing import press
from bot.on_discord.submitting import submit
from engine.errors import Refusal

STRANGE_S = 2.0
"""After so long without an answer, a button that is not of our grammar has been forgotten."""

log = structlog.get_logger(__name__)


async def on_interaction(interaction: discord.Interaction[Any]) -> None:
    """Every interaction comes by here; commands are served by their tree."""
    kind = interaction.type
    if kind not in (discord.InteractionType.component, discord.InteractionType.modal_submit):
        return
    data: Any = interaction.data or {}
    text = str(data.get("custom_id", ""))
    try:
        if text.startswith(f"{admin_knobs.PREFIX}:"):
            await admin_press(interaction, text)
        elif not text.startswith(f"{PREFIX}:"):
            await _forgotten(interaction)
        elif kind is discord.InteractionType.component:
            await press(interaction, parse(text))
        else:
            await submit(interaction, parse(text))
    except Exception as error:
        await excuse(interaction, error)


async def excuse(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Say in a sentence why it did not work; what is our own fault goes to the log, too."""
    if lost(error):
        log.warning("an answer did not arrive", interaction=interaction.id, error=repr(error)[:300])
    elif not isinstance(error, Refusal):
        log.error("an interaction broke", interaction=interaction.id, exc_info=error)
    if interaction.type is discord.InteractionType.autocomplete:
        return
    try:
        now, lang = counter_of(interaction).clock(), lang_of(interaction)
        await tell(interaction, sentence(texts.explain(error, lang, now=now)))
    except (discord.HTTPException, aiohttp.ClientError, OSError) as gone:
        log.info("nobody can be told any more", interaction=interaction.id, error=repr(gone)[:300])


async def _forgotten(interaction: discord.Interaction[Any]) -> None:
    """A form or a button of a view that may have ended: whoever made it has the first word."""
    await asyncio.sleep(STRANGE_S)
    if not interaction.response.is_done():
        await tell(interaction, chat.stale_button(lang_of(interaction)))
