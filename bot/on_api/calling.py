"""Owns who calls: the key of a program, or a guest where the page has no door either."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers

from bot.on_api.waiting import Waiting
from bot.on_web.visit import Web, web_of
from bot.on_web.words import Ear
from storage.keys import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from bot.desk.studio import Asker, Studio
    from bot.on_web.session import Sessions
    from storage.keys import Keys

    Answer = Callable[[Scope, int, str], ASGIApp]

PATHS = ("/v1/", "/sdapi/")
"""Where the APIs of others lie."""
PLACE = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever sent a request: the public id of their key, or who they are as a guest.

    Guests of one address are one person, and share what anonymous people of it share.
    """

    external: str
    address: str | None = None


class KnowCallers:
    """The ASGI layer that puts the `Caller` into `request.state`, or refuses with 401.

    It does so before a body is read: these may be large. Whoever brings a key that is none is no
    guest, so that nobody spends another budget than they think.
    """

    def __init__(self, app: ASGIApp, *, keys: Keys, sessions: Sessions, answer: Answer) -> None:
        self._app = app
        self._keys = keys
        self._sessions = sessions
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("authorization")
        caller: Caller | None
        if given is None:
            caller, reason = self._guest(scope), "key_needed"
        else:
            caller, reason = await self._known(given), "wrong_key"
        if caller is None:
            await self._answer(scope, 401, reason)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)

    def _guest(self, scope: Scope) -> Caller | None:
        if self._sessions.has_door:
            return None
        client = scope.get("client")
        address = self._sessions.visitor("", client[0] if client else None).address
        return Caller(external=f"guest:{address}", address=address)

    async def _known(self, given: str) -> Caller | None:
        for text in keys_in(given):
            key = await self._keys.find(text)
            if key is not None:
                return Caller(external=key.public)
        return None


def keys_in(header: str) -> tuple[str, ...]:
    """What may be a key in an Authorization header: a bearer token, a password or a name."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "bearer":
        return (given.strip(),)
    if scheme.lower() != "basic":
        return ()
    try:
        name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ()
    return password, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a program that may ask; it came at `since`, as the loop counts."""

    web: Web
    waiting: Waiting
    asker: Asker
    ear: Ear
    request: Request
    since: float

    @property
    def studio(self) -> Studio:
        return self.web.studio


async def call_of(request: Request) -> Call:
    """The call behind an API request; `KnowCallers` let it in."""
    web, caller = web_of(request), request.state.caller
    asker = await web.studio.asker(
        PLATFORM, caller.external, place=PLACE, place_name="API", address=caller.address
    )
    return Call(
        web=web,
        waiting=request.app.state.waiting,
        asker=asker,
        ear=Ear.of(request.headers),
        request=request,
        since=asyncio.get_running_loop().time(),
    )


Here = Annotated[Call, Depends(call_of)]
