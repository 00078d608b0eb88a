"""Owns what a route knows of a request: the web's parts, who asks, in which language."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Query, Request

from bot.desk.links import Links
from bot.desk.oversight import Oversight
from bot.desk.studio import Asker, Studio
from bot.on_web.admin_door import AdminDoor
from bot.on_web.events import Streams
from bot.on_web.session import Sessions, Visitor
from bot.on_web.words import Ear
from engine.thread import EngineState

Hook = Callable[[str, str | None, bytes], Awaitable[int]]
"""Takes a path, a secret and a body that a chat's server brought; returns the HTTP status."""

PLATFORM = "web"
PLACE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The parts that all routes share; one per application."""

    studio: Studio
    sessions: Sessions
    engine_state: Callable[[], EngineState]
    chats: Callable[[], Mapping[str, str]]
    """How each platform that has a token stands."""
    hook: Hook | None
    clock: Callable[[], float]
    streams: Streams
    links: Links | None = None
    """Opens the addresses of whole pictures that chats are given."""
    metrics: Callable[[], Awaitable[bytes]] | None = None
    """What was measured, as a monitoring system reads it."""
    metrics_token: str | None = None
    door: AdminDoor | None = None
    """The door of the admin view; None where it has no password and so does not exist."""
    oversight: Oversight | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who may be here."""

    web: Web
    asker: Asker
    ear: Ear

    @property
    def studio(self) -> Studio:
        return self.web.studio


def web_of(request: Request) -> Web:
    web: Web = request.app.state.web
    return web


def visitor_of(request: Request) -> Visitor:
    visitor: Visitor = request.state.visitor
    return visitor


async def visit_of(request: Request) -> Visit:
    """The visit of an API request; 401 for those who still have to sign in."""
    web, visitor = web_of(request), visitor_of(request)
    if not visitor.inside:
        raise HTTPException(401, "sign_in_needed")
    asker = await web.studio.asker(PLATFORM, visitor.external, place=PLACE, address=visitor.address)
    return Visit(web=web, asker=asker, ear=Ear.of(request.headers))


Here = Annotated[Visit, Depends(visit_of)]

PageSize = Annotated[int, Query(ge=1, le=100)]
Search = Annotated[str | None, Query(max_length=200, description="Words, in any order.")]
