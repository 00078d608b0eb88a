"""Checks that the answer can be posted before a job is taken, and says what is missing if not."""

from __future__ import annotations

from typing import Any

import discord

from bot.desk.errors import MissingPermissions

NEEDED = ("view_channel", "send_messages", "embed_links", "attach_files")
"""What the bot needs in a channel to bring a picture later, without the command's token."""


def check(interaction: discord.Interaction[Any], *, private: bool) -> None:
    """Raises `MissingPermissions` if a picture could be painted but not posted here.

    Private answers, direct messages and servers the bot is not in go other ways.
    """
    if private or not in_its_server(interaction):
        return
    here = interaction.app_permissions
    needed = [
        "send_messages_in_threads" if name == "send_messages" and _thread(interaction) else name
        for name in NEEDED
    ]
    missing = tuple(name for name in needed if not getattr(here, name))
    if missing:
        raise MissingPermissions(missing)


def in_its_server(interaction: discord.Interaction[Any]) -> bool:
    """Whether this is a server that the bot itself is in."""
    if interaction.guild_id is None:
        return False
    known = interaction.client.get_guild(interaction.guild_id) is not None
    return known or interaction.is_guild_integration()


def reaches(interaction: discord.Interaction[Any]) -> bool:
    """Whether the bot can write here without the command's token."""
    if interaction.guild_id is not None:
        return in_its_server(interaction)
    return isinstance(interaction.channel, discord.DMChannel) and not _strangers(interaction)


def _strangers(interaction: discord.Interaction[Any]) -> bool:
    """Whether this is a direct message between people, where the bot came along."""
    return bool(interaction.context.private_channel)


def _thread(interaction: discord.Interaction[Any]) -> bool:
    return isinstance(interaction.channel, discord.Thread)
