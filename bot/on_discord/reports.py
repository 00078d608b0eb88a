"""Owns reports: a member says what is wrong with a picture, the moderators see it and act.

Whether somebody may act is asked at every press. The card in the log channel keeps in its buttons
what it is about, and in its text what was done: it works after a restart, and for a year.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.desk.rights import check_moderator
from bot.desk.spans import DAY
from bot.desk.texts import office as says
from bot.on_discord import logbook, showing
from bot.on_discord.asking import NOBODY, tell
from bot.on_discord.commands.admin_knobs import FORM, Knob, button, custom_id
from bot.on_discord.commands.admin_modals import form
from bot.on_discord.counter import lang_of
from bot.on_discord.escaping import plain
from bot.on_discord.layout import files_of
from bot.on_discord.marks import MARKS
from bot.on_discord.modals import filled_in
from bot.on_discord.parcel import Parcel
from bot.on_discord.where import Where
from storage.errors import NotFound

if TYPE_CHECKING:
    from bot.desk.answers import Report
    from bot.on_discord.commands.admin_visit import Visit
    from storage.jobs import Job

REASON = 400
PROMPT = 900
LABELS = {
    "r-delete": "delete",
    "r-ban-day": "ban-day",
    "r-ban-good": "ban-good",
    "r-dismiss": "dismiss",
}
OVER = {
    "r-delete": frozenset({"r-delete"}),
    "r-ban-day": frozenset({"r-ban-day"}),
    "r-ban-good": frozenset({"r-ban-day", "r-ban-good"}),
    "r-dismiss": frozenset(LABELS),
}
"""What need not be done any more after something was done."""


async def report(interaction: discord.Interaction[Any], target: str) -> None:
    """Ask what is wrong with a job or picture; what is answered goes to `reported`."""
    lang = lang_of(interaction)
    field = ui.TextInput[Any](
        custom_id="reason", style=discord.TextStyle.paragraph, max_length=REASON
    )
    name, title = custom_id("report-form", target), says.label("report", lang)
    await interaction.response.send_modal(form(name, title, says.label("reason", lang), field))


async def reported(visit: Visit, target: str) -> None:
    """Put the card into the log channel, once for each who reports, and thank."""
    interaction = visit.interaction
    reason = filled_in(interaction).get("reason", "")
    found = await visit.office.report(visit.asker, target, reason)
    told = False
    if found.log_channel is not None and not found.again:
        await interaction.response.defer(ephemeral=True, thinking=True)
        told = await _post(visit, found, target)
    await tell(interaction, says.thanks(visit.lang, told=told, again=found.again))


def acting(verb: str) -> Callable[[Visit, str], Awaitable[None]]:
    """What the moderators' button `verb` on a card does; then the card says who did it."""

    async def act(visit: Visit, target: str) -> None:
        await ACTS[verb](visit, target)
        await _retouch(visit, verb)
        if verb == "r-delete":
            await _take_down(visit, target)

    return act


async def _post(visit: Visit, found: Report, target: str) -> bool:
    interaction, lang = visit.interaction, visit.lang_there
    parcel = await visit.counter.packer.pack(found.job, found.pictures, interaction.filesize_limit)
    asker = found.person.external
    targets = {"r-delete": target, "r-ban-day": asker, "r-ban-good": asker}
    targets["r-dismiss"] = found.job.public
    knobs = [_knob(verb, says.label(LABELS[verb], lang), at) for verb, at in targets.items()]
    view = _card(_facts(found, lang), parcel.names, "", knobs)
    nonce = f"{interaction.id}"
    channel = found.log_channel
    return await logbook.write(visit.counter.post, channel, view, parcel.files, nonce=nonce)


def _facts(found: Report, lang: str) -> str:
    """What the card says above the pictures."""
    reporter, asker = (MARKS.person(each.external) for each in (found.reporter, found.person))
    lines = [
        f"🚩 {says.reported(reporter, asker, lang)}",
        f"> {plain(found.reason, REASON)}",
        f"**{plain(found.job.paint.prompt, PROMPT)}**",
    ]
    number, link = f"`{found.job.public}`", _link(found.job)
    return "\n".join([*lines, f"-# {number}" if link is None else f"-# [{number}]({link})"])


