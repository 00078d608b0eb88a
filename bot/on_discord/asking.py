"""Owns how a request is taken: who asks where, decide first, then one answer as it will stay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import discord
import structlog

from bot.desk.errors import NotServed, Unreachable
from bot.desk.texts import on_discord as says
from bot.desk.texts.visible import ELLIPSIS
from bot.on_discord import layout
from bot.on_discord.counter import counter_of, lang_of
from bot.on_discord.permissions import check, reaches
from bot.on_discord.where import TOKEN_LIFE_S, Where, made_at

if TYPE_CHECKING:
    from discord import ui

    from bot.desk.answers import Asker, Ticket

T = TypeVar("T")
Take = Callable[["Asker", str, str], Awaitable["Ticket"]]
"""Gives an order to the studio: who asks, the key that makes repeating it harmless, the message."""

NOBODY = discord.AllowedMentions.none()
ALONE = "alone"
"""Kept with an interaction: whether its announced answer is seen by one person only."""
AT_ONCE_S = 1.5
"""Discord wants a first answer within 3 s; what takes longer than this is announced first."""

log = structlog.get_logger(__name__)


async def order(
    interaction: discord.Interaction[Any], take: Take, *, private: bool, spoiler: bool = False
) -> None:
    """Take on a request and answer it once, with its final visibility. Raises `Refusal`."""
    asker = await asker_of(interaction)
    check(interaction, private=private)
    where = where_of(interaction, private=private, spoiler=spoiler)
    ticket = await take(asker, f"discord:{interaction.id}", where.to_json())
    if not where.member:
        await _promise(interaction, asker, ticket, where)
    begun = await _is_next(interaction, asker, ticket)
    message = await _answer(interaction, ticket, layout.first(ticket, where, begun=begun), where)
    await counter_of(interaction).status.follow(
        ticket.job, replace(where, message=message), position=ticket.position
    )


async def asker_of(interaction: discord.Interaction[Any]) -> Asker:
    """Who asks, and where. Raises `NotServed` where the operator does not want us."""
    counter = counter_of(interaction)
    user, guild = interaction.user, interaction.guild_id
    if counter.servers and guild is not None and guild not in counter.servers:
        raise NotServed()
    name = user.display_name
    if guild is None:
        return await counter.studio.asker("discord", str(user.id), place=f"dm:{user.id}", name=name)
    channel = interaction.channel
    parent = getattr(channel, "parent_id", None)
    counted = {str(each) for each in (interaction.channel_id, parent) if each is not None}
    may = interaction.permissions
    return await counter.studio.asker(
        "discord",
        str(user.id),
        place=str(guild),
        name=name,
        place_name=(interaction.guild.name if interaction.guild else "") or "",
        channel=str(interaction.channel_id),
        channels=frozenset(counted),
        roles=frozenset(str(role.id) for role in getattr(user, "roles", ())),
        admin=may.manage_guild or may.administrator,
        moderator=may.manage_messages or may.administrator,
    )


def where_of(
    interaction: discord.Interaction[Any], *, private: bool = False, spoiler: bool = False
) -> Where:
    """What the courier has to know to find the answer to this interaction again."""
    member = reaches(interaction)
    direct = interaction.guild_id is None and member
    where = Where(
        channel=interaction.channel_id or 0,
        asker=interaction.user.id,
        guild=interaction.guild_id,
        ephemeral=private and not direct,
        member=member,
        spoiler=spoiler,
        lang=lang_of(interaction),
        limit=interaction.filesize_limit,
    )
    if not where.by_token:
        return where
    return replace(
        where,
        application=interaction.application_id,
        token=interaction.token,
        token_until=made_at(interaction.id) + TOKEN_LIFE_S,
    )


async def patiently(
    interaction: discord.Interaction[Any], work: Coroutine[Any, Any, T], *, private: bool
) -> T:
    """What `work` comes to; if that takes a while, people see that we are at it."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=AT_ONCE_S)
        if not task.done() and not interaction.response.is_done():
            await announce(interaction, alone=private)
        return await task
    finally:
        task.cancel()


async def answer_alone(interaction: discord.Interaction[Any], view: ui.LayoutView) -> None:
    """Show something to this person alone."""
    await interaction.response.send_message(view=view, ephemeral=True, allowed_mentions=NOBODY)


async def announce(interaction: discord.Interaction[Any], *, alone: bool) -> None:
    """Say that an answer is on its way; `alone`: it will be seen by this person only."""
    await interaction.response.defer(ephemeral=alone, thinking=True)
    interaction.extras[ALONE] = alone


async def tell(interaction: discord.Interaction[Any], text: str) -> None:
    """Say something to this person alone, whatever was answered before."""
    response = interaction.response
    if not response.is_done():
        await response.send_message(text, ephemeral=True, allowed_mentions=NOBODY)
        return
    waiting = response.type is discord.InteractionResponseType.deferred_channel_message
    if waiting and interaction.extras.get(ALONE):
        await interaction.edit_original_response(content=text, allowed_mentions=NOBODY)
        return
    if waiting:  # what comes first takes the place, and the visibility, of what was announced
        await interaction.edit_original_response(content=ELLIPSIS)
    await interaction.followup.send(text, ephemeral=True, allowed_mentions=NOBODY)
    if waiting:
        await interaction.delete_original_response()


async def _promise(
    interaction: discord.Interaction[Any], asker: Asker, ticket: Ticket, where: Where
) -> None:
    """Where only the token answers and time runs out first, make sure that a message arrives."""
    left = (where.token_until or 0.0) - counter_of(interaction).clock()
    if ticket.eta_s is None or ticket.eta_s < left:
        return
    try:
        await interaction.user.send(says.comes_here(where.lang), allowed_mentions=NOBODY)
    except discord.HTTPException:
        await counter_of(interaction).studio.cancel(asker, ticket.job.public)
        raise Unreachable(ticket.eta_s) from None


async def _is_next(interaction: discord.Interaction[Any], asker: Asker, ticket: Ticket) -> bool:
    """Whether it is being painted, or nothing stands before it."""
    if ticket.position > 1 or ticket.warming or ticket.eta_s is None:
        return False
    line = await counter_of(interaction).studio.queue(asker, 1)
    first = [entry.public for entry in line.entries][:1]
    return first in ([], [ticket.job.public])  # nobody: it was taken out of the line just now


async def _answer(
    interaction: discord.Interaction[Any], ticket: Ticket, view: ui.LayoutView, where: Where
) -> int | None:
    """Show how the job stands; the id of that message, or None if it could not be learned.

    The job stands in any case: its result then comes as a message of its own.
    """
    try:
        if interaction.response.is_done():
            edited = await interaction.edit_original_response(view=view, allowed_mentions=NOBODY)
            return edited.id
        answer = await interaction.response.send_message(
            view=view, ephemeral=where.ephemeral, allowed_mentions=NOBODY
        )
        if answer.message_id is not None:
            return answer.message_id
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.warning("an answer got lost", job=ticket.job.public, error=repr(error))
    try:  # it may have arrived although the connection broke
        return (await interaction.original_response()).id
    except (discord.HTTPException, discord.ClientException, aiohttp.ClientError, OSError):
        return None
