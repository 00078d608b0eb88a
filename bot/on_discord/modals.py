"""Owns the forms that ask for words: what stands in them, and what is done when they come back.

A form keeps its action in its id as a button does, so that one that was open during a restart
still works.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.desk.actions import Action, Verb
from bot.desk.texts import on_discord as says
from engine.request import Ask

if TYPE_CHECKING:
    from storage.jobs import Job

OPEN_S = 900.0
PROMPT = 2000


def ask_for_prompt(job: Job, lang: str) -> ui.Modal:
    """Asks for other words for a job, the old ones filled in."""
    ask = Ask.from_json(job.filled_json)
    form = _form(Action(Verb.PROMPT, job.public), lang)
    form.add_item(_words("prompt", lang, ask.prompt))
    form.add_item(_words("negative", lang, ask.negative or "", required=False))
    return form


def ask_from_picture(sources: Sequence[str], lang: str, *, prompt: str = "") -> ui.Modal:
    """Asks what to paint from a picture; `sources` are those that may be meant."""
    form = _form(Action(Verb.SOURCE, sources[0]), lang)
    if len(sources) > 1:
        choices = [
            discord.SelectOption(label=f"{number}", value=source, default=number == 1)
            for number, source in enumerate(sources, 1)
        ]
        which = ui.Select[Any](custom_id="which", options=choices[:25])
        form.add_item(ui.Label(text=says.field_label("which", lang), component=which))
    form.add_item(_words("prompt", lang, prompt))
    strength = ui.TextInput[Any](
        custom_id="strength", required=False, max_length=6, placeholder="0.6"
    )
    form.add_item(ui.Label(text=says.field_label("source_strength", lang), component=strength))
    return form


def filled_in(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """What somebody wrote or chose, by the ids of the fields."""
    data: Any = interaction.data or {}
    return dict(_values(data.get("components")))


def _values(components: Any) -> Iterator[tuple[str, str]]:
    for each in components if isinstance(components, list) else [components]:
        if not isinstance(each, dict):
            continue
        name, value = each.get("custom_id"), each.get("value")
        if value is None and each.get("values"):
            value = each["values"][0]
        if isinstance(name, str) and isinstance(value, str):
            yield name, value
        yield from _values(each.get("components"))
        yield from _values(each.get("component"))


def _form(action: Action, lang: str) -> ui.Modal:
    return ui.Modal(title=says.prompt_title(lang)[:45], custom_id=action.format(), timeout=OPEN_S)


def _words(field: str, lang: str, value: str, *, required: bool = True) -> ui.Label[Any]:
    words = ui.TextInput[Any](
        custom_id=field,
        style=discord.TextStyle.paragraph,
        default=value[:PROMPT] or None,
        required=required,
        max_length=PROMPT,
    )
    return ui.Label(text=says.field_label(field, lang)[:45], component=words)
