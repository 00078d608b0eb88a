"""Owns the forms of the admins: a list of words, the defaults, credits for somebody.

A form keeps what it is for in its id, so that one that was open during a restart still works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.desk.texts import office as says
from bot.on_discord.commands.admin_knobs import custom_id

if TYPE_CHECKING:
    from storage.places import Place

OPEN_S = 900.0
LONGEST = 4000
"""Characters that Discord takes in one field."""
NEGATIVE = 2000
CHOICES = 25
NONE = "-"
"""Chosen in a menu for "none": Discord knows no empty value."""


def words(place: Place, lang: str) -> ui.Modal:
    """The whole list of words and patterns, to be edited at once."""
    area = ui.TextInput[Any](
        custom_id="words",
        style=discord.TextStyle.paragraph,
        default="\n".join(place.rules.words) or None,
        placeholder="/bloo+dy?/",
        required=False,
        max_length=LONGEST,
    )
    return form("words-form", says.label("words", lang), says.label("one-per-line", lang), area)


def too_long(place: Place) -> bool:
    """Whether the list has outgrown the form."""
    return len("\n".join(place.rules.words)) > LONGEST


def defaults(place: Place, models: Sequence[str], styles: Sequence[str], lang: str) -> ui.Modal:
    """Model, style and negative prompt for whoever leaves them open."""
    rules = place.rules
    negative = ui.TextInput[Any](
        custom_id="negative",
        style=discord.TextStyle.paragraph,
        default=rules.negative,
        required=False,
        max_length=NEGATIVE,
    )
    modal = _modal("defaults-form", says.label("defaults", lang))
    modal.add_item(_choice("model", models, rules.model, lang))
    modal.add_item(_choice("style", styles, rules.style, lang))
    modal.add_item(ui.Label(text=says.label("negative", lang), component=negative))
    return modal


def credits(verb: str, external: str, title: str, label: str, *, required: bool) -> ui.Modal:
    """One number of credits for somebody."""
    amount = ui.TextInput[Any](
        custom_id="credits", placeholder="20", required=required, max_length=12
    )
    return form(custom_id(verb, external), title, label, amount)


def form(name: str, title: str, label: str, field: ui.Item[Any]) -> ui.Modal:
    """A form with one field."""
    modal = _modal(name, title)
    modal.add_item(ui.Label(text=label[:45], component=field))
    return modal


def _modal(name: str, title: str) -> ui.Modal:
    name = name if ":" in name else custom_id(name)
    return ui.Modal(title=title[:45], custom_id=name, timeout=OPEN_S)


def _choice(key: str, names: Sequence[str], chosen: str | None, lang: str) -> ui.Label[Any]:
    listed = [NONE, *names][:CHOICES]
    if chosen is not None and chosen not in listed:
        listed[-1] = chosen
    options = [
        discord.SelectOption(
            label=says.label("none", lang) if name == NONE else name[:100],
            value=name[:100],
            default=name == (chosen or NONE),
        )
        for name in listed
    ]
    menu = ui.Select[Any](custom_id=key, options=options)
    return ui.Label(text=says.label(key, lang), component=menu)
