"""Owns what a route knows of a request: the web's parts, who asks, in which language."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from bot.desk.studio import Asker, Studio
from bot.on_web.events import Streams
from bot.on_web.session import Sessions, Visitor
from bot.on_web.words import Ear
from engine.thread import EngineState

PLATFORM = "web"
PLACE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The parts that all routes share; one per application."""

    studio: Studio
    sessions: Sessions
    engine_state: Callable[[], EngineState]
    clock: Callable[[], float]
    streams: Streams


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
