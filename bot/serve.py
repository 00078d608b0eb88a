"""The composition root: builds every part, starts it, ends it in order. Nothing else wires."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import structlog
import uvicorn

from bot import log as logging_setup
from bot.desk.announcer import Announcer
from bot.desk.delivery import Deliverer
from bot.desk.line import Line
from bot.desk.studio import Studio
from bot.desk.worker import Worker
from bot.on_web.app import build_app, close_streams
from bot.on_web.courier import WebCourier
from bot.on_web.guard import Bounds
from bot.on_web.session import Sessions, keep_secret, read_secret
from bot.settings import Settings
from engine.catalogue import Catalogue
from engine.images import MAX_BYTES
from engine.painter import Painter
from engine.request import SEEDS
from engine.thread import EngineThread
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People
from storage.pictures import Pictures, Sources
from storage.places import Places
from storage.speeds import Speeds

log = structlog.get_logger(__name__)

FILE_THREADS = 2
GRACE_S = 20.0
"""How long a painting may go on after SIGTERM before its job goes back into the line."""
PASSWORD_FILE = "web-password"  # noqa: S105 - the name of the file


class CannotStart(Exception):
    """Something outside stands in the way; the text says what, in one line."""


async def serve(settings: Settings) -> None:
    """Run Atelier until SIGTERM or SIGINT. Raises `CannotStart`, `AlreadyRunning` and the like."""
    logging_setup.set_up(settings.log, secrets=settings.secrets)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # what it tells, we tell
    catalogue = Catalogue.read(settings.models)
    for name, reason in catalogue.broken.items():
        log.error("a model cannot be used", model=name, reason=reason)
    if settings.model not in catalogue.models:
        known = ", ".join(catalogue.models)
        raise CannotStart(f"ATELIER_MODEL: no model is called {settings.model!r} (known: {known})")
    with _listening(settings) as listening:
        try:
            db = await Database.open(settings.data)
        except OSError as error:
            raise CannotStart(f"the data folder {settings.data} cannot be used: {error}") from None
        try:
            await _serve(settings, catalogue, db, listening)
        finally:
            await db.close()


async def _serve(
    settings: Settings, catalogue: Catalogue, db: Database, listening: socket.socket
) -> None:
    jobs, speeds = Jobs(db), Speeds(db)
    pictures = Pictures(db, settings.data / "pictures")
    sources = Sources(settings.data / "sources")
    await pictures.sweep()
    engine = EngineThread(lambda: _make_painter(settings, catalogue), warm=(settings.model,))
    files = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="files")
    line = Line(jobs=jobs, speeds=speeds, catalogue=catalogue, engine=engine)
    announcer = Announcer()
    deliverer = Deliverer(jobs=jobs, pictures=pictures, couriers=[WebCourier()])
    worker = Worker(
        jobs=jobs,
        pictures=pictures,
        sources=sources,
        speeds=speeds,
        engine=engine,
        line=line,
        announcer=announcer,
        deliverer=deliverer,
        files=files,
        attempts=settings.attempts,
    )
    studio = Studio(
        catalogue=catalogue,
        jobs=jobs,
        people=People(db),
        places=Places(db),
        pictures=pictures,
        sources=sources,
        line=line,
        announcer=announcer,
        worker=worker,
        files=files,
        settings=settings,
        draw_seed=lambda: secrets.randbelow(SEEDS),
        clock=time.time,
    )
    password = _password(settings)
    app = build_app(
        studio=studio,
        sessions=Sessions(
            secret=read_secret(settings.data),
            password=password,
            secure=bool(settings.web_url and settings.web_url.startswith("https://")),
        ),
        bounds=Bounds.for_address(
            settings.web_host,
            settings.web_url,
            password=password is not None,
            upload_bytes=MAX_BYTES,
        ),
        engine_state=lambda: engine.state,
        version=version("atelier"),
    )
    page = _Page(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    ended = _signalled()
    await engine.start()
    async with _running(worker, deliverer):
        serving = asyncio.create_task(page.serve([listening]), name="page")
        _say_where(settings, listening)
        await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        close_streams(app)
        page.should_exit = True
        await serving
        await worker.close(GRACE_S)
    await engine.close()
    files.shutdown(wait=True)
    log.info("stopped")


class _Page(uvicorn.Server):
    """uvicorn without its own signal handlers: the order of the end is decided here."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _running(worker: Worker, deliverer: Deliverer) -> AsyncIterator[None]:
    """The two that work beside the page; the deliverer goes last, with what is done."""
    working = asyncio.create_task(worker.run(), name="worker")
    delivering = asyncio.create_task(deliverer.run(), name="deliverer")
    try:
        yield
        await working
    finally:
        for task in (working, delivering):
            task.cancel()
        await asyncio.gather(working, delivering, return_exceptions=True)


def _make_painter(settings: Settings, catalogue: Catalogue) -> Painter:
    from engine.diffusion import DiffusionPainter  # takes seconds; we are in the painting thread

    return DiffusionPainter(
        catalogue,
        cache=settings.data / "cache",
        threads=settings.painting_threads,
        memory_bytes=settings.memory_bytes,
    )


def _signalled() -> asyncio.Future[None]:
    """Done when the process is asked to end; a second time ends it at once."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end(number: signal.Signals) -> None:
        if ended.done():
            sys.exit(128 + number)
        ended.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    return ended


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The page's socket, taken before anything else so that a busy port is one clear line."""
    host, port = settings.web_host, settings.web_port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "ATELIER_WEB_HOST and ATELIER_WEB_PORT choose another"
        raise CannotStart(f"{host}:{port} cannot be listened on: {reason} ({hint})") from None
    with listening:
        yield listening


def _password(settings: Settings) -> str | None:
    """What visitors need: as set; none on loopback; elsewhere one of our own, printed once."""
    if settings.web_password is not None:
        return settings.web_password.get_secret_value()
    if _is_loopback(settings.web_host):
        return None
    file = settings.data / PASSWORD_FILE
    if not file.exists():
        made = secrets.token_urlsafe(9)
        keep_secret(file, made.encode())
        print(
            f"The page can be reached from outside, so visitors need a password: {made}\n"
            f"It is kept in {file}; ATELIER_WEB_PASSWORD sets another.",
            flush=True,
        )
    return file.read_text(encoding="utf-8").strip()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _say_where(settings: Settings, listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    host = settings.web_host
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
    print(f"Atelier is here: {settings.web_url or f'http://{shown}:{port}'}", flush=True)
    for platform, token in (
        ("discord", settings.discord_token),
        ("telegram", settings.telegram_token),
    ):
        if token is not None:
            log.warning("this version cannot use the token yet", platform=platform)
