"""/imagine: words, options and perhaps a picture become a request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.desk import flags
from bot.on_discord import sources
from bot.on_discord.asking import order
from bot.on_discord.commands import choices
from bot.on_discord.commands.places import everywhere
from bot.on_discord.counter import counter_of
from engine.request import SEEDS, Ask

if TYPE_CHECKING:
    from bot.desk.answers import Asker, Ticket
    from engine.catalogue import Model


@app_commands.command(name="imagine", description="Paint a picture from your words.")
@app_commands.describe(
    prompt="What to paint. Flags work in here too: --ar 3:2 --seed 7 --no text --steps 6",
    negative="What should not be in the picture.",
    model="The model that paints.",
    size="The shape: square, portrait, landscape, wide, or one of the model's sizes.",
    steps="More steps take longer and may look better.",
    guidance="How closely to follow your words.",
    seed="The same seed paints the same picture again.",
    count="How many pictures, 1 to 4.",
    style="A look to give it.",
    image="A picture to start from.",
    strength="How much of that picture may change, 0.05 to 1.",
    mask="What of that picture is painted anew: white is, black stays.",
    scheduler="The way from noise to picture, where the model offers several.",
    upscale="Make the picture larger when it is painted.",
    private="Only you see it.",
    spoiler="Hide it until somebody clicks.",
)
@app_commands.choices(upscale=choices.SCALES)
@app_commands.autocomplete(
    model=choices.models,
    size=choices.sizes,
    style=choices.styles,
    scheduler=choices.schedulers,
)
@everywhere
async def imagine(
    interaction: discord.Interaction[Any],
    prompt: str,
    negative: str | None = None,
    model: str | None = None,
    size: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    seed: Range[int, 0, SEEDS - 1] | None = None,
    count: Range[int, 1, 4] | None = None,
    style: str | None = None,
    image: discord.Attachment | None = None,
    strength: float | None = None,
    mask: discord.Attachment | None = None,
    scheduler: str | None = None,
    upscale: int | None = None,
    private: bool = False,
    spoiler: bool = False,
) -> None:
    """Paint what the words say."""
    given = Ask(
        prompt="",
        negative=negative,
        model=model,
        steps=steps,
        guidance=guidance,
        seed=seed,
        count=count,
        style=style,
        strength=strength,
        scheduler=scheduler,
        upscale=upscale,
    )
    spoiler = spoiler or "spoiler" in flags.switches(prompt)

    async def take(asker: Asker, key: str, message: str) -> Ticket:
        studio = counter_of(interaction).studio
        ask = read(prompt, given, size, studio.models(asker))
        if image is not None:
            source = await sources.brought(interaction, asker, image, private=private)
            ask = replace(ask, source=source)
        if mask is not None:
            drawn = await sources.brought(interaction, asker, mask, private=private)
            ask = replace(ask, mask=drawn)
        return await studio.paint(asker, ask, key=key, private=private, message=message)

    await order(interaction, take, private=private, spoiler=spoiler)


def read(prompt: str, given: Ask, size: str | None, offered: tuple[Model, ...]) -> Ask:
    """The request in the words and the options; flags in the words win. Raises `Refusal`."""
    ask = flags.parse(prompt, given)
    if size is None or any(each is not None for each in (ask.aspect, ask.width, ask.height)):
        return ask
    return replace(ask, **sized(size, choices.chosen(offered, ask.model)))


def sized(size: str, model: Model) -> dict[str, Any]:
    """The fields of a request for a size that was chosen or typed. Raises `UnreadableValue`."""
    shape = size.strip().casefold().partition(" ")[0]
    if shape in choices.SHAPES:
        width, height = choices.size_of(shape, model)
        return {"aspect": f"{width}:{height}"}
    if ":" in size:
        return {"aspect": size.strip()}
    typed = flags.parse(f"--size {size.replace(' ', '')}")
    return {"width": typed.width, "height": typed.height}


COMMANDS: tuple[app_commands.Command[Any, ..., Any], ...] = (imagine,)
