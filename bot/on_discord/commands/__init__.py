"""Puts every command, button and form onto a client, and sees to it that nobody is left waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.on_discord.buttons import ActionButton
from bot.on_discord.commands import admin, enlarge, leave, look, paint, point, settings
from bot.on_discord.commands import help as helping
from bot.on_discord.dispatch import excuse, on_interaction

if TYPE_CHECKING:
    import discord
    from discord import app_commands

    from bot.on_discord.bot import AtelierClient


def install(client: AtelierClient) -> None:
    """Make `client` serve members and admins; commands are made known to Discord elsewhere."""
    tree: app_commands.CommandTree[Any] = client.tree
    for command in (*paint.COMMANDS, *enlarge.COMMANDS, *look.COMMANDS, *helping.COMMANDS):
        tree.add_command(command)
    tree.add_command(settings.settings)
    tree.add_command(leave.forget)
    tree.add_command(admin.atelier)
    for menu in point.menus():
        tree.add_command(menu)
    tree.error(on_error)
    client.add_dynamic_items(ActionButton)
    client.event(on_interaction)


async def on_error(
    interaction: discord.Interaction[Any], error: app_commands.AppCommandError
) -> None:
    """A command was refused or broke: say so to whoever asked."""
    await excuse(interaction, getattr(error, "original", error))
