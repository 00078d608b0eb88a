"""Owns what every act of an admin begins and ends with: who asks, the answer, the line in the log.

Whether somebody may do it is the office's to say, every time again: that Discord hides the commands
from others is only a courtesy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import discord

from bot.desk.texts import pick_language
from bot.desk.texts.changes import change as change_of
from bot.on_discord import logbook
from bot.on_discord.asking import NOBODY, asker_of
from bot.on_discord.counter import Counter, counter_of, lang_of
from bot.on_discord.marks import MARKS

if TYPE_CHECKING:
    from discord import ui

    from bot.desk.answers import Asker
    from bot.desk.office import Office


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """An admin or moderator at the counter: who it is, where, and in which language they read."""

    interaction: discord.Interaction[Any]
    counter: Counter
    asker: Asker
    lang: str

    @property
    def office(self) -> Office:
        """Where the rules are kept."""
        return self.counter.office

    @property
    def lang_there(self) -> str:
        """Our language for what all who look after this server read."""
        return pick_language(str(self.interaction.guild_locale or ""))

    async def show(self, view: ui.LayoutView) -> None:
        """Answer with a panel: instead of the one that was pressed, else as a new one."""
        answer, message = self.interaction.response, self.interaction.message
        if message is not None and message.flags.ephemeral:
            await answer.edit_message(view=view, allowed_mentions=NOBODY)
        else:
            await answer.send_message(view=view, ephemeral=True, allowed_mentions=NOBODY)

    async def done(self, view: ui.LayoutView, changes: int = 1) -> None:
        """Answer with what holds now, and tell the log channel the latest so many changes."""
        await self.show(view)
        channel = (await self.office.place(self.asker)).rules.log_channel
        if channel is None or not changes:
            return
        entries = await self.office.audit(self.asker, limit=changes)
        told = [change_of(entry, self.lang_there, marks=MARKS) for entry in reversed(entries)]
        view, nonce = logbook.line("\n".join(told)), f"{self.interaction.id}"
        await logbook.write(self.counter.post, channel, view, nonce=nonce)


async def visit_of(interaction: discord.Interaction[Any]) -> Visit:
    """Who comes, by a command, a press or a form. Raises `NotServed`."""
    return Visit(
        interaction=interaction,
        counter=counter_of(interaction),
        asker=await asker_of(interaction),
        lang=lang_of(interaction),
    )
