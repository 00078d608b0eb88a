"""The menus of messages: "Use as source" and "Details"."""

from __future__ import annotations

import secrets
from typing import Any

import discord
from discord import app_commands

from bot.desk.errors import NoPicture
from bot.on_discord import pressing, sources
from bot.on_discord.asking import asker_of
from bot.on_discord.commands.places import everywhere
from bot.on_discord.counter import counter_of, lang_of
from bot.on_discord.modals import ask_from_picture
from engine.request import Ask

MOST = 10


async def use_as_source(interaction: discord.Interaction[Any], message: discord.Message) -> None:
    """Ask what to paint from a picture of this message."""
    job, pictures = sources.ours(message, interaction.client.user.id)
    words = ""
    if job is not None:
        studio = counter_of(interaction).studio
        view = await studio.view(await asker_of(interaction), job)
        words = Ask.from_json(view.job.filled_json).prompt
        pictures = tuple(picture.id for picture in view.pictures) or pictures
    choices = pictures or _pointed(interaction, message)
    if not choices:
        raise NoPicture()
    await interaction.response.send_modal(
        ask_from_picture(choices, lang_of(interaction), prompt=words)
    )


async def details(interaction: discord.Interaction[Any], message: discord.Message) -> None:
    """Everything about the picture of this message."""
    job, _ = sources.ours(message, interaction.client.user.id)
    if job is None:
        raise NoPicture()
    await pressing.details(interaction, job)


def menus() -> tuple[app_commands.ContextMenu, ...]:
    """Both menus, made anew for each client."""
    return (
        everywhere(app_commands.ContextMenu(name="Use as source", callback=use_as_source)),
        everywhere(app_commands.ContextMenu(name="Details", callback=details)),
    )


def _pointed(interaction: discord.Interaction[Any], message: discord.Message) -> tuple[str, ...]:
    """Keys for the pictures of somebody else's message, remembered until the form comes back."""
    keys = []
    for url in sources.pictures_in(message)[:MOST]:
        keys.append(f"k.{secrets.token_hex(8)}")
        counter_of(interaction).point(keys[-1], url)
    return tuple(keys)
