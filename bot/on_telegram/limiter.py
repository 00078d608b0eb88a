"""Takes every call of the bot through the pace: python-telegram-bot's own seam for it.

`rate_limit_args` of a call is its `Urgency` (left out: ANSWER), or the turn got from `turn`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

from telegram.error import RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

from bot.on_telegram.pace import Pace, Turn, Urgency

SLACK_S = 0.3
"""Added to what the server asks for."""
LONGEST_S = {Urgency.FINAL: 5.0, Urgency.ANSWER: 120.0}
"""A call the server wants later is repeated here if it is no later than this; else the caller
hears of it: a delivery has better things to do meanwhile, progress will have changed by then."""
SPARE = frozenset({"setMessageReaction", "sendChatAction"})


class LeftOut(TelegramError):
    """A call that was not worth waiting for was not made."""


Result = bool | dict[str, Any] | list[dict[str, Any]]
Call = Callable[..., Coroutine[Any, Any, Result]]


class Limiter(BaseRateLimiter["Urgency | Turn"]):
    """Holds the calls until the pace lets them go, and obeys the server's wish for quiet."""

    def __init__(
        self, pace: Pace | None = None, *, sleep: Callable[[float], Any] = asyncio.sleep
    ) -> None:
        self.pace = pace or Pace(monotonic)
        self._sleep = sleep
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def initialize(self) -> None:
        """Start letting calls go."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="telegram's pace")

    async def shutdown(self) -> None:
        """Stop; whoever waits is cancelled by its own owner."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def settle(self, chat: int | str, job: str) -> None:
        """The result of a job has come there: what it kept back may go on."""
        self.pace.settle(chat, job)
        self._advance()

    @asynccontextmanager
    async def turn(
        self, chat: int | str | None, urgency: Urgency, weight: int = 1
    ) -> AsyncIterator[Turn]:
        """Wait here, then make one call with `rate_limit_args=turn`: what it says is newest then.

        Raises `LeftOut` for a SPARE one that would have to wait.
        """
        begun = asyncio.Event()
        turn = Turn(chat=chat, urgency=urgency, weight=weight, let_go=begun.set)
        self.pace.join(turn)
        self._advance()
        try:
            if urgency is Urgency.SPARE and not begun.is_set():
                raise LeftOut("not worth waiting for")
            await begun.wait()
            yield turn
        finally:
            self.pace.leave(turn)
            self.pace.end(turn)
            self._advance()

    async def process_request(
        self,
        callback: Call,
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Urgency | Turn | None,
    ) -> Result:
        """Make one call when its turn has come; repeat it when the server said "later"."""
        chat = chat_of(data)
        if isinstance(rate_limit_args, Turn):
            return await self._heeding(chat, callback(*args, **kwargs))
        usual = Urgency.SPARE if endpoint in SPARE else Urgency.ANSWER
        urgency = usual if rate_limit_args is None else rate_limit_args
        while True:
            try:
                async with self.turn(chat, urgency, weight_of(endpoint, data)):
                    return await self._heeding(chat, callback(*args, **kwargs))
            except RetryAfter as error:
                if seconds(error) > LONGEST_S.get(urgency, -math.inf):
                    raise

    async def _heeding(self, chat: int | str | None, call: Coroutine[Any, Any, Result]) -> Result:
        try:
            return await call
        except RetryAfter as error:
            self.pace.block(chat, seconds(error) + SLACK_S)
            raise

    def _advance(self) -> None:
        """Let go who may, and have `_run` look again when the next one may."""
        self.pace.advance()
        self._news.set()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            rest = self.pace.advance()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(rest) else max(rest, 0.001)):
                    await self._news.wait()


def seconds(error: RetryAfter) -> float:
    """What the server asks for, in seconds."""
    after = error.retry_after
    return float(after) if isinstance(after, int) else after.total_seconds()


def chat_of(data: dict[str, Any]) -> int | str | None:
    """The chat a call is for; None for those that are for no chat."""
    chat = data.get("chat_id")
    if isinstance(chat, str) and chat.lstrip("-").isdecimal():
        return int(chat)
    return chat if isinstance(chat, (int, str)) else None


def weight_of(endpoint: str, data: dict[str, Any]) -> int:
    """How many messages the limits take a call for."""
    if endpoint == "sendMediaGroup":
        return max(1, len(data.get("media", ())))
    if endpoint == "sendChatAction" or chat_of(data) is None:
        return 0
    return int(endpoint.startswith(("send", "edit", "copy", "forward")))
