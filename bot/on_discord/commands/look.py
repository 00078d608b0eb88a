"""The commands that only look: /queue, /usage, /show, /history, /models, /styles."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.on_discord import pages, sheets, showing
from bot.on_discord.asking import answer_alone, asker_of
from bot.on_discord.commands.places import everywhere
from bot.on_discord.counter import counter_of, lang_of


@app_commands.command(name="queue", description="Who is waiting, and for how long.")
@everywhere
async def queue(interaction: discord.Interaction[Any]) -> None:
    """The head of the line."""
    line = await counter_of(interaction).studio.queue(await asker_of(interaction))
    await answer_alone(interaction, sheets.queue(line, lang_of(interaction)))


@app_commands.command(name="usage", description="What you have used of your credits today.")
@everywhere
async def usage(interaction: discord.Interaction[Any]) -> None:
    """Used, budget, and when it frees."""
    counter = counter_of(interaction)
    found = await counter.studio.usage(await asker_of(interaction))
    sheet = sheets.usage(found, lang_of(interaction), now=counter.clock())
    await answer_alone(interaction, sheet)


@app_commands.command(name="show", description="Show a picture again, with its buttons.")
@app_commands.rename(job_id="id")
@app_commands.describe(
    job_id="The id of the job, as /history shows it.", private="Show it to you alone."
)
@everywhere
async def show(
    interaction: discord.Interaction[Any], job_id: str, private: bool | None = None
) -> None:
    """A job, finished or not."""
    asker = await asker_of(interaction)
    view = await counter_of(interaction).studio.view(asker, job_id.strip(" `#").lower()[:40])
    await showing.show(interaction, view, private=bool(private) or view.job.private)


@app_commands.command(name="history", description="Your pictures, newest first.")
@app_commands.describe(search="Only those with these words in their prompt.")
@everywhere
async def history(interaction: discord.Interaction[Any], search: str | None = None) -> None:
    """One's own jobs, page by page; or the newest with certain words."""
    await pages.open_history(interaction, search=search)


@app_commands.command(name="models", description="The models you can paint with.")
@everywhere
async def models(interaction: discord.Interaction[Any]) -> None:
    """What there is to paint with."""
    offered = counter_of(interaction).studio.models(await asker_of(interaction))
    await answer_alone(interaction, sheets.models(offered, lang_of(interaction)))


@app_commands.command(name="styles", description="The styles you can choose from.")
@everywhere
async def styles(interaction: discord.Interaction[Any]) -> None:
    """The named looks."""
    offered = counter_of(interaction).studio.styles()
    await answer_alone(interaction, sheets.styles(offered, lang_of(interaction)))


COMMANDS: tuple[app_commands.Command[Any, ..., Any], ...] = (
    queue,
    usage,
    show,
    history,
    models,
    styles,
)
