"""Owns the buttons, menus and forms of the admins: what each does stands in its custom id alone.

So they work after a restart, and on a panel of any age. Where a press goes is said elsewhere.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import ui

PREFIX = "o"
FORM = re.compile(rf"{PREFIX}:(?P<verb>[a-z-]{{1,20}})(?::(?P<target>[\w.-]{{0,60}}))?", re.ASCII)


class Knob(ui.DynamicItem[ui.Item[Any]], template=FORM):
    """A button or menu with a verb and a target. As a dynamic item it leaves no view in memory."""

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The knob that was pressed, whoever made it."""
        return cls(item)


def custom_id(verb: str, target: str = "") -> str:
    """What a knob or a form is called."""
    return f"{PREFIX}:{verb}:{target}" if target else f"{PREFIX}:{verb}"


def button(
    verb: str,
    label: str,
    target: str = "",
    *,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    disabled: bool = False,
) -> Knob:
    """A button with a verb and a target."""
    name = custom_id(verb, target)
    return Knob(ui.Button(label=label[:80], style=style, custom_id=name, disabled=disabled))
