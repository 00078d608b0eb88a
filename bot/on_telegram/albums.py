"""Sends finished pictures again: the one to look at, each for itself, the files without loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from telegram import InputMediaDocument, InputMediaPhoto, Message
from telegram.error import BadRequest

from bot.desk.parcel import TELEGRAM_FILE
from bot.on_telegram import captions, keyboards
from bot.on_telegram.parcel import Packer, Parcel
from bot.on_telegram.where import Where
from bot.on_telegram.wording import CAPTION, lines
from storage.errors import NotFound

if TYPE_CHECKING:
    from bot.desk.answers import JobView
    from bot.desk.parcel import Packed
    from bot.on_telegram.visit import Visit
    from storage.pictures import PictureRow

log = structlog.get_logger(__name__)


async def send_result(visit: Visit, view: JobView, where: Where) -> None:
    """A finished job as a new message, from what Telegram has already if it still has it."""
    title = next(
        (each.title for each in visit.parts.studio.models() if each.name == view.job.paint.model),
        view.job.paint.model,
    )
    if where.file is not None:
        try:
            await _send(visit, view, where, where.file, title, as_file=where.as_file)
            return
        except BadRequest as error:  # Telegram does not know the file any more, or the bot changed
            log.info("sent anew", job=view.job.public, error=repr(error))
    for as_file in (False, True):
        parcel = await _packed(visit, view, view.pictures, as_file=as_file)
        try:
            await _send(visit, view, where, parcel, title, as_file=parcel.as_file)
            return
        except BadRequest as error:
            if parcel.as_file or "photo" not in str(error).lower():
                raise
            log.info("no photo, so a file", job=view.job.public, error=repr(error))


async def send_singles(visit: Visit, view: JobView) -> None:
    """The pictures of a job as an album. Raises `NotFound` if none is left."""
    where = _kept(view)
    if not view.pictures:
        raise NotFound("picture")
    if len(where.singles) == len(view.pictures):
        try:
            await _album(visit, view, [*where.singles], where)
            return
        except BadRequest as error:
            log.info("sent anew", job=view.job.public, error=repr(error))
    parcels = [await _packed(visit, view, [each]) for each in view.pictures]
    if any(parcel.as_file for parcel in parcels):
        await send_originals(visit, view)
        return
    sent = await _album(visit, view, [parcel.data for parcel in parcels], where)
    ids = tuple(message.photo[-1].file_id for message in sent if message.photo)
    if len(ids) == len(view.pictures):
        await visit.parts.keep(view.job, lambda kept: replace(kept, singles=ids))


async def send_originals(visit: Visit, view: JobView) -> None:
    """The files as they were painted, as documents. Raises `NotFound` if none is left.

    One that is too large comes as the best that Telegram takes, with the way to the whole.
    """
    found = await visit.parts.parcels.pack_all(view.pictures, TELEGRAM_FILE)
    if not found:
        raise NotFound("picture")
    for group in _loads(found):
        if len(group) == 1:
            (one,) = group
            await visit.bot.send_document(**visit.to(), document=one.data, **_about(one, visit))
            continue
        media = [InputMediaDocument(each.data, **_about(each, visit)) for each in group]
        await visit.bot.send_media_group(**visit.to(), media=media)


def _loads(files: Sequence[Packed]) -> list[list[Packed]]:
    """The files in groups that go out in one call each."""
    groups: list[list[Packed]] = []
    for each in files:
        together = sum(len(other.data) for other in groups[-1]) if groups else 0
        if not groups or together + len(each.data) > TELEGRAM_FILE.bytes:
            groups.append([])
        groups[-1].append(each)
    return groups


def _about(packed: Packed, visit: Visit) -> dict[str, Any]:
    """A file's name, and what is said of one that is not the whole."""
    more: dict[str, Any] = {
        "filename": packed.name(packed.row.id),
        "disable_content_type_detection": True,
    }
    if packed.smaller:
        said = lines(captions.less(packed.row, visit.lang, whole=packed.whole), limit=CAPTION)
        more |= said.as_caption
    return more


async def _send(
    visit: Visit, view: JobView, where: Where, file: str | Parcel, title: str, *, as_file: bool
) -> None:
    data: Any = file.data if isinstance(file, Parcel) else file
    name = file.name if isinstance(file, Parcel) else None
    said = captions.result(
        view.job,
        where,
        model_title=title,
        pictures=view.pictures,
        whole=Packer(visit.parts.parcels).whole(view.pictures),
    )
    more = {
        **visit.to(),
        **said.as_caption,
        "reply_markup": keyboards.result(view.job, where, view.pictures),
    }
    if as_file:
        await visit.bot.send_document(document=data, filename=name, **more)
    else:
        await visit.bot.send_photo(
            photo=data, filename=name, has_spoiler=where.veiled(view.pictures).spoiler, **more
        )


async def _album(
    visit: Visit, view: JobView, files: Sequence[str | bytes], where: Where
) -> tuple[Message, ...]:
    count, where = len(files), where.veiled(view.pictures)
    if count == 1:
        one = await visit.bot.send_photo(**visit.to(), photo=files[0], has_spoiler=where.spoiler)
        return (one,)
    media = [
        InputMediaPhoto(
            file,
            caption=captions.single(row, count, visit.lang),
            has_spoiler=where.spoiler,
            filename=f"{row.id}.png",
        )
        for row, file in zip(view.pictures, files, strict=True)
    ]
    return await visit.bot.send_media_group(**visit.to(), media=media)


async def _packed(
    visit: Visit, view: JobView, pictures: Sequence[PictureRow], *, as_file: bool = False
) -> Parcel:
    parcel = await Packer(visit.parts.parcels).pack(view.job, pictures, as_file=as_file)
    if parcel is None:
        raise NotFound("picture")
    return parcel


def _kept(view: JobView) -> Where:
    try:
        return Where.from_json(view.job.message or "")
    except ValueError:
        return Where(chat=0, asker=0)
