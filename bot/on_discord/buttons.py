"""Owns the buttons under messages: one dynamic item for the whole grammar of actions.

What a press does stands in `pressing`; it gets there through the client, by the text of the button
alone, so that a restart or a year makes no difference.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import ui

from bot.desk.actions import PREFIX, Action


class ActionButton(ui.DynamicItem[ui.Button[Any]], template=rf"{PREFIX}:[\s\S]*"):
    """A button that keeps an `Action`. As a dynamic item it leaves no view in memory."""

    @classmethod
    def of(
        cls,
        action: Action,
        *,
        label: str | None = None,
        emoji: str | None = None,
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
        disabled: bool = False,
    ) -> Self:
        """A button for `action`."""
        return cls(
            ui.Button(
                custom_id=action.format(),
                label=label,
                emoji=emoji,
                style=style,
                disabled=disabled,
            )
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was pressed, whoever made it."""
        return cls(ui.Button(custom_id=match.string))
