"""Owns what an error of Telegram's means, and the few calls that put a job's messages there.

It knows no job: words, a picture and a keyboard go where they are told to.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import httpx
from telegram import InputMediaDocument, InputMediaPhoto, Message, ReplyParameters
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.on_telegram.pace import Turn, Urgency

if TYPE_CHECKING:
    from telegram import InlineKeyboardMarkup
    from telegram.ext import ExtBot

    from bot.on_telegram.parcel import Parcel
    from bot.on_telegram.where import Where
    from bot.on_telegram.wording import Said


class Fate(StrEnum):
    """What an error of a call means for whoever made it."""

    AGAIN = "again"
    """Nothing is decided: try later."""
    HELD = "held"
    """Too much at once: try when Telegram says so."""
    SAME = "same"
    """It stands there already."""
    STUCK = "stuck"
    """That message cannot be edited or deleted (any more)."""
    MOVED = "moved"
    """The group has become a supergroup with another id."""
    NO_ENTRY = "no entry"
    """The chat or the topic is gone or closed to the bot."""
    NO_MEDIA = "no media"
    """Pictures may not be sent there."""
    NO_PHOTO = "no photo"
    """Telegram does not take it as a photo; as a document it may."""
    REFUSED = "refused"
    """Telegram will never take this."""


_WORDS: tuple[tuple[Fate, tuple[str, ...]], ...] = (
    (Fate.SAME, ("message is not modified",)),
    (
        Fate.STUCK,
        (
            "message to edit not found",
            "message can't be edited",
            "message to delete not found",
            "message can't be deleted",
            "message_id_invalid",
            "message_edit_time_expired",
            "message identifier is not specified",
            "there is no text in the message to edit",
            "there is no caption in the message to edit",
        ),
    ),
    (
        Fate.NO_MEDIA,
        (
            "not enough rights to send photos",
            "not enough rights to send documents",
            "not enough rights to send media",
            "chat_send_photos_forbidden",
            "chat_send_docs_forbidden",
            "chat_send_media_forbidden",
        ),
    ),
    (
        Fate.NO_PHOTO,
        (
            "photo_invalid_dimensions",
            "image_process_failed",
            "photo_ext_invalid",
            "photo_save_file_invalid",
            "type of file mismatch",
            "too big for a photo",
            "file is too big",
            "request entity too large",
        ),
    ),
    (
        Fate.NO_ENTRY,
        (
            "chat not found",
            "group chat was upgraded",
            "group chat was deleted",
            "group chat was deactivated",
            "user is deactivated",
            "user not found",
            "peer_id_invalid",
            "channel_private",
            "chat_write_forbidden",
            "chat_restricted",
            "not enough rights",
            "have no rights to send a message",
            "need administrator rights",
            "bot is not a member",
            "topic_closed",
            "topic_deleted",
            "topic_id_invalid",
            "message thread not found",
        ),
    ),
)


def fate(error: TelegramError) -> Fate:
    """What `error` means; whatever is no answer of Telegram's is worth another try."""
    if isinstance(error, RetryAfter):
        return Fate.HELD
    if isinstance(error, ChatMigrated):
        return Fate.MOVED
    said = error.message.lower()
    for meaning, words in _WORDS:
        if any(each in said for each in words):
            return meaning
    if isinstance(error, Forbidden):
        return Fate.NO_ENTRY
    return Fate.REFUSED if isinstance(error, BadRequest) else Fate.AGAIN


def surely_undone(error: TelegramError) -> bool:
    """Whether the call has had no effect for certain; after a timeout or a 5xx nobody knows."""
    if isinstance(error, NetworkError) and not isinstance(error, BadRequest):
        cause = error.__cause__
        return isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return True


class Post:
    """Sends, edits and deletes messages; all as urgent as a finished picture."""

    def __init__(self, bot: ExtBot[Urgency | Turn]) -> None:
        self._bot = bot

    async def say(
        self,
        where: Where,
        said: Said,
        keyboard: InlineKeyboardMarkup | None = None,
        *,
        turn: Turn,
    ) -> int:
        """Post words as a reply to whoever asked, wherever their message went; its id."""
        message = await self._bot.send_message(
            **_to(where), **said.as_text, reply_markup=keyboard, rate_limit_args=turn
        )
        return message.message_id

    async def bring(
        self,
        where: Where,
        parcel: Parcel,
        said: Said,
        keyboard: InlineKeyboardMarkup | None,
        *,
        turn: Turn,
    ) -> tuple[int, str | None]:
        """Post the picture itself as such a reply; its id, and Telegram's id of the file."""
        given = {
            **_to(where),
            **said.as_caption,
            "filename": parcel.name,
            "reply_markup": keyboard,
            "rate_limit_args": turn,
        }
        if parcel.as_file:
            message = await self._bot.send_document(document=parcel.data, **given)
        else:
            message = await self._bot.send_photo(
                photo=parcel.data, has_spoiler=where.spoiler, **given
            )
        return message.message_id, file_of(message)

    async def reword(
        self,
        where: Where,
        message: int,
        said: Said,
        keyboard: InlineKeyboardMarkup | None = None,
        *,
        turn: Turn | Urgency = Urgency.FINAL,
    ) -> None:
        """Put words into one of our messages; that they stand there already is fine."""
        try:
            await self._bot.edit_message_text(
                chat_id=where.chat,
                message_id=message,
                **said.as_text,
                reply_markup=keyboard,
                rate_limit_args=turn,
            )
        except BadRequest as error:
            if fate(error) is not Fate.SAME:
                raise

    async def show(
        self,
        where: Where,
        message: int,
        parcel: Parcel,
        said: Said,
        keyboard: InlineKeyboardMarkup | None,
    ) -> str | None:
        """Turn one of our messages into the picture; Telegram's id of the file, if it is told."""
        media: InputMediaPhoto | InputMediaDocument
        if parcel.as_file:
            media = InputMediaDocument(parcel.data, filename=parcel.name, **said.as_caption)
        else:
            media = InputMediaPhoto(
                parcel.data, filename=parcel.name, has_spoiler=where.spoiler, **said.as_caption
            )
        try:
            shown = await self._bot.edit_message_media(
                media,
                chat_id=where.chat,
                message_id=message,
                reply_markup=keyboard,
                rate_limit_args=Urgency.FINAL,
            )
        except BadRequest as error:
            if fate(error) is not Fate.SAME:
                raise
            return None
        return file_of(shown) if isinstance(shown, Message) else None

    async def remove(self, where: Where, message: int) -> None:
        """Delete one of our messages, if Telegram still lets us."""
        try:
            await self._bot.delete_message(where.chat, message, rate_limit_args=Urgency.FINAL)
        except TelegramError as error:
            if fate(error) in (Fate.AGAIN, Fate.HELD):
                raise


def _to(where: Where) -> dict[str, Any]:
    """A reply to the message that asked, or was asked about, even if that is gone meanwhile."""
    message = where.about if where.asked is None else where.asked
    answered = None
    if message is not None:
        answered = ReplyParameters(message, allow_sending_without_reply=True)
    return {
        "chat_id": where.chat,
        "message_thread_id": where.thread,
        "reply_parameters": answered,
    }


def file_of(message: Message) -> str | None:
    """Telegram's id of the picture or file in a message."""
    photos: Sequence[Any] = message.photo
    if photos:
        return str(photos[-1].file_id)
    return None if message.document is None else message.document.file_id


def summary(error: Exception) -> str:
    """One line for the log; never the address of a call, which contains the token."""
    if isinstance(error, TelegramError):
        return f"{type(error).__name__}: {error.message[:200]}"
    return type(error).__name__
