"""The web with everything real behind it but the painter, on a port of the loopback address."""

from __future__ import annotations

import asyncio
import io
import itertools
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
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
from bot.settings import Settings
from engine.catalogue import Catalogue, Model
from engine.painter import OnStep, Picture, Progress
from engine.request import Paint
from engine.thread import EngineThread
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People
from storage.pictures import Pictures, Sources
from storage.places import Places
from storage.speeds import Speeds

STARTER = Model(
    name="starter",
    title="Starter",
    family="latent-consistency",
    folder=Path(),
    sizes=((64, 64), (96, 64), (64, 96)),
    default_steps=4,
    max_steps=50,
    image_to_image=True,
)


class SlowSquares:
    """Paints coloured squares, one step when `steps_allowed` has one; `warm_gate` delays it all."""

    def __init__(self) -> None:
        self.steps_allowed = threading.Semaphore(0)
        self.warm_gate = threading.Event()
        self.warm_gate.set()
        self.closing = threading.Event()

    def free(self) -> None:
        """Paint as fast as possible from now on."""
        self.steps_allowed.release(1_000_000)

    def warm(self, model: str) -> None:
        self.warm_gate.wait(60)

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        if "trouble" in paint.prompt:
            raise RuntimeError("the brush broke")
        for index in range(paint.count):
            colour = (paint.seed_of(index) * 40503 % 256, 120, 160)
            for step in range(1, paint.working_steps + 1):
                while not self.steps_allowed.acquire(timeout=0.02):
                    on_step(self._progress(paint, index, step - 1, colour))
                    if self.closing.is_set():
                        return
                on_step(self._progress(paint, index, step, colour))
            yield Picture(
                image=Image.new("RGB", (paint.width, paint.height), colour),
                paint=paint.alone(index),
                index=index,
                step_seconds=0.01,
                other_seconds=0.01,
            )

    def _progress(
        self, paint: Paint, index: int, step: int, colour: tuple[int, int, int]
    ) -> Progress:
        small = io.BytesIO()
        Image.new("RGB", (8, 8), colour).save(small, "WEBP")
        return Progress(
            index=index,
            count=paint.count,
            step=step,
            steps=paint.working_steps,
            preview=small.getvalue() if step else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A running web: where it is, and what stands behind it."""

    url: str
    app: FastAPI
    painter: SlowSquares
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
    painter: SlowSquares | None = None,
    password: str | None = None,
    upload_bytes: int = 200_000,
    **settings: object,
) -> AsyncIterator[Parts]:
    """Serve `data` until the block ends."""
    painter = painter or SlowSquares()
    chosen = Settings.model_validate({"data": data, **settings})
    db = await Database.open(data)
    files = ThreadPoolExecutor(2)
    engine = EngineThread(lambda: painter, ("starter",))
    jobs, pictures = Jobs(db), Pictures(db, data / "pictures")
    catalogue = Catalogue(models={"starter": STARTER})
    line = Line(jobs=jobs, speeds=Speeds(db), catalogue=catalogue, engine=engine)
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
        catalogue=catalogue,
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
        painter.warm_gate.set()
        painter.closing.set()
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
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            close_streams(app)
            server.should_exit = True
            await serving
