"""Brings finished jobs to Telegram: where each belongs, and once.

Telegram forgets nothing it was sent and knows no repetition: a call that ends in a timeout may
have worked. So the picture is put into a message whose id is written down; doing that twice changes
nothing. What may be posted twice at most is the one line that says it is coming.

A busy group has no message to spare for that line: there the picture is the new message. If nobody
knows whether it arrived it is not sent again; a line with a button to fetch it comes instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from telegram.error import ChatMigrated, RetryAfter, TelegramError

from bot.desk.delivery import Later, Undeliverable
from bot.on_telegram import captions, keyboards
from bot.on_telegram.limiter import seconds
from bot.on_telegram.pace import Urgency
from bot.on_telegram.posting import Fate, fate, summary, surely_undone
from storage.jobs import JobState

if TYPE_CHECKING:
    from telegram import InlineKeyboardMarkup

    from bot.on_telegram.limiter import Limiter
    from bot.on_telegram.moving import Moving
    from bot.on_telegram.parcel import Packer, Parcel
    from bot.on_telegram.posting import Post
    from bot.on_telegram.status import Status
    from bot.on_telegram.where import Where
    from bot.on_telegram.whereabouts import Whereabouts
    from bot.on_telegram.wording import Said
    from storage.jobs import Job
    from storage.pictures import PictureRow

log = structlog.get_logger(__name__)

PROMPT_S = 60.0
"""So long after asking people still look: the status message becomes the picture. Later an edit
would reach nobody, and the picture comes as a reply to them."""
BUSY_S = 1.0
"""Where a chat has to wait longer than this, other deliveries go first."""
LOOK_AGAIN_S = 0.3


@dataclass(frozen=True, slots=True)
class _Word:
    """What is said instead of a picture, and what can be pressed below."""

    said: Said
    keyboard: InlineKeyboardMarkup | None = None


class TelegramCourier:
    """Puts each result into one message: the status message, or a new answer to the asker."""

    platform = "telegram"

    def __init__(
        self,
        *,
        post: Post,
        packer: Packer,
        status: Status,
        limiter: Limiter,
        whereabouts: Whereabouts,
        moving: Moving,
        ready: Callable[[], bool],
        model_title: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._post = post
        self._packer = packer
        self._status = status
        self._limiter = limiter
        self._whereabouts = whereabouts
        self._moving = moving
        self._ready = ready
        self._title = model_title
        self._clock = clock

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Show the result; harmless to repeat from wherever it was interrupted."""
        if not self._ready():
            raise ConnectionError("not connected to Telegram")
        try:
            where = await self._whereabouts.of(job)
        except ValueError as error:
            raise Undeliverable(str(error)) from None
        if where.message is None and not where.sent and self._status.awaited(job):
            raise Later(LOOK_AGAIN_S)
        wait = self._limiter.pace.owe(where.chat, job.public, where.asker)
        if wait > BUSY_S:
            raise Later(wait)
        later = False
        try:
            await self._hand_over(job, pictures, where.chat)
        except Later:
            later = True
            raise
        finally:
            if not later:
                self._limiter.settle(where.chat, job.public)

    async def _hand_over(self, job: Job, pictures: tuple[PictureRow, ...], chat: int) -> None:
        """Bring it now, and say what an error means for the next try."""
        await self._status.end(job.public)
        try:
            await self._bring(job, pictures, await self._whereabouts.of(job))
        except ChatMigrated as error:
            self._limiter.settle(chat, job.public)
            await self._moving.follow(chat, error.new_chat_id)
            raise Later(0.0) from None
        except RetryAfter as error:
            raise Later(seconds(error)) from None
        except TelegramError as error:
            if fate(error) in (Fate.NO_ENTRY, Fate.REFUSED, Fate.STUCK, Fate.NO_MEDIA):
                raise Undeliverable(summary(error)) from None
            raise ConnectionError(summary(error)) from None

    async def _bring(self, job: Job, pictures: tuple[PictureRow, ...], where: Where) -> None:
        if not where.shown:
            target = where.sent[0] if where.sent else self._standing(job, where)
            if target is not None and not await self._put(job, pictures, where, target):
                gone = target
                where = await self._whereabouts.change(job, lambda w: _without(w, gone))
                target = None
            if target is None:
                where = await self._anew(job, pictures, where)
            where = await self._whereabouts.change(job, lambda w: replace(w, shown=True))
        if where.sent and where.message is not None:
            await self._post.remove(where, where.message)

    def _standing(self, job: Job, where: Where) -> int | None:
        """The status message, if the result belongs there.

        Also if a new message is on its way or was lost: nobody knows, and a second one would be
        one too many.
        """
        fresh = self._clock() <= job.created_at + PROMPT_S or job.state is JobState.CANCELLED
        return where.message if fresh or where.sending or where.posting else None

    async def _anew(self, job: Job, pictures: tuple[PictureRow, ...], where: Where) -> Where:
        """Put the result into a new message, which calls the asker."""
        word = self._word(job, where)
        if word is None and not self._limiter.pace.room(where.chat, Urgency.STATUS):
            if await self._show(job, pictures, where, None):
                return await self._whereabouts.of(job)
            word = _Word(captions.deleted(job, where.lang))
        if word is not None:
            return await self._call(job, where, word)
        where = await self._call(job, where, _Word(captions.ready(where, job.paint.count)))
        if not await self._put(job, pictures, where, where.sent[0]):
            raise Undeliverable("the new message is gone at once")
        return where

    async def _call(self, job: Job, where: Where, word: _Word) -> Where:
        """Post new words, and write down their id; who only waits for a turn has sent nothing."""
        async with self._limiter.turn(where.chat, Urgency.FINAL) as turn:
            await self._whereabouts.change(job, lambda w: replace(w, sending=True))
            try:
                message = await self._post.say(where, word.said, word.keyboard, turn=turn)
            except TelegramError as error:
                if surely_undone(error):
                    await self._whereabouts.change(job, lambda w: replace(w, sending=False))
                raise
        return await self._whereabouts.change(
            job, lambda w: replace(w, sending=False, sent=(message, *w.sent))
        )

    async def _put(
        self, job: Job, pictures: tuple[PictureRow, ...], where: Where, message: int
    ) -> bool:
        """Make our message the result; False if there is no such message (any more)."""
        word = self._word(job, where)
        try:
            if word is not None:
                await self._post.reword(where, message, word.said, word.keyboard)
            elif not await self._show(job, pictures, where, message):
                await self._post.reword(where, message, captions.deleted(job, where.lang))
        except TelegramError as error:
            if fate(error) is not Fate.STUCK:
                raise
            log.info("the message is gone", message=message, error=summary(error))
            return False
        return True

    async def _show(
        self, job: Job, pictures: tuple[PictureRow, ...], where: Where, message: int | None
    ) -> bool:
        """Put the pictures into our message, or into a new one; False if none is left.

        As a document, or with a button to fetch them, where it must be.
        """
        where = where.veiled(pictures)
        keyboard = keyboards.result(job, where, pictures)
        title = self._title(job.paint.model)
        as_file = False
        while True:
            parcel = await self._packer.pack(job, pictures, as_file=as_file)
            if parcel is None:
                return False
            as_file = parcel.as_file
            said = captions.result(
                job,
                where,
                model_title=title,
                mention=where.lost_track,
                pictures=pictures,
                whole=self._packer.whole(pictures),
            )
            try:
                if message is None:
                    await self._send(job, where, parcel, said, keyboard)
                else:
                    file = await self._post.show(where, message, parcel, said, keyboard)
                    await self._keep_file(job, file, as_file)
            except TelegramError as error:
                meaning = fate(error)
                if meaning is Fate.NO_PHOTO and not as_file:
                    as_file = True
                    continue
                if meaning not in (Fate.NO_PHOTO, Fate.NO_MEDIA, Fate.REFUSED):
                    raise
                log.error("a picture was refused", error=summary(error))
                word = _elsewhere(job, where)
                if message is None:
                    await self._call(job, where, word)
                else:
                    await self._post.reword(where, message, word.said, word.keyboard)
            return True

    async def _send(
        self,
        job: Job,
        where: Where,
        parcel: Parcel,
        said: Said,
        keyboard: InlineKeyboardMarkup | None,
    ) -> None:
        """Post the picture, and write down its id; before, in its turn, that it is on its way."""
        async with self._limiter.turn(where.chat, Urgency.FINAL) as turn:
            await self._whereabouts.change(job, lambda w: replace(w, posting=True))
            try:
                message, file = await self._post.bring(where, parcel, said, keyboard, turn=turn)
            except TelegramError as error:
                if surely_undone(error):
                    await self._whereabouts.change(job, lambda w: replace(w, posting=False))
                raise
        await self._whereabouts.change(
            job,
            lambda w: replace(
                w,
                posting=False,
                shown=True,
                sent=(message, *w.sent),
                file=file,
                as_file=parcel.as_file,
            ),
        )

    async def _keep_file(self, job: Job, file: str | None, as_file: bool) -> None:
        if file is not None:
            await self._whereabouts.change(job, lambda w: replace(w, file=file, as_file=as_file))

    def _word(self, job: Job, where: Where) -> _Word | None:
        """What is said where there is no picture; None for a finished job."""
        if job.state is JobState.FAILED:
            said = captions.failed(job, where, mention=where.lost_track)
            return _Word(said, keyboards.failed(job, where))
        if job.state is JobState.CANCELLED:
            return _Word(captions.cancelled(job, where), keyboards.failed(job, where))
        if where.posting:
            log.warning("a picture may have got lost on its way", job=job.public)
            return _elsewhere(job, where)
        return None


def _elsewhere(job: Job, where: Where) -> _Word:
    """The picture has to be fetched."""
    said = captions.elsewhere(job, where, mention=where.lost_track)
    return _Word(said, keyboards.elsewhere(job, where))


def _without(where: Where, message: int) -> Where:
    """The same after one of its messages has gone."""
    return replace(
        where,
        message=None if where.message == message else where.message,
        sent=tuple(each for each in where.sent if each != message),
    )
