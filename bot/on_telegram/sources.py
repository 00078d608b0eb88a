"""Finds the picture that somebody wants to start from, and brings it to the studio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from telegram import Document, InlineKeyboardMarkup, Message, PhotoSize

from bot.desk.actions import Verb, parse
from bot.desk.errors import SeveralPictures
from bot.on_telegram.visit import replied
from engine.errors import BadSource
from engine.images import FORMS, MAX_BYTES
from storage.errors import NotFound

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from bot.on_telegram.visit import Visit

OF_JOB = frozenset(
    {
        Verb.AGAIN,
        Verb.CANCEL,
        Verb.TUNE,
        Verb.TUNED,
        Verb.DELETE,
        Verb.DELETE_SURE,
        Verb.KEEP,
        Verb.SHOW,
    }
)
"""What stands under our messages about one job; its target begins with the job."""


async def source_of(visit: Visit, asker: Asker, message: Message) -> str | None:
    """The source in a message, or in the one it replies to; None if there is none.

    Of our own pictures the file itself is taken, not what Telegram made of it. Raises `BadSource`,
    `SeveralPictures` where one would have to be chosen, and the refusals of `upload`.
    """
    if (file := picture_in(message)) is not None:
        return await fetch(visit, asker, file)
    answered = replied(message)
    if answered is None:
        return None
    if (public := job_of(answered, visit.bot.id)) is not None:
        return await _painted(visit, asker, public)
    file = picture_in(answered)
    return None if file is None else await fetch(visit, asker, file)


def picture_in(message: Message) -> PhotoSize | Document | None:
    """The picture of a message: its photo in the best size, or a picture sent as a file."""
    photos: Sequence[PhotoSize] = message.photo or ()
    if photos:
        small = [each for each in photos if (each.file_size or 0) <= MAX_BYTES]
        return max(small or photos, key=lambda each: each.width * each.height)
    document = message.document
    if document is None or message.animation is not None:
        return None
    return document if (document.mime_type or "").startswith("image/") else None


def job_of(message: Message, bot: int) -> str | None:
    """The job that one of our own messages shows, by the buttons under it."""
    if message.from_user is None or message.from_user.id != bot:
        return None
    keyboard = message.reply_markup
    if not isinstance(keyboard, InlineKeyboardMarkup):
        return None
    for button in (each for row in keyboard.inline_keyboard for each in row):
        action = parse(button.callback_data) if isinstance(button.callback_data, str) else None
        if action is not None and action.verb in OF_JOB:
            return action.target.partition(".")[0]
    return None


async def fetch(visit: Visit, asker: Asker, file: PhotoSize | Document) -> str:
    """Get a file from Telegram and keep it; what is too large is not even fetched."""
    if (file.file_size or 0) > MAX_BYTES:
        allowed = f"{', '.join(FORMS)}; {MAX_BYTES // 1_000_000} MB"
        raise BadSource("bytes", allowed, f"{(file.file_size or 0) / 1e6:.1f} MB")
    found = await visit.bot.get_file(file.file_id)
    return await visit.parts.studio.upload(asker, bytes(await found.download_as_bytearray()))


async def _painted(visit: Visit, asker: Asker, public: str) -> str | None:
    view = await visit.parts.studio.view(asker, public)
    if not view.pictures:
        raise NotFound("picture")
    if len(view.pictures) > 1:
        raise SeveralPictures(len(view.pictures))
    return f"picture:{view.pictures[0].id}"
