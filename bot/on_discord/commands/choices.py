"""What is offered while somebody types: models, styles, sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.desk.texts.visible import visible
from bot.on_discord.asking import asker_of
from bot.on_discord.counter import counter_of
from engine import networks

if TYPE_CHECKING:
    from engine.catalogue import Model

MOST = 25
SHAPES = {"square": 1.0, "portrait": 2 / 3, "landscape": 3 / 2, "wide": 16 / 9}
"""Width by height of the sizes that have a name."""

SCALES = [app_commands.Choice(name=f"×{scale}", value=scale) for scale in networks.SCALES]
"""How many times larger a picture can become."""


async def models(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    """The models that may be used here."""
    offered = counter_of(interaction).studio.models(await asker_of(interaction))
    return _matching(((model.title, model.name) for model in offered), current)


async def upscalers(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    """The networks that enlarge."""
    offered = counter_of(interaction).studio.upscalers()
    return _matching(((each.title, each.name) for each in offered), current)


async def styles(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    """The named looks."""
    offered = counter_of(interaction).studio.styles()
    return _matching(((style.title, style.name) for style in offered), current)


async def sizes(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    """The four shapes, and every size of the model that was chosen."""
    offered = counter_of(interaction).studio.models(await asker_of(interaction))
    model = chosen(offered, getattr(interaction.namespace, "model", None))
    named = [(f"{name} ({_text(size_of(name, model))})", name) for name in SHAPES]
    native = [(_text(size), _text(size)) for size in model.sizes]
    return _matching([*named, *native], current)


async def schedulers(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    """The schedulers of the model that was chosen; many have none to choose from."""
    offered = counter_of(interaction).studio.models(await asker_of(interaction))
    model = chosen(offered, getattr(interaction.namespace, "model", None))
    return _matching(((name, name) for name in model.schedulers), current)


def chosen(offered: tuple[Model, ...], name: str | None) -> Model:
    """The model of that name, else the default one, which stands first."""
    return next((model for model in offered if model.name == name), offered[0])


def size_of(shape: str, model: Model) -> tuple[int, int]:
    """The size of the model that comes nearest to a named shape."""
    wanted = math.log(SHAPES[shape])
    return min(model.sizes, key=lambda size: abs(math.log(size[0] / size[1]) - wanted))


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"


def _matching(pairs: Iterable[tuple[str, str]], current: str) -> list[app_commands.Choice[str]]:
    typed = current.strip().casefold()
    return [
        app_commands.Choice(name=visible(title)[:100] or value[:100], value=value[:100])
        for title, value in pairs
        if typed in title.casefold() or typed in value.casefold()
    ][:MOST]
