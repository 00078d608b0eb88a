"""Owns how the bot stands with Telegram: it tries until it gets through, ever more rarely."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

import structlog
from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter, TelegramError

from bot.on_telegram.limiter import seconds
from bot.on_telegram.posting import summary
from storage.errors import DiskFull

log = structlog.get_logger(__name__)

FIRST_BACKOFF_S = 1.0
LAST_BACKOFF_S = 30.0


class BotState(StrEnum):
    """How the bot stands with Telegram, as `/healthz` tells it."""

    connecting = "connecting"
    """Not reachable by people yet, or for the moment."""
    connected = "connected"
    refused = "refused"
    """Telegram does not accept the token."""


class Connection:
    """Knows whether Telegram is there; `came_back` is called whenever it is there again."""

    def __init__(
        self,
        *,
        came_back: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._came_back = came_back
        self._sleep = sleep
        self.state = BotState.connecting

    async def persist(self, call: Callable[[], Awaitable[Any]]) -> bool:
        """Make a call until it works; False if Telegram says that there is no such bot."""
        stumbles = 0
        while True:
            try:
                await call()
            except InvalidToken:
                self.state = BotState.refused
                return False
            except BadRequest:
                raise  # the next time it would say the same
            except TelegramError as error:
                stumbles += 1
                await self.rest(error, stumbles)
            else:
                return True

    async def rest(self, error: Exception, stumbles: int) -> None:
        """After a failure: say so once, and wait longer each time."""
        delay = min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 1.6 ** min(stumbles - 1, 20))
        if isinstance(error, RetryAfter):
            delay = max(delay, seconds(error))
        else:
            self.state = BotState.connecting
        if isinstance(error, InvalidToken):
            self.state = BotState.refused
        if isinstance(error, DiskFull):  # it comes again: Telegram was not told that we have it
            log.warning("there is no room for what Telegram said", again_in_s=delay)
        elif not isinstance(error, TelegramError):
            log.exception("what Telegram said could not be taken in", again_in_s=delay)
        elif stumbles == 1 or stumbles % 20 == 0:
            told = "another process uses the same token" if isinstance(error, Conflict) else ""
            log.warning("Telegram is away", error=summary(error), times=stumbles, hint=told)
        await self._sleep(delay)

    async def pause(self, seconds: float) -> None:
        """Nothing to do for a while."""
        await self._sleep(seconds)

    def stands(self) -> None:
        """A call has just got through."""
        if self.state is not BotState.connected:
            log.info("connected to Telegram")
            self.state = BotState.connected
            self._came_back()