def _link(job: Job) -> str | None:
    """The way to the message that is meant, if others can go it."""
    try:
        where = Where.from_json(job.message or "")
    except ValueError:
        return None
    message = where.posted or where.message
    if where.ephemeral or where.guild is None or message is None:
        return None
    channel = where.posting_to or where.channel
    return f"https://discord.com/channels/{where.guild}/{channel}/{message}"


def _card(facts: str, files: Sequence[str], done: str, knobs: Sequence[Knob]) -> ui.LayoutView:
    """The card: what was reported, the pictures behind a veil, what was done, what can be done."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[Any] = ui.Container(ui.TextDisplay(facts))
    if files:
        gallery: ui.MediaGallery[Any] = ui.MediaGallery()
        for file in files:
            gallery.add_item(media=f"attachment://{file}", spoiler=True)
        box.add_item(gallery)
    if done:
        box.add_item(ui.TextDisplay(done))
    if knobs:
        box.add_item(ui.ActionRow(*knobs))
    view.add_item(box)
    return view


async def _retouch(visit: Visit, verb: str) -> None:
    """Say on the card who did it; keep what is left to do, and the pictures that are left."""
    message = visit.interaction.message
    assert message is not None  # a press always comes with its message
    items = list(ui.LayoutView.from_message(message).walk_children())
    written = [item.content for item in items if isinstance(item, ui.TextDisplay)]
    there = [item for item in items if isinstance(item, ui.Button)]
    found = [(match, item) for item in there if (match := FORM.fullmatch(item.custom_id or ""))]
    knobs = [
        _knob(match["verb"], item.label or "", match["target"] or "")
        for match, item in found
        if match["verb"] not in OVER[verb]
    ]
    public = next((match["target"] for match, _ in found if match["verb"] == "r-dismiss"), "")
    parcel = await _left(visit, public) if knobs else Parcel()
    who = MARKS.person(visit.asker.person.external)
    done = "\n".join([*written[1:], f"-# {says.handled(LABELS[verb], who, visit.lang_there)}"])
    await visit.interaction.response.edit_message(
        view=_card(written[0], parcel.names, done, knobs),
        attachments=files_of(parcel),
        allowed_mentions=NOBODY,
    )


def _knob(verb: str, label: str, target: str) -> Knob:
    red = verb == "r-delete"
    style = discord.ButtonStyle.danger if red else discord.ButtonStyle.secondary
    return button(verb, label, target, style=style)


async def _left(visit: Visit, public: str) -> Parcel:
    """The pictures of the job that are still there."""
    try:
        view = await visit.counter.studio.view(visit.asker, public)
    except NotFound:
        return Parcel()
    limit = visit.interaction.filesize_limit
    return await visit.counter.packer.pack(view.job, view.pictures, limit)


async def _delete(visit: Visit, target: str) -> None:
    with contextlib.suppress(NotFound):  # somebody was faster, and gone it is
        await visit.office.moderate_delete(visit.asker, target)


async def _take_down(visit: Visit, target: str) -> None:
    """Take what was deleted out of the message it was posted with."""
    with contextlib.suppress(NotFound):
        left = await visit.counter.studio.view(visit.asker, target)
        await showing.retouch(visit.interaction, left)


async def _ban_day(visit: Visit, external: str) -> None:
    await visit.office.ban(visit.asker, external, until=visit.counter.clock() + DAY)


async def _ban_good(visit: Visit, external: str) -> None:
    await visit.office.ban(visit.asker, external)


async def _dismiss(visit: Visit, _: str) -> None:
    check_moderator(visit.asker)


ACTS = {
    "r-delete": _delete,
    "r-ban-day": _ban_day,
    "r-ban-good": _ban_good,
    "r-dismiss": _dismiss,
}
