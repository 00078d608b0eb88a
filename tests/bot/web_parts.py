"""The web with everything real behind it but the painter, on a port of the loopback address."""

from __future__ import annotations

import asyncio
import io
import itertools
import socket
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from PIL import Image

from bot.desk.announcer import Announcer
from bot.desk.delivery import Deliverer
from bot.desk.line import Line
from bot.desk.studio import Studio
from bot.desk.worker import Worker
from bot.on_web.app import build_app, close_streams
from bot.on_web.courier import WebCourier
from bot.on_web.guard import Bounds
from bot.on_web.session import Sessions, read_secret
from engine.painter import OnStep, Picture, Progress
from engine.request import Paint
from engine.thread import EngineThread
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People
from storage.pictures import Pictures, Sources
from storage.places import Places
from storage.speeds import Speeds
from tests.fakes import GivenSettings, SquarePainter, catalogue


class VisibleSquares(SquarePainter):
    """The painter of squares, with previews that a browser can show."""

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        small = io.BytesIO()
        Image.new("RGB", (8, 8), (200, 90, 40)).save(small, "WEBP")

        def seen(progress: Progress) -> None:
            on_step(replace(progress, preview=small.getvalue()))

        return super().paint(paint, source, seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A running web: where it is, and what stands behind it."""

    url: str
    app: FastAPI
    painter: VisibleSquares
    studio: Studio
    jobs: Jobs
    sessions: Sessions

    def visitor(self, **headers: str) -> httpx.AsyncClient:
        """A new visitor, who keeps their cookie."""
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20)


@asynccontextmanager
async def open_web(
    data: Path,
    *,
    port: int = 0,
    cold: bool = False,
    password: str | None = None,
    upload_bytes: int = 200_000,
    keep_alive_s: float = 15.0,
    **settings: object,
) -> AsyncIterator[Parts]:
    """Serve `data` until the block ends; a `cold` painter warms up when the test says so."""
    painter = VisibleSquares()
    if cold:
        painter.warm_up.clear()
    chosen = GivenSettings.model_validate({"data": data, "model": "squares", **settings})
    db = await Database.open(data)
    files = ThreadPoolExecutor(2)
    engine = EngineThread(lambda: painter, ("squares",))
    jobs, pictures = Jobs(db), Pictures(db, data / "pictures")
    line = Line(jobs=jobs, speeds=Speeds(db), catalogue=catalogue(), engine=engine)
    announcer = Announcer()
    deliverer = Deliverer(jobs=jobs, pictures=pictures, couriers=[WebCourier()])
    worker = Worker(
        jobs=jobs,
        pictures=pictures,
        sources=Sources(data / "sources"),
        speeds=Speeds(db),
        engine=engine,
        line=line,
        announcer=announcer,
        deliverer=deliverer,
        files=files,
        attempts=3,
    )
    seeds = itertools.count(1)
    studio = Studio(
        catalogue=catalogue(),
        jobs=jobs,
        people=People(db),
        places=Places(db),
        pictures=pictures,
        sources=Sources(data / "sources"),
        line=line,
        announcer=announcer,
        worker=worker,
        files=files,
        settings=chosen,
        draw_seed=lambda: next(seeds),
        clock=time.time,
    )
    sessions = Sessions(secret=read_secret(data), password=password)
    app = build_app(
        studio=studio,
        sessions=sessions,
        bounds=Bounds.for_address(
            "127.0.0.1", None, password=password is not None, upload_bytes=upload_bytes
        ),
        engine_state=lambda: engine.state,
        keep_alive_s=keep_alive_s,
    )
    await engine.start()
    delivering = asyncio.create_task(deliverer.run(), name="deliver")
    working = asyncio.create_task(worker.run(), name="work")
    try:
        async with _listening(app, port) as url:
            yield Parts(
                url=url,
                app=app,
                painter=painter,
                studio=studio,
                jobs=jobs,
                sessions=sessions,
            )
    finally:
        painter.release()
        await worker.close(0.0)
        await engine.close(5.0)
        for task in (working, delivering):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        files.shutdown()
        await db.close()


@asynccontextmanager
async def _listening(app: FastAPI, port: int) -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(
            app, log_level="warning", lifespan="off", timeout_graceful_shutdown=3
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]), name="serve")
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            close_streams(app)
            server.should_exit = True
            await serving
