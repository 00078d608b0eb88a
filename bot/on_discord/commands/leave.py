"""/forget me: everything that is somebody's goes, after they were asked once."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.on_discord import layout
from bot.on_discord.asking import answer_alone, asker_of
from bot.on_discord.counter import lang_of

forget = app_commands.Group(
    name="forget",
    description="Have the bot forget you.",
    allowed_contexts=app_commands.AppCommandContext(
        guild=True, dm_channel=True, private_channel=True
    ),
    allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
)


@forget.command(name="me", description="Delete your pictures and all you wrote, for good.")
async def me(interaction: discord.Interaction[Any]) -> None:
    """Ask whether that is meant."""
    await asker_of(interaction)
    await answer_alone(interaction, layout.farewell(interaction.user.id, lang_of(interaction)))
