"""Puts the web's parts together: the routes, the layers around them, the files of the page."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bot.desk.links import CALLED as WHOLE
from bot.desk.links import Links
from bot.desk.oversight import Oversight
from bot.desk.studio import Studio
from bot.on_api import openai, sdapi, sdapi_about
from bot.on_api.calling import PATHS as API_PATHS
from bot.on_api.calling import KnowCallers
from bot.on_api.waiting import Waiting
from bot.on_web import (
    about,
    admin,
    admin_api,
    defaults,
    hooks,
    jobs,
    pages,
    pictures,
    watch,
    whole,
)
from bot.on_web.admin_door import PATH, AdminDoor
from bot.on_web.events import Streams
from bot.on_web.guard import Bounds, Guard
from bot.on_web.proxies import BehindProxies
from bot.on_web.refusals import answer_refusals, refusing_app
from bot.on_web.session import KnowVisitors, Sessions
from bot.on_web.visit import Hook, Web
from engine.thread import EngineState
from storage.keys import Keys

Network = IPv4Network | IPv6Network

ANONYMOUS = (
    "/static/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/language/",
    PATH,
    hooks.CALLED,
    WHOLE,
    *API_PATHS,
)
"""Paths that need no person, and so give no cookie."""


def build_app(
    *,
    studio: Studio,
    sessions: Sessions,
    bounds: Bounds,
    engine_state: Callable[[], EngineState],
    chats: Callable[[], Mapping[str, str]] = dict,
    hook: Hook | None = None,
    links: Links | None = None,
    proxies: Iterable[Network] = (),
    metrics: Callable[[], Awaitable[bytes]] | None = None,
    metrics_token: str | None = None,
    door: AdminDoor | None = None,
    oversight: Oversight | None = None,
    keys: Keys | None = None,
    api_wait_s: float = 540.0,
    clock: Callable[[], float] = time.time,
    version: str = "dev",
    keep_alive_s: float = 15.0,
) -> FastAPI:
    """The web application; starting and ending what is behind it is the caller's business.

    Without `keys` there are no APIs for programs but the page's own.

    Before the server stops, call `close_streams`: it would wait for the open pages.
    """
    layers = [
        Middleware(BehindProxies, trusted=tuple(proxies)),
        Middleware(Guard, bounds=bounds, answer=refusing_app),
        Middleware(KnowVisitors, sessions=sessions, anonymous=ANONYMOUS),
    ]
    if keys is not None:
        layers.append(Middleware(KnowCallers, keys=keys, sessions=sessions, answer=refusing_app))
    app = FastAPI(
        title="Atelier",
        version=version,
        description="Ask for pictures, watch them being painted, fetch them.",
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=layers,
    )
    app.state.web = Web(
        studio=studio,
        sessions=sessions,
        engine_state=engine_state,
        chats=chats,
        hook=hook,
        links=links,
        metrics=metrics,
        metrics_token=metrics_token,
        door=door,
        oversight=oversight,
        clock=clock,
        streams=Streams(keep_alive_s=keep_alive_s),
    )
    answer_refusals(app)
    parts = (jobs, pictures, about, defaults, hooks, watch, whole, pages, admin, admin_api)
    for part in parts:
        app.include_router(part.router)
    if keys is not None:
        closing = app.state.web.streams.closing
        app.state.waiting = Waiting(studio=studio, closing=closing, limit_s=api_wait_s)
        for part in (openai, sdapi, sdapi_about):
            app.include_router(part.router)
    app.mount("/static", Asset(directory=pages.STATIC), name="static")
    return app


def close_streams(app: FastAPI) -> None:
    """End all event streams; the pages come back by themselves when there is a server again."""
    web: Web = app.state.web
    web.streams.close()


class Asset(StaticFiles):
    """The files of the page; browsers ask each time whether theirs is still the newest."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response
