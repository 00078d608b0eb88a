"""/settings: what fills the gaps of somebody's requests; show, set, clear."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.desk.texts import chat
from bot.desk.texts import on_discord as says
from bot.on_discord import sheets
from bot.on_discord.asking import answer_alone, asker_of, tell
from bot.on_discord.commands import choices
from bot.on_discord.commands.paint import sized
from bot.on_discord.counter import counter_of, lang_of
from engine.request import Ask

settings = app_commands.Group(
    name="settings",
    description="Your defaults for /imagine.",
    allowed_contexts=app_commands.AppCommandContext(
        guild=True, dm_channel=True, private_channel=True
    ),
    allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
)


@settings.command(name="show", description="Show your defaults.")
async def show(interaction: discord.Interaction[Any]) -> None:
    """What fills the gaps."""
    kept = _kept((await asker_of(interaction)).person.defaults)
    lang = lang_of(interaction)
    await answer_alone(interaction, sheets.defaults(kept, chat.defaults_heading(lang), lang))


@settings.command(name="set", description="Set some of your defaults; the others stay.")
@app_commands.describe(
    model="The model that paints.",
    style="A look to give everything.",
    size="The shape: square, portrait, landscape, wide, or one of the model's sizes.",
    steps="How many steps.",
    guidance="How closely to follow your words.",
    count="How many pictures, 1 to 4.",
    negative="What should not be in your pictures.",
)
@app_commands.autocomplete(model=choices.models, size=choices.sizes, style=choices.styles)
async def set_some(
    interaction: discord.Interaction[Any],
    model: str | None = None,
    style: str | None = None,
    size: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    count: Range[int, 1, 4] | None = None,
    negative: str | None = None,
) -> None:
    """Change what was given, keep the rest."""
    studio, asker = counter_of(interaction).studio, await asker_of(interaction)
    given: dict[str, Any] = {
        "model": model,
        "style": style,
        "steps": steps,
        "guidance": guidance,
        "count": count,
        "negative": negative,
    }
    given = {name: value for name, value in given.items() if value is not None}
    before = _kept(asker.person.defaults) or Ask(prompt="")
    if size is not None:
        found = choices.chosen(studio.models(asker), model or before.model)
        given |= {"aspect": None, "width": None, "height": None, **sized(size, found)}
    after = replace(before, **given)
    await studio.save_defaults(asker, after)
    lang = lang_of(interaction)
    await answer_alone(interaction, sheets.defaults(after, says.defaults_saved(lang), lang))


@settings.command(name="clear", description="Forget your defaults.")
async def clear(interaction: discord.Interaction[Any]) -> None:
    """Nothing fills the gaps any more."""
    await counter_of(interaction).studio.save_defaults(await asker_of(interaction), None)
    await tell(interaction, says.defaults_forgotten(lang_of(interaction)))


def _kept(defaults: str | None) -> Ask | None:
    try:
        ask = Ask.from_json(defaults or "")
    except (ValueError, TypeError):
        return None
    return ask if any(getattr(ask, f.name) for f in fields(Ask) if f.name != "prompt") else None
