"""Puts the web's parts together: the routes, the layers around them, the files of the page."""

import time
from collections.abc import Callable

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bot.desk.studio import Studio
from bot.on_web import about, jobs, pages, pictures
from bot.on_web.events import Streams
from bot.on_web.guard import Bounds, Guard
from bot.on_web.refusals import answer_refusals, refusing_app
from bot.on_web.session import KnowVisitors, Sessions
from bot.on_web.visit import Web
from engine.thread import EngineState

ANONYMOUS = ("/static/", "/healthz", "/openapi.json", "/docs")
"""Paths that need no person, and so give no cookie."""


def build_app(
    *,
    studio: Studio,
    sessions: Sessions,
    bounds: Bounds,
    engine_state: Callable[[], EngineState],
    clock: Callable[[], float] = time.time,
    version: str = "dev",
    keep_alive_s: float = 15.0,
) -> FastAPI:
    """The web application; starting and ending what is behind it is the caller's business.

    Before the server stops, call `close_streams`: it would wait for the open pages.
    """
    app = FastAPI(
        title="Atelier",
        version=version,
        description="Ask for pictures, watch them being painted, fetch them.",
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=[
            Middleware(Guard, bounds=bounds, answer=refusing_app),
            Middleware(KnowVisitors, sessions=sessions, anonymous=ANONYMOUS),
        ],
    )
    app.state.web = Web(
        studio=studio,
        sessions=sessions,
        engine_state=engine_state,
        clock=clock,
        streams=Streams(keep_alive_s=keep_alive_s),
    )
    answer_refusals(app)
    for part in (jobs, pictures, about, pages):
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
