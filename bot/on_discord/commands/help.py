"""/help: how everything works, for the one who asks."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.on_discord import sheets
from bot.on_discord.asking import answer_alone
from bot.on_discord.commands.places import everywhere
from bot.on_discord.counter import lang_of


@app_commands.command(name="help", description="How to paint, vary, find and delete pictures.")
@everywhere
async def show_help(interaction: discord.Interaction[Any]) -> None:
    """How everything works."""
    await answer_alone(interaction, sheets.help_sheet(lang_of(interaction)))


COMMANDS: tuple[app_commands.Command[Any, ..., Any], ...] = (show_help,)
