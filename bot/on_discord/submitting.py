"""Owns what is done with a form that was filled in."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from bot.desk import flags
from bot.desk.actions import Action, Verb
from bot.desk.texts import chat
from bot.desk.texts import on_discord as says
from bot.on_discord.asking import asker_of, order, tell
from bot.on_discord.counter import counter_of, lang_of
from bot.on_discord.modals import filled_in
from bot.on_discord.pressing import unseen
from bot.on_discord.sources import brought
from engine.request import Ask

if TYPE_CHECKING:
    import discord

    from bot.desk.answers import Asker, Ticket


async def submit(interaction: discord.Interaction[Any], action: Action | None) -> None:
    """Do what the form was opened for. Raises `Refusal`."""
    verb = None if action is None else action.verb
    if action is not None and verb is Verb.PROMPT:
        await other_words(interaction, action.target)
    elif action is not None and verb is Verb.SOURCE:
        await from_picture(interaction, action.target)
    else:
        await tell(interaction, chat.stale_button(lang_of(interaction)))


async def other_words(interaction: discord.Interaction[Any], job_id: str) -> None:
    """The same job with another prompt; flags in it work."""
    written, private = filled_in(interaction), unseen(interaction)
    asked = flags.parse(written.get("prompt", ""))
    changes = {f.name: getattr(asked, f.name) for f in fields(Ask)}
    changes = {name: value for name, value in changes.items() if value is not None}
    changes.setdefault("negative", written.get("negative", "").strip())
    if asked.aspect is not None:
        changes |= {"width": None, "height": None}

    async def take(asker: Asker, key: str, message: str) -> Ticket:
        return await counter_of(interaction).studio.again(
            asker, job_id, key=key, message=message, private=private, changes=changes
        )

    await order(interaction, take, private=private, spoiler=_spoiler(written.get("prompt", "")))


async def from_picture(interaction: discord.Interaction[Any], target: str) -> None:
    """Paint from a picture of ours, or from one that somebody pointed at."""
    written, private = filled_in(interaction), unseen(interaction)
    target = written.get("which", target)
    given = Ask(prompt="")
    if written.get("strength", "").strip():
        given = flags.parse(f"--strength {written['strength'].strip()}", given)
    asked = flags.parse(written.get("prompt", ""), given)
    counter = counter_of(interaction)
    url = counter.pointed.get(target)
    if url is None and target.startswith("k."):
        await tell(interaction, says.point_again(lang_of(interaction)))
        return
    if url is None:  # what is painted from a private picture is private, too
        row, _ = await counter.studio.picture(await asker_of(interaction), target)
        private = private or row.private

    async def take(asker: Asker, key: str, message: str) -> Ticket:
        source = f"picture:{target}"
        if url is not None:
            source = await brought(interaction, asker, url, private=private)
        ask = replace(asked, source=source)
        return await counter.studio.paint(asker, ask, key=key, private=private, message=message)

    await order(interaction, take, private=private, spoiler=_spoiler(written.get("prompt", "")))


def _spoiler(text: str) -> bool:
    return "spoiler" in flags.switches(text)
