"""Owns how updates reach the bot: fetched one poll after the other, or brought to our page."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from telegram import Update
from telegram.error import BadRequest, TelegramError

from bot.on_telegram.posting import summary

if TYPE_CHECKING:
    from telegram import Bot

    from bot.on_telegram.connection import Connection
    from bot.on_telegram.inbox import Inbox

log = structlog.get_logger(__name__)

HEARD = ("message", "callback_query", "inline_query", "my_chat_member")
POLL_S = 25
"""A fetch waits so long for something to happen."""
PULSE_S = 60.0
"""How often a bot that is called by Telegram looks whether it could call back."""
HOOK_FOLDER = "/telegram/"


class Hearing:
    """Puts what Telegram tells into the inbox; with `url`, Telegram brings it to that address."""

    def __init__(
        self, *, bot: Bot, token: str, inbox: Inbox, connection: Connection, url: str | None
    ) -> None:
        self._bot = bot
        self._token = token
        self._inbox = inbox
        self._connection = connection
        self._url = url

    async def run(self) -> None:
        """Take in updates for ever."""
        if self._url is not None and await self._is_called(self._url):
            await self._stay_awake()
        await self._connection.persist(self._bot.delete_webhook)
        await self._poll()

    @property
    def hook(self) -> str:
        """The path on our page that Telegram calls; nobody guesses it."""
        return f"{HOOK_FOLDER}{self._digest('path')[:32]}"

    async def receive(self, path: str, secret: str | None, body: bytes, *, ready: bool) -> int:
        """An update that was brought to `path` with Telegram's header; the HTTP status to answer.

        200 means that it is safe here; Telegram tries again after anything else.
        """
        if not hmac.compare_digest(path.encode(), self.hook.encode()):
            return HTTPStatus.NOT_FOUND
        if not hmac.compare_digest((secret or "").encode(), self._digest("secret").encode()):
            return HTTPStatus.FORBIDDEN
        if not ready:
            return HTTPStatus.SERVICE_UNAVAILABLE
        try:
            update = Update.de_json(json.loads(body), self._bot)
        except (ValueError, TypeError, KeyError, AttributeError):
            return HTTPStatus.BAD_REQUEST
        await self._inbox.take([update])
        return HTTPStatus.OK

    async def _is_called(self, url: str) -> bool:
        """Have Telegram call us; False if it refuses the address."""

        async def announce() -> None:
            await self._bot.set_webhook(
                hook_address(url, self.hook),
                allowed_updates=HEARD,
                secret_token=self._digest("secret"),
            )

        try:
            await self._connection.persist(announce)
        except BadRequest as error:
            log.error("ATELIER_TELEGRAM_WEBHOOK_URL was refused", error=summary(error))
            return False
        return True

    async def _poll(self) -> None:
        offset, stumbles = 0, 0
        while True:
            patience = 0 if stumbles else POLL_S  # who was away looks first whether all is well
            try:
                updates = await self._bot.get_updates(
                    offset=offset, timeout=timedelta(seconds=patience), allowed_updates=HEARD
                )
                await self._inbox.take(updates)
            except Exception as error:
                stumbles += 1
                await self._connection.rest(error, stumbles)
                continue
            if updates:
                offset = max(offset, updates[-1].update_id + 1)
            stumbles = 0
            self._connection.stands()

    async def _stay_awake(self) -> None:
        """Look now and then whether Telegram is there; what it says comes by itself."""
        stumbles = 0
        while True:
            try:
                await self._bot.get_me()
            except TelegramError as error:
                stumbles += 1
                await self._connection.rest(error, stumbles)
                continue
            stumbles = 0
            self._connection.stands()
            await self._connection.pause(PULSE_S)

    def _digest(self, purpose: str) -> str:
        return hashlib.sha256(f"{purpose}:{self._token}".encode()).hexdigest()


def hook_address(url: str, hook: str) -> str:
    """The full address of the webhook, from the one the operator gave."""
    base = url.rstrip("/")
    if urlsplit(base).path.endswith(HOOK_FOLDER.rstrip("/")):
        base = base.removesuffix(HOOK_FOLDER.rstrip("/"))
    return base + hook
