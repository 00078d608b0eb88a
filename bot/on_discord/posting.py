"""Owns the requests that put a job's messages into Discord, and what Discord's refusals mean.

It knows no job: a view and files go where they are told to. All of it is HTTP, so that it works
while the gateway is away.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord.http import MultipartParameters, Route, handle_message_parameters

from bot.desk.actions import parse
from bot.on_discord.where import snowflake_at

if TYPE_CHECKING:
    from discord import ui
    from discord.http import HTTPClient

    from bot.desk.actions import Action
    from bot.on_discord.where import Where

PAGE = 100
PAGES = 5
"""So many messages are looked through for one of ours: this times `PAGE`."""


class Fate(StrEnum):
    """What an error of a request means for whoever made it."""

    AGAIN = "again"
    """Nothing is decided: try later."""
    STUCK = "stuck"
    """That message cannot be edited (any more): it is gone, too old, or in an archived thread."""
    NO_ENTRY = "no entry"
    """The channel is gone or closed to the bot."""
    NO_MAIL = "no mail"
    """The person takes no direct messages from the bot."""
    NO_TOKEN = "no token"  # noqa: S105 - the name of a state
    """The interaction's token does not work any more."""
    NO_HISTORY = "no history"
    """The bot may not read there, so that it cannot reply to a message either."""
    TOO_LARGE = "too large"
    REFUSED = "refused"
    """Discord will never take this."""


_CODES = {
    10003: Fate.NO_ENTRY,  # unknown channel
    10004: Fate.NO_ENTRY,  # unknown guild
    10008: Fate.STUCK,  # unknown message
    10013: Fate.NO_MAIL,  # unknown user
    10015: Fate.NO_TOKEN,  # unknown webhook
    10062: Fate.NO_TOKEN,  # unknown interaction
    20026: Fate.NO_MAIL,  # no new direct messages by this bot for now
    30046: Fate.STUCK,  # too many edits of a message older than an hour
    40003: Fate.AGAIN,  # direct messages opened too fast
    40004: Fate.AGAIN,  # sending is switched off for the moment
    40005: Fate.TOO_LARGE,
    40006: Fate.AGAIN,  # a feature is switched off for the moment
    50001: Fate.NO_ENTRY,  # missing access
    50005: Fate.STUCK,  # somebody else's message
    50007: Fate.NO_MAIL,  # cannot send messages to this user
    50008: Fate.NO_ENTRY,  # not a channel for text
    50009: Fate.NO_ENTRY,  # the server's verification level
    50013: Fate.NO_ENTRY,  # missing permissions
    50027: Fate.NO_TOKEN,  # invalid webhook token
    50045: Fate.TOO_LARGE,
    50083: Fate.STUCK,  # archived thread; a new message opens it
    50278: Fate.NO_MAIL,  # no server in common
    130000: Fate.AGAIN,  # overloaded
    160002: Fate.NO_HISTORY,
    160005: Fate.NO_ENTRY,  # locked thread
}


def fate(error: Exception, *, by_token: bool = False) -> Fate:
    """What `error` means; everything that is no answer of Discord's is worth another try."""
    if not isinstance(error, discord.HTTPException) or error.status >= 500:
        return Fate.AGAIN
    if by_token and error.status == 401:
        return Fate.NO_TOKEN
    if error.code in _CODES:
        return _CODES[error.code]
    if error.status == 413:
        return Fate.TOO_LARGE
    if error.code == 0 and error.status != 400:
        return Fate.AGAIN  # not Discord's own word, but of something in between
    return {401: Fate.AGAIN, 403: Fate.NO_ENTRY, 404: Fate.STUCK}.get(error.status, Fate.REFUSED)


