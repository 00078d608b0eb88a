"""Shows finished jobs again: in a channel, to one person, as a direct message; takes them away."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog

from bot.desk import rights
from bot.on_discord import layout
from bot.on_discord.asking import NOBODY, asker_of, patiently, where_of
from bot.on_discord.counter import counter_of, lang_of
from bot.on_discord.posting import Away
from bot.on_discord.where import UPLOAD_LIMIT, Where
from storage.errors import NotFound
from storage.jobs import JobState

if TYPE_CHECKING:
    from discord import ui

    from bot.desk.answers import JobView
    from bot.on_discord.parcel import Parcel
    from storage.jobs import Job

log = structlog.get_logger(__name__)


def where_of_job(job: Job, interaction: discord.Interaction[Any]) -> Where:
    """Where a job was asked for, with its language and spoilers; else where somebody asks now."""
    try:
        return Where.from_json(job.message or "")
    except ValueError:
        return where_of(interaction)


async def show(interaction: discord.Interaction[Any], view: JobView, *, private: bool) -> None:
    """Show a job, finished or not, with its buttons."""
    kept = where_of_job(view.job, interaction)
    where = replace(where_of(interaction, private=private), spoiler=kept.spoiler)
    if view.job.state is not JobState.DONE or not view.pictures:
        await interaction.response.send_message(
            view=layout.standing(view, where), ephemeral=where.ephemeral, allowed_mentions=NOBODY
        )
        return
    packing = counter_of(interaction).packer.pack(view.job, view.pictures, where.limit)
    parcel = await patiently(interaction, packing, private=where.ephemeral)
    await put(interaction, _result(interaction, view, where, parcel), parcel, where.ephemeral)


async def put(
    interaction: discord.Interaction[Any], view: ui.LayoutView, parcel: Parcel, private: bool
) -> None:
    """Answer with a layout and its files, also where the answer was announced before."""
    files = layout.files_of(parcel)
    if interaction.response.is_done():
        await interaction.edit_original_response(
            view=view, attachments=files, allowed_mentions=NOBODY
        )
        return
    await interaction.response.send_message(
        view=view, files=files, ephemeral=private, allowed_mentions=NOBODY
    )


async def send_home(interaction: discord.Interaction[Any], view: JobView) -> bool:
    """Send the pictures to whoever asks, as a direct message; whether that was possible."""
    if not view.pictures:
        raise NotFound("picture")
    counter = counter_of(interaction)
    where = replace(where_of_job(view.job, interaction), lang=lang_of(interaction))
    parcel = await counter.packer.pack(view.job, view.pictures, UPLOAD_LIMIT)
    page = _result(interaction, view, where, parcel)
    try:
        channel = await counter.post.open_mail(interaction.user.id)
        await counter.post.send(channel, page, parcel.files, nonce=f"{interaction.id}")
    except discord.Forbidden as error:
        log.info("direct messages are closed", job=view.job.public, code=error.code)
        return False
    return True


async def delete(interaction: discord.Interaction[Any], job_id: str, nth: int) -> JobView:
    """Delete the `nth` picture of a job, or all if that is 0; what is left of it.

    Raises `NotFound` or `NotYours`.
    """
    counter, asker = counter_of(interaction), await asker_of(interaction)
    view = await counter.studio.view(asker, job_id)
    rights.check_own(asker, view.job.person, view.job.place, view.job.private)
    doomed = [each for each in view.pictures if nth in (0, each.index + 1)]
    if not doomed:
        raise NotFound("picture")
    for picture in doomed:
        await counter.studio.delete_picture(asker, picture.id)
    return replace(view, pictures=tuple(each for each in view.pictures if each not in doomed))


async def retouch(
    interaction: discord.Interaction[Any], view: JobView, *, message: int | None = None
) -> None:
    """Take deleted pictures out of the job's own message, and out of `message` here."""
    kept = where_of_job(view.job, interaction)
    shown: set[tuple[int, int | None]] = set()
    if not kept.by_token:
        place = kept.posting_to if kept.posted is not None else None
        shown.add((place or kept.channel, kept.posted or kept.message))
    shown.add((interaction.channel_id or kept.channel, message))
    for channel, each in sorted((c, m) for c, m in shown if m):
        where = replace(kept, channel=channel, message=each, ephemeral=False, member=True)
        with suppress(discord.HTTPException, aiohttp.ClientError, Away):  # it may be long gone
            await _show_rest(interaction, view, where)


async def _show_rest(interaction: discord.Interaction[Any], view: JobView, where: Where) -> None:
    counter = counter_of(interaction)
    if not view.pictures:
        await counter.post.edit(where, layout.deleted(view.job, where))
        return
    parcel = await counter.packer.pack(view.job, view.pictures, where.limit)
    await counter.post.edit(where, _result(interaction, view, where, parcel), parcel.files)


def _result(
    interaction: discord.Interaction[Any], view: JobView, where: Where, parcel: Parcel
) -> ui.LayoutView:
    return layout.result(
        view.job,
        where,
        parcel.pictures,
        parcel.names,
        model_title=counter_of(interaction).title(view.job.paint.model),
        mention=False,
        smaller=parcel.smaller,
    )
