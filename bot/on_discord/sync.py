"""Tells Discord which commands there are, only when they differ from what it was told last."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import discord
import structlog

if TYPE_CHECKING:
    from discord import app_commands

    from storage.facts import Facts

log = structlog.get_logger(__name__)


async def sync(
    tree: app_commands.CommandTree[Any], *, application: int, guild: int | None, facts: Facts
) -> bool:
    """Register the commands everywhere, or in one server alone; whether it was necessary.

    A server that was tried out in before is cleared of its own copies. Raises what discord.py
    raises; nothing is remembered then, so that the next time it is tried again.
    """
    await _clear_former(tree, application, guild, facts)
    target = None if guild is None else discord.Object(guild)
    if target is not None:
        tree.copy_global_to(guild=target)
    name = f"discord:{application}:commands:{guild or 'everywhere'}"
    digest = await _digest(tree, target)
    if await facts.get(name) == digest:
        return False
    await tree.sync(guild=target)
    await facts.put(name, digest)
    log.info("the commands were registered", server=guild)
    return True


async def _clear_former(
    tree: app_commands.CommandTree[Any], application: int, guild: int | None, facts: Facts
) -> None:
    name = f"discord:{application}:tried_in"
    former = await facts.get(name)
    if former and former != str(guild):
        target = discord.Object(int(former))
        tree.clear_commands(guild=target)
        try:
            await tree.sync(guild=target)
        except discord.Forbidden:
            log.info("no longer in the server that was tried out in", server=former)
        await facts.put(f"discord:{application}:commands:{former}", "")
    if (former or "") != str(guild or ""):
        await facts.put(name, str(guild or ""))


async def _digest(tree: app_commands.CommandTree[Any], target: discord.abc.Snowflake | None) -> str:
    translator = tree.translator
    payload = []
    for command in tree.get_commands(guild=target):
        if translator is None:
            payload.append(command.to_dict(tree))
        else:
            payload.append(await command.get_translated_payload(tree, translator))
    text = json.dumps(payload, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
