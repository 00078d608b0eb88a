"""The updates that wait for the bot, and both ways to it: long polling and the webhook."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.loopback_telegram.errors import ApiError, Json, bad
from tests.loopback_telegram.fields import Strange, Values

_KINDS = (
    "message edited_message channel_post edited_channel_post business_connection business_message"
    " edited_business_message deleted_business_messages message_reaction message_reaction_count"
    " inline_query chosen_inline_result callback_query shipping_query pre_checkout_query"
    " purchased_paid_media poll poll_answer my_chat_member chat_member chat_join_request"
    " chat_boost removed_chat_boost managed_bot guest_message"
)
KINDS = frozenset(_KINDS.split())
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
RETRY_S = 0.5


@dataclass(slots=True, kw_only=True)
class Updates:
    """The queue of one bot."""

    local: Callable[[str], str | None]  # public address -> the one that is really called
    pending: list[Json] = field(default_factory=list)
    given: list[Json] = field(default_factory=list)  # everything that ever was in the queue
    webhook: Json = field(default_factory=dict)
    allowed: frozenset[str] = frozenset(KINDS - NOT_BY_DEFAULT)
    last_error: str | None = None
    polls: int = 0
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(700_000_001))
    _again: list[Json] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: int = 0
    _posting: asyncio.Task[None] | None = None

    def add(self, kind: str, what: Json) -> Json | None:
        """Queue it, if the bot wants such updates."""
        if kind not in self.allowed:
            return None
        update = {"update_id": next(self._ids), kind: what}
        self.pending.append(update)
        self.given.append(update)
        self._news.set()
        return update

    def repeat(self, update: Json) -> None:
        """Deliver it once more under the same number, as after an answer that was lost."""
        self._again.append(update)
        self._news.set()

    async def poll(self, values: Values) -> list[Json]:
        """getUpdates; 409 while a webhook is set or when another poll takes over."""
        if self.webhook:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active;"
                " use deleteWebhook to delete the webhook first",
            )
        self.polls += 1
        self._want(values.get("allowed_updates"))
        self._turn += 1
        turn = self._turn
        self._news.set()  # an older poll notices that its turn is over
        self._confirm(values.get("offset", 0))
        limit = values.get("limit", 100)
        if not 1 <= limit <= 100:
            raise bad("limit must be between 1 and 100")
        until = asyncio.get_running_loop().time() + min(values.get("timeout", 0), 50)
        while True:
            if turn != self._turn:
                raise ApiError(
                    409,
                    "Conflict: terminated by other getUpdates request;"
                    " make sure that only one bot instance is running",
                )
            if self._again or self.pending:
                again, self._again = self._again, []
                return again + self.pending[:limit]
            self._news.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                return []

    def set_webhook(self, values: Values) -> bool:
        """HTTPS only; what waits is posted at once."""
        url = values["url"]
        if not url:
            return self.delete_webhook(values)
        if not url.startswith("https://"):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        secret = values.get("secret_token", "")
        if len(secret) > 256 or not all(c.isalnum() or c in "-_" for c in secret):
            raise bad("secret token contains unallowed characters")
        self._want(values.get("allowed_updates"))
        if values.get("drop_pending_updates"):
            self.pending.clear()
        self.webhook = {"url": url, "secret": secret}
        self.stop()
        self._posting = asyncio.create_task(self._post_all(), name="webhook")
        return True

    def delete_webhook(self, values: Values) -> bool:
        """Back to polling."""
        if values.get("drop_pending_updates"):
            self.pending.clear()
        self.webhook = {}
        self.stop()
        return True

    def webhook_info(self) -> Json:
        told: Json = {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
            "allowed_updates": sorted(self.allowed),
        }
        return told | ({"last_error_message": self.last_error} if self.last_error else {})

    def stop(self) -> None:
        """No webhook is called any more."""
        if self._posting is not None:
            self._posting.cancel()
            self._posting = None

    def end(self) -> None:
        """Let every poll that waits go."""
        self.stop()
        self._turn += 1
        self._news.set()

    def _want(self, allowed: Any) -> None:
        if allowed is None:
            return
        if unknown := set(allowed) - KINDS:
            raise Strange(f"unknown update kind {min(unknown)!r}")
        self.allowed = frozenset(allowed or KINDS - NOT_BY_DEFAULT)

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self.pending = self.pending[offset:]
        else:
            self.pending = [each for each in self.pending if each["update_id"] >= offset]

    async def _post_all(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                if not self._again and not self.pending:
                    self._news.clear()
                    await self._news.wait()
                    continue
                waiting = self._again or self.pending
                if await self._post(session, waiting[0]):
                    waiting.pop(0)
                else:
                    await asyncio.sleep(RETRY_S)

    async def _post(self, session: aiohttp.ClientSession, update: Json) -> bool:
        url = self.webhook["url"]
        local = self.local(url)
        if local is None:
            self.last_error = "Failed to resolve host"
            return False
        secret = self.webhook["secret"]
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        try:
            async with session.post(local, json=update, headers=headers) as answer:
                if answer.status // 100 == 2:
                    return True
                self.last_error = f"Wrong response from the webhook: {answer.status}"
        except aiohttp.ClientError as error:
            self.last_error = f"Connection failed: {type(error).__name__}"
        return False
