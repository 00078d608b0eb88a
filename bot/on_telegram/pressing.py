"""Owns `Press`: one press of a button, answered once and soon, whatever comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from telegram import InlineKeyboardMarkup
from telegram.error import BadRequest, TelegramError

from storage.errors import NotYours

if TYPE_CHECKING:
    from telegram import CallbackQuery

    from bot.on_telegram.visit import Visit

AT_ONCE_S = 1.5
"""A press is answered within this, even if what it does is not decided yet."""
ALERT = 200
"""Characters that the answer to a press may have."""

log = structlog.get_logger(__name__)


class Press:
    """One press of a button: `visit` is who pressed, `target` what the button is about."""

    def __init__(self, visit: Visit, query: CallbackQuery, target: str) -> None:
        self.visit = visit
        self.target = target
        self._query = query
        self._answered = False

    @property
    def lang(self) -> str:
        """The presser's language."""
        return self.visit.lang

    async def answer(self, text: str | None = None, *, alert: bool = False) -> None:
        """End the waiting of the button, once; `text` is shown for a moment, or as an alert."""
        if self._answered:
            return
        self._answered = True
        shown = None if text is None else text[:ALERT]
        with suppress(BadRequest):  # the press is older than Telegram remembers
            await self._query.answer(shown, show_alert=alert)

    async def end_waiting(self) -> None:
        """What takes longer than a moment goes on, but its button does not seem to hang."""
        await asyncio.sleep(AT_ONCE_S)
        with suppress(TelegramError):
            await self.answer()

    async def refuse(self, error: BaseException) -> None:
        """Say why not: as an alert, which only the presser sees."""
        if self._answered:
            await self.visit.refuse(error)
        else:
            await self.answer(self.visit.why(error).text, alert=True)

    async def keyboard(self, keyboard: InlineKeyboardMarkup | None) -> None:
        """Put another keyboard under the message that was pressed."""
        await unless_same(self._query.edit_message_reply_markup(keyboard))

    async def own(self, owner: str) -> None:
        """Raises `NotYours` if the message belongs to somebody else."""
        if owner != str(self.visit.person):
            raise NotYours()

    @property
    def query(self) -> CallbackQuery:
        """What Telegram told of the press."""
        return self._query


async def unless_same(call: Awaitable[object]) -> None:
    """Edit a message; that it looks so already is no error, nor that it is gone."""
    try:
        await call
    except BadRequest as error:
        log.debug("not edited", error=repr(error))
