"""What admins do for or against somebody: look at their usage, give and reset, ban and unban."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import discord

from bot.desk.spans import read_amount
from bot.desk.texts import office as says
from bot.on_discord.commands import admin_modals as modals
from bot.on_discord.commands import admin_panels as panels
from bot.on_discord.marks import MARKS
from bot.on_discord.modals import filled_in

if TYPE_CHECKING:
    from discord import ui

    from bot.on_discord.commands.admin_visit import Visit


async def see(visit: Visit, external: str) -> None:
    """Show what somebody has used and how they stand here."""
    await visit.show(await _panel(visit, external))


async def ban(
    visit: Visit, external: str, span_s: float | None, *, everywhere: bool = False
) -> None:
    """Take no jobs of theirs for so many seconds; None: ever."""
    await visit.office.place(visit.asker)
    until = None if span_s is None else visit.counter.clock() + span_s
    await visit.office.ban(visit.asker, external, until=until, everywhere=everywhere)
    await visit.done(await _panel(visit, external), 0 if everywhere else 1)


async def unban(visit: Visit, external: str, *, everywhere: bool = False) -> None:
    """Take their jobs again."""
    await visit.office.place(visit.asker)
    await visit.office.unban(visit.asker, external, everywhere=everywhere)
    await visit.done(await _panel(visit, external), 0 if everywhere else 1)


async def give(visit: Visit, external: str, credits: float, *, everywhere: bool = False) -> None:
    """Give them credits on top of their budget."""
    await visit.office.give(visit.asker, external, credits, everywhere=everywhere)
    await visit.done(await _panel(visit, external), 0 if everywhere else 1)


async def reset(visit: Visit, external: str, *, everywhere: bool = False) -> None:
    """Let what they have used count no more."""
    await visit.office.reset(visit.asker, external, everywhere=everywhere)
    await visit.done(await _panel(visit, external), 0 if everywhere else 1)


async def set_budget(
    visit: Visit, external: str, credits: float | None, *, everywhere: bool = False
) -> None:
    """Let them have a budget of their own here; None: what holds for all."""
    await visit.office.set_budget(visit.asker, external, credits, everywhere=everywhere)
    await visit.done(await _panel(visit, external), 0 if everywhere else 1)


async def ask_gift(visit: Visit, external: str) -> None:
    """Ask how many credits to give."""
    await visit.office.place(visit.asker)
    title, label = says.label("give", visit.lang), says.label("credits", visit.lang)
    form = modals.credits("give-form", external, title, label, required=True)
    await visit.interaction.response.send_modal(form)


async def gift_named(visit: Visit, external: str) -> None:
    """Give what stands in the form."""
    await give(visit, external, read_amount(filled_in(visit.interaction).get("credits", "")))


async def ask_budget(visit: Visit, external: str) -> None:
    """Ask for a budget of their own."""
    await visit.office.place(visit.asker)
    title, label = says.label("own-budget", visit.lang), says.label("credits-a-day", visit.lang)
    form = modals.credits("budget-form", external, title, label, required=False)
    await visit.interaction.response.send_modal(form)


async def budget_named(visit: Visit, external: str) -> None:
    """Set what stands in the form; nothing: no budget of their own."""
    typed = filled_in(visit.interaction).get("credits", "").strip()
    await set_budget(visit, external, read_amount(typed) if typed else None)


async def _panel(visit: Visit, external: str) -> ui.LayoutView:
    roles = await _roles(visit.interaction, external)
    standing = await visit.office.standing_of(visit.asker, external, roles=roles)
    now = visit.counter.clock()
    facts = says.standing(standing, MARKS.person(external), visit.lang, now=now)
    banned = standing.banned_until is not None and standing.banned_until > now
    return panels.member(external, facts, visit.lang, banned=banned)


async def _roles(interaction: discord.Interaction[Any], external: str) -> frozenset[str]:
    """The roles that somebody has here, which may decide about their budget; none if unknown."""
    if interaction.guild is None:
        return frozenset()
    try:
        member = await interaction.guild.fetch_member(int(external))
    except (discord.HTTPException, aiohttp.ClientError, OSError):
        return frozenset()
    return frozenset(str(role.id) for role in member.roles)
