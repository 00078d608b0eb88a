"""Owns what every button does. Who may do it is asked at each press: a button grants nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import discord

from bot.desk import rights
from bot.desk.actions import Action, Verb, unpacked
from bot.desk.texts import chat
from bot.desk.texts import farewell as words
from bot.desk.texts import on_discord as says
from bot.on_discord import farewell, layout, pages, sheets, showing
from bot.on_discord.asking import NOBODY, announce, answer_alone, asker_of, order, tell
from bot.on_discord.counter import counter_of, lang_of
from bot.on_discord.modals import ask_for_prompt
from storage.errors import NotFound, NotYours
from storage.jobs import JobState

if TYPE_CHECKING:
    from bot.desk.answers import Asker, Ticket

Press = Callable[[discord.Interaction[Any], str], Awaitable[None]]


async def press(interaction: discord.Interaction[Any], action: Action | None) -> None:
    """Do what the button says; a button that nobody knows gets a kind word. Raises `Refusal`."""
    known = None if action is None else PRESSES.get(action.verb)
    if action is None or known is None:
        await tell(interaction, chat.stale_button(lang_of(interaction)))
        return
    await known(interaction, action.target)


def unseen(interaction: discord.Interaction[Any]) -> bool:
    """Whether the message under which the button stands is shown to one person alone."""
    return interaction.message is not None and interaction.message.flags.ephemeral


async def cancel(interaction: discord.Interaction[Any], job_id: str) -> None:
    """Stop a job that waits or is painted; its message then says so."""
    studio, asker = counter_of(interaction).studio, await asker_of(interaction)
    before = await studio.view(asker, job_id)
    if before.job.state.final and before.job.state is not JobState.CANCELLED:
        await tell(interaction, chat.is_over(lang_of(interaction)))
        return
    if before.job.state is JobState.RUNNING:
        await interaction.response.defer()  # it stops within one step, and its message tells
        await studio.cancel(asker, job_id)
        return
    job = await studio.cancel(asker, job_id)
    if job.state is not JobState.CANCELLED:  # it has just begun
        await interaction.response.defer()
        return
    where = showing.where_of_job(job, interaction)
    await interaction.response.edit_message(
        view=layout.cancelled(job, where), attachments=[], allowed_mentions=NOBODY
    )


async def again(interaction: discord.Interaction[Any], job_id: str) -> None:
    """The same once more with another seed."""
    private = unseen(interaction)

    async def take(asker: Asker, key: str, message: str) -> Ticket:
        return await counter_of(interaction).studio.again(
            asker, job_id, key=key, message=message, private=private
        )

    await order(interaction, take, private=private)


def vary(*, strong: bool) -> Press:
    """Paint from one of our pictures, a little or clearly different."""

    async def pressed(interaction: discord.Interaction[Any], picture_id: str) -> None:
        private = unseen(interaction)

        async def take(asker: Asker, key: str, message: str) -> Ticket:
            return await counter_of(interaction).studio.vary(
                asker, picture_id, strong=strong, key=key, message=message, private=private
            )

        await order(interaction, take, private=private)

    return pressed


def upscale(scale: int) -> Press:
    """Enlarge one of our pictures so many times."""

    async def pressed(interaction: discord.Interaction[Any], picture_id: str) -> None:
        private = unseen(interaction)

        async def take(asker: Asker, key: str, message: str) -> Ticket:
            return await counter_of(interaction).studio.upscale(
                asker,
                f"picture:{picture_id}",
                scale=scale,
                key=key,
                message=message,
                private=private,
            )

        await order(interaction, take, private=private)

    return pressed


async def second_look(interaction: discord.Interaction[Any], picture_id: str) -> None:
    """Decode one of our pictures again, with the full decoder."""
    private = unseen(interaction)

    async def take(asker: Asker, key: str, message: str) -> Ticket:
        return await counter_of(interaction).studio.second_look(
            asker, picture_id, key=key, message=message, private=private
        )

    await order(interaction, take, private=private)


async def details(interaction: discord.Interaction[Any], job_id: str) -> None:
    """Everything that made it, for the one who asks."""
    counter = counter_of(interaction)
    view = await counter.studio.view(await asker_of(interaction), job_id)
    models = {model.name: model for model in counter.studio.models()}
    page = sheets.details(view, models.get(view.job.paint.model), lang_of(interaction))
    await answer_alone(interaction, page)


async def prompt(interaction: discord.Interaction[Any], job_id: str) -> None:
    """Ask for other words, the old ones filled in."""
    studio = counter_of(interaction).studio
    view = await studio.view(await asker_of(interaction), job_id)
    await interaction.response.send_modal(ask_for_prompt(view.job, lang_of(interaction)))


async def dm(interaction: discord.Interaction[Any], job_id: str) -> None:
    """Send the pictures to the one who pressed."""
    view = await counter_of(interaction).studio.view(await asker_of(interaction), job_id)
    await announce(interaction, alone=True)
    arrived = await showing.send_home(interaction, view)
    lang = lang_of(interaction)
    await tell(interaction, says.sent(lang) if arrived else says.dm_closed(lang))


async def pin(interaction: discord.Interaction[Any], picture_id: str) -> None:
    """Keep a picture, or let one go that was kept."""
    studio, asker = counter_of(interaction).studio, await asker_of(interaction)
    row, _ = await studio.picture(asker, picture_id)
    row = await studio.pin(asker, picture_id, pinned=not row.pinned)
    lang = lang_of(interaction)
    await tell(interaction, words.pinned(lang) if row.pinned else words.unpinned(lang))


async def show(interaction: discord.Interaction[Any], job_id: str) -> None:
    """Show a job to the one who pressed."""
    view = await counter_of(interaction).studio.view(await asker_of(interaction), job_id)
    await showing.show(interaction, view, private=True)


async def page(interaction: discord.Interaction[Any], number: str) -> None:
    """Turn a page of one's own history."""
    typed, _, rest = number.partition(".")
    wanted = int(typed) if typed.isdecimal() and len(typed) <= 4 else 0
    search = unpacked(rest.partition(".")[2])
    if unseen(interaction):
        await pages.turn(interaction, wanted, search=search)
    else:
        await pages.open_history(interaction, wanted, search=search)


