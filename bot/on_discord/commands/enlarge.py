"""/upscale: somebody's own picture, made larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.on_discord import sources
from bot.on_discord.asking import order
from bot.on_discord.commands import choices
from bot.on_discord.commands.places import everywhere
from bot.on_discord.counter import counter_of

if TYPE_CHECKING:
    from bot.desk.answers import Asker, Ticket


@app_commands.command(name="upscale", description="Make a picture larger and cleaner.")
@app_commands.describe(
    image="The picture.",
    scale="How many times as wide and high.",
    upscaler="The network that enlarges.",
    creative="Paint over the larger picture this strongly, 0.05 to 0.6; leave it out to stay true.",
    private="Only you see it.",
    spoiler="Hide it until somebody clicks.",
)
@app_commands.choices(scale=choices.SCALES)
@app_commands.autocomplete(upscaler=choices.upscalers)
@everywhere
async def upscale(
    interaction: discord.Interaction[Any],
    image: discord.Attachment,
    scale: int = 2,
    upscaler: str | None = None,
    creative: float | None = None,
    private: bool = False,
    spoiler: bool = False,
) -> None:
    """Enlarge what was attached."""

    async def take(asker: Asker, key: str, message: str) -> Ticket:
        source = await sources.brought(interaction, asker, image, private=private)
        return await counter_of(interaction).studio.upscale(
            asker,
            source,
            scale=scale,
            upscaler=upscaler,
            creative=creative,
            key=key,
            message=message,
            private=private,
        )

    await order(interaction, take, private=private, spoiler=spoiler)


COMMANDS: tuple[app_commands.Command[Any, ..., Any], ...] = (upscale,)
