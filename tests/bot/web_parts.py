"""The web with everything real behind it but the painter, on a port of the loopback address."""

from __future__ import annotations

import asyncio
import io
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from PIL import Image

from bot.desk.album import Album
from bot.desk.announcer import Announcer
from bot.desk.delivery import Deliverer
from bot.desk.diary import Diary
from bot.desk.disk import Disk
from bot.desk.estimates import Estimates
from bot.desk.forgetting import Farewell
from bot.desk.line import Line
from bot.desk.links import Links
from bot.desk.office import Office
from bot.desk.studio import Studio
from bot.desk.veils import Veils
from bot.desk.worker import Worker
from bot.meter import Meter
from bot.on_api.courier import ApiCourier
from bot.on_web.admin_door import AdminDoor
from bot.on_web.app import build_app, close_streams
from bot.on_web.courier import WebCourier
from bot.on_web.guard import Bounds
from bot.on_web.session import Sessions, read_secret
from bot.wiring import make_keeper, make_oversight
from engine.catalogue import Catalogue
from engine.painter import OnStep, Picture, Progress
from engine.request import Paint
from engine.thread import EngineThread
from storage.albums import Albums
from storage.audit import Audit
from storage.database import Database
from storage.forgetting import Forgetting
from storage.incidents import Incidents
from storage.jobs import Jobs
from storage.keys import Keys
from storage.members import Members
from storage.people import People
from storage.pictures import Pictures
from storage.places import Places
from storage.prompts import Prompts
from storage.sources import Sources
from storage.speeds import Speeds
from tests.fakes import GivenSettings, SquarePainter, catalogue, networks


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
    links: Links
    keys: Keys
    people: People
    diary: Diary
    """It is written down when a test says so."""

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
    chats: dict[str, str] | None = None,
    offered: Catalogue | None = None,
    judge: Callable[[Image.Image], float] | None = None,
    **settings: object,
) -> AsyncIterator[Parts]:
    """Serve `data` until the block ends; a `cold` painter warms up when the test says so."""
    painter = VisibleSquares()
    if cold:
        painter.warm_up.clear()
    chosen = GivenSettings.model_validate({"data": data, "model": "squares", **settings})
    db = await Database.open(data)
    files = ThreadPoolExecutor(2)
    make_judge = None if judge is None else (lambda: judge)
    engine = EngineThread(lambda: painter, ("squares",), make_judge=make_judge)
    jobs, pictures = Jobs(db), Pictures(db, data / "pictures")
    known = offered or catalogue()
    speeds = Speeds(db)
    estimates = Estimates(speeds=speeds, catalogue=known, networks=networks())
    line = Line(jobs=jobs, estimates=estimates, engine=engine)
    announcer = Announcer()
    diary = Diary(Incidents(db))
    meter = Meter(on_refusal=diary.refused)
    deliverer = Deliverer(
        jobs=jobs, pictures=pictures, couriers=[WebCourier(), ApiCourier()], meter=meter
    )
    sources, people, prompts = Sources(db, data / "sources"), People(db), Prompts(db)
    members = Members(db)
    places = Places(db)
    disk = Disk(data, chosen.reserve_bytes)
    worker = Worker(
        jobs=jobs,
        pictures=pictures,
        sources=sources,
        speeds=speeds,
        engine=engine,
        line=line,
        announcer=announcer,
        deliverer=deliverer,
        disk=disk,
        files=files,
        attempts=3,
        veils=Veils(
            places=places,
            judged=judge is not None,
            flagged=chosen.safety_flagged,
            harm=chosen.safety_threshold,
        ),
    )
    seeds = itertools.count(1)
    studio = Studio(
        networks=networks(),
        catalogue=known,
        jobs=jobs,
        people=people,
        places=places,
        members=members,
        pictures=pictures,
        sources=sources,
        line=line,
        announcer=announcer,
        worker=worker,
        album=Album(
            albums=Albums(db, prompts),
            prompts=prompts,
            jobs=jobs,
            pictures=pictures,
            files=files,
            most_pins=chosen.pins,
        ),
        farewell=Farewell(
            forgetting=Forgetting(db),
            people=people,
            pictures=pictures,
            sources=sources,
            worker=worker,
        ),
        disk=disk,
        files=files,
        settings=chosen,
        draw_seed=lambda: next(seeds),
        clock=time.time,
        meter=meter,
    )

    async def measured() -> bytes:
        return meter.read(
            waiting=await jobs.line(),
            ready=True,
            disk_full=disk.full,
            free_bytes=disk.free,
            chats={},
        )

    admin = chosen.admin_password
    door = AdminDoor(secret=read_secret(data), password=admin.get_secret_value()) if admin else None
    oversight = make_oversight(
        db,
        chosen,
        studio=studio,
        office=Office(
            catalogue=known,
            studio=studio,
            jobs=jobs,
            people=people,
            places=places,
            members=members,
            audit=Audit(db),
            worker=worker,
            settings=chosen,
        ),
        jobs=jobs,
        people=people,
        pictures=pictures,
        sources=sources,
        line=line,
        engine=engine,
        disk=disk,
        speeds=speeds,
        estimates=estimates,
        catalogue=known,
        networks=networks(),
        keeper=make_keeper(db, chosen, pictures=pictures, sources=sources),
        resident=lambda: frozenset({chosen.model}),
        chats=lambda: chats or {},
    )
    sessions, keys = Sessions(secret=read_secret(data), password=password), Keys(db)
    links = Links(base="https://paint.example.org", secret=b"k" * 32, pictures=pictures)
    app = build_app(
        studio=studio,
        sessions=sessions,
        bounds=Bounds.for_address(
            "127.0.0.1", None, password=password is not None, upload_bytes=upload_bytes
        ),
        engine_state=lambda: engine.state,
        chats=lambda: chats or {},
        links=links,
        proxies=chosen.trusted_proxies,
        metrics=measured,
        metrics_token=(
            None if chosen.metrics_token is None else chosen.metrics_token.get_secret_value()
        ),
        door=door,
        oversight=oversight,
        keep_alive_s=keep_alive_s,
        keys=keys,
        api_wait_s=chosen.api_wait,
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
                links=links,
                keys=keys,
                people=people,
                diary=diary,
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
            app,
            log_config=None,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=3,
            proxy_headers=False,  # as in the real one: believing proxies is our business
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