async def clear(interaction: discord.Interaction[Any], _: str) -> None:
    """Forget one's defaults."""
    await counter_of(interaction).studio.save_defaults(await asker_of(interaction), None)
    await tell(interaction, says.defaults_forgotten(lang_of(interaction)))


async def forget(interaction: discord.Interaction[Any], owner: str) -> None:
    """Forget whoever pressed, and take down what was posted for them lately."""
    if owner != f"{interaction.user.id}":
        raise NotYours()
    await farewell.forget(interaction)


async def report(interaction: discord.Interaction[Any], target: str) -> None:
    """Tell the moderators of this server."""
    from bot.on_discord.reports import report as tell_moderators

    await tell_moderators(interaction, target)


async def delete(interaction: discord.Interaction[Any], job_id: str) -> None:
    """Ask once whether it shall go; only those who may are asked."""
    counter, asker = counter_of(interaction), await asker_of(interaction)
    view = await counter.studio.view(asker, job_id)
    rights.check_own(asker, view.job.person, view.job.place, view.job.private)
    if not view.pictures:
        raise NotFound("picture")
    message = 0 if interaction.message is None else interaction.message.id
    ask = layout.sure(view, message, lang_of(interaction))
    await answer_alone(interaction, ask)


async def delete_sure(interaction: discord.Interaction[Any], target: str) -> None:
    """Delete pictures for good and take them out of their message."""
    job_id, nth, message = (*target.split("."), "", "")[:3]
    if not (nth.isdecimal() and message.isdecimal()):
        raise NotFound("picture")
    left = await showing.delete(interaction, job_id, int(nth))
    await interaction.response.edit_message(view=layout.word(chat.deleted(lang_of(interaction))))
    await showing.retouch(interaction, left, message=int(message))


async def keep(interaction: discord.Interaction[Any], _: str) -> None:
    """Nothing is deleted after all, nobody forgotten."""
    await interaction.response.edit_message(view=layout.word(says.kept(lang_of(interaction))))


PRESSES: dict[Verb, Press] = {
    Verb.CANCEL: cancel,
    Verb.AGAIN: again,
    Verb.PROMPT: prompt,
    Verb.VARY_SUBTLE: vary(strong=False),
    Verb.VARY_STRONG: vary(strong=True),
    Verb.UPSCALE2: upscale(2),
    Verb.UPSCALE4: upscale(4),
    Verb.HD: second_look,
    Verb.DETAILS: details,
    Verb.DM: dm,
    Verb.REPORT: report,
    Verb.DELETE: delete,
    Verb.DELETE_SURE: delete_sure,
    Verb.KEEP: keep,
    Verb.SHOW: show,
    Verb.PAGE: page,
    Verb.CLEAR: clear,
    Verb.FORGET: forget,
    Verb.STAY: keep,
    Verb.PIN: pin,
}