def lost(error: BaseException) -> bool:
    """Whether an answer did not arrive by nobody's mistake: the network, Discord, or too late."""
    if isinstance(error, discord.HTTPException):
        return fate(error) in (Fate.AGAIN, Fate.NO_TOKEN)
    return isinstance(error, (aiohttp.ClientError, ConnectionError, TimeoutError))


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a message; no prompt stands in its name."""

    name: str
    data: bytes


class Away(Exception):
    """Raised while the bot is not logged in; nothing was sent."""


class Unfinished(Exception):
    """Raised when there is more than is read; whether ours is among it is not known."""


class Post:
    """Sends, edits and finds messages with the bot's own token, or an interaction's."""

    def __init__(self, reach: Callable[[], discord.Client | None]) -> None:
        self._reach = reach

    async def edit(
        self, where: Where, view: ui.LayoutView, files: Sequence[Enclosure] = ()
    ) -> None:
        """Put `view` and exactly these files into the status message; nobody is mentioned.

        Raises `Away`, and what discord.py raises: see `fate`.
        """
        if where.by_token:
            route = Route(
                "PATCH",
                "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
                webhook_id=where.application,
                webhook_token=where.token,
            )
        else:
            route = Route(
                "PATCH",
                "/channels/{channel_id}/messages/{message_id}",
                channel_id=where.channel,
                message_id=where.message,
            )
        await self._request(route, _parameters(view, files, ()))

    async def send(
        self,
        channel: int,
        view: ui.LayoutView,
        files: Sequence[Enclosure] = (),
        *,
        nonce: str,
        reply_to: int | None = None,
        mention: int | None = None,
    ) -> int:
        """Post a new message and return its id; only the person `mention` is called by it.

        The same `nonce` (25 characters) sent again within minutes finds the message it made.
        """
        mentioned = () if mention is None else (mention,)
        parameters = _parameters(view, files, mentioned, nonce=nonce, reply_to=reply_to)
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
        return int((await self._request(route, parameters))["id"])

    async def find(
        self, channel: int, actions: Collection[Action], *, since: float, mail: bool
    ) -> int | None:
        """The bot's own message with a button for one of `actions`, posted after `since`.

        Raises `Unfinished` if more was written there since then than it reads, or if it may not
        read there: without that right, a channel (unless it is for direct messages: `mail`) seems
        to be empty.
        """
        client = self._client()
        me = client.user.id if client.user is not None else client.application_id
        after = snowflake_at(since)
        for _ in range(PAGES):
            route = Route("GET", "/channels/{channel_id}/messages", channel_id=channel)
            page = await client.http.request(route, params={"limit": PAGE, "after": after})
            for message in page:
                kept = _actions(message.get("components"))
                if int(message["author"]["id"]) == me and any(each in actions for each in kept):
                    return int(message["id"])
            if len(page) < PAGE:
                break
            after = max(int(message["id"]) for message in page)
        else:
            raise Unfinished
        if not mail and not page and not await client.http.request(route, params={"limit": 1}):
            raise Unfinished
        return None

    async def open_mail(self, user: int) -> int:
        """The channel of direct messages with a person."""
        return int((await self._client().http.start_private_message(user))["id"])

    def _client(self) -> discord.Client:
        client = self._reach()
        if client is None:
            raise Away("not logged in to Discord")
        return client

    async def _request(self, route: Route, parameters: MultipartParameters) -> Any:
        # Not through discord.py's messages: those keep every view they sent in memory.
        http: HTTPClient = self._client().http
        with parameters:
            if parameters.files:
                return await http.request(route, files=parameters.files, form=parameters.multipart)
            return await http.request(route, json=parameters.payload)


def _parameters(
    view: ui.LayoutView,
    files: Sequence[Enclosure],
    mentioned: Sequence[int],
    *,
    nonce: str | None = None,
    reply_to: int | None = None,
) -> MultipartParameters:
    more: dict[str, Any] = {}
    if reply_to is not None:
        more["message_reference"] = {"message_id": reply_to, "fail_if_not_exists": False}
    return handle_message_parameters(
        view=view,
        attachments=[discord.File(io.BytesIO(each.data), each.name) for each in files],
        allowed_mentions=discord.AllowedMentions(
            everyone=False,
            roles=False,
            replied_user=False,
            users=[discord.Object(user) for user in mentioned],
        ),
        nonce=nonce,
        **more,
    )


def _actions(components: Any) -> Iterator[Action]:
    """Every action that a button keeps, at any depth of a message as Discord tells it."""
    if isinstance(components, list):
        for each in components:
            yield from _actions(each)
    elif isinstance(components, dict):
        action = parse(str(components.get("custom_id", "")))
        if action is not None:
            yield action
        for key in ("components", "accessory"):
            yield from _actions(components.get(key))


def summary(error: Exception) -> str:
    """One line for the log, without an address: some contain an interaction's token."""
    if isinstance(error, discord.HTTPException):
        return json.dumps({"status": error.status, "code": error.code, "text": error.text[:200]})
    return repr(error)[:300]
