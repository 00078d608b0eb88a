"""The composition root: builds every part, starts it, ends it in order. Nothing else wires."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

import structlog
import uvicorn

from bot import log as logging_setup
from bot import machine
from bot.desk.album import Album
from bot.desk.announcer import Announcer
from bot.desk.delivery import Courier, Deliverer
from bot.desk.diary import Diary, Overhearing
from bot.desk.disk import Disk
from bot.desk.estimates import Estimates
from bot.desk.forgetting import Farewell
from bot.desk.keeping import Keeper
from bot.desk.line import Line
from bot.desk.links import Links
from bot.desk.office import Office
from bot.desk.parcel import Parcels
from bot.desk.studio import Studio
from bot.desk.swaps import Swaps
from bot.desk.veils import Veils
from bot.desk.worker import Worker
from bot.meter import Meter
from bot.on_api.courier import ApiCourier, let_go
from bot.on_web.admin_door import AdminDoor
from bot.on_web.app import build_app, close_streams
from bot.on_web.courier import WebCourier
from bot.on_web.guard import Bounds
from bot.on_web.session import Sessions, keep_secret, read_secret
from bot.settings import Settings
from bot.wiring import make_keeper, make_oversight
from engine.catalogue import Catalogue
from engine.images import MAX_BYTES
from engine.networks import Networks
from engine.painter import Painter
from engine.request import SEEDS
from engine.thread import EngineState, EngineThread
from storage.albums import Albums
from storage.audit import Audit
from storage.backup import Unfinished, require_finished
from storage.database import Database
from storage.facts import Facts
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

if TYPE_CHECKING:
    from PIL.Image import Image

log = structlog.get_logger(__name__)

FILE_THREADS = 2
DRAIN_S = 10.0
"""How long finished results may be on their way at the end."""
GRACE_S = 20.0
"""How long a painting may go on after SIGTERM before its job goes back into the line."""
PASSWORD_FILE = "web-password"  # noqa: S105 - the name of the file


class Chat(Protocol):
    """A platform that people write on: `run` it as a task, `close` it at the end."""

    @property
    def courier(self) -> Courier:
        """Who brings its results."""

    @property
    def state(self) -> str:
        """How it stands: connecting, connected, or refused."""

    async def run(self) -> None:
        """Be there until `close`."""

    async def close(self) -> None:
        """Leave."""


class CannotStart(Exception):
    """Something outside stands in the way; the text says what, in one line."""


async def serve(settings: Settings) -> None:
    """Run Atelier until SIGTERM or SIGINT. Raises `CannotStart`, `AlreadyRunning` and the like."""
    logging_setup.set_up(settings.log, secrets=settings.secrets)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # what it tells, we tell
    catalogue = Catalogue.read(settings.model_folders)
    networks = Networks.read(settings.model_folders)
    for name, reason in (catalogue.broken | networks.broken).items():
        log.error("a model cannot be used", model=name, reason=reason)
    if settings.model not in catalogue.models:
        known = ", ".join(catalogue.models)
        raise CannotStart(f"ATELIER_MODEL: no model is called {settings.model!r} (known: {known})")
    with _listening(settings) as listening:
        try:
            require_finished(settings.data)
            db = await Database.open(settings.data)
        except Unfinished as error:
            raise CannotStart(str(error)) from None
        except OSError as error:
            raise CannotStart(f"the data folder {settings.data} cannot be used: {error}") from None
        try:
            await _serve(settings, catalogue, networks, db, listening)
        finally:
            await db.close()


async def _serve(
    settings: Settings,
    catalogue: Catalogue,
    networks: Networks,
    db: Database,
    listening: socket.socket,
) -> None:
    jobs, speeds = Jobs(db), Speeds(db)
    pictures = Pictures(db, settings.data / "pictures")
    sources = Sources(db, settings.data / "sources")
    prompts, forgetting = Prompts(db), Forgetting(db)
    disk = Disk(settings.data, settings.reserve_bytes)
    diary = Diary(Incidents(db), secrets=settings.secrets)
    meter = Meter(version=version("atelier"), on_refusal=diary.refused)
    swaps = Swaps(speeds=speeds, catalogue=catalogue, memory_bytes=settings.memory_bytes)
    engine = EngineThread(
        lambda: _make_painter(settings, catalogue, networks, meter, swaps),
        warm=(settings.model,),
        metadata=settings.metadata,
        make_judge=_judge_of(settings),
    )
    files = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="files")
    estimates = Estimates(speeds=speeds, catalogue=catalogue, networks=networks)
    line = Line(jobs=jobs, estimates=estimates, engine=engine, swaps=swaps)
    announcer = Announcer()
    deliverer = Deliverer(
        jobs=jobs, pictures=pictures, couriers=[WebCourier(), ApiCourier()], meter=meter
    )
    places = Places(db)
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
        attempts=settings.attempts,
        swaps=swaps,
        veils=Veils(
            places=places,
            judged=settings.safety_model is not None,
            flagged=settings.safety_flagged,
            harm=settings.safety_threshold,
        ),
    )
    people, members = People(db), Members(db)
    farewell = Farewell(
        forgetting=forgetting, people=people, pictures=pictures, sources=sources, worker=worker
    )
    keeper = make_keeper(db, settings, pictures=pictures, sources=sources, farewell=farewell)
    album = Album(
        albums=Albums(db, prompts),
        prompts=prompts,
        jobs=jobs,
        pictures=pictures,
        files=files,
        most_pins=settings.pins,
    )
    studio = Studio(
        catalogue=catalogue,
        networks=networks,
        jobs=jobs,
        people=people,
        places=places,
        members=members,
        pictures=pictures,
        sources=sources,
        line=line,
        announcer=announcer,
        worker=worker,
        album=album,
        farewell=farewell,
        disk=disk,
        files=files,
        settings=settings,
        draw_seed=lambda: secrets.randbelow(SEEDS),
        clock=time.time,
        meter=meter,
    )
    office = Office(
        catalogue=catalogue,
        studio=studio,
        jobs=jobs,
        people=people,
        places=places,
        members=members,
        audit=Audit(db),
        worker=worker,
        settings=settings,
    )
    web_secret = read_secret(settings.data)
    links = Links(base=settings.web_url, secret=web_secret, pictures=pictures)
    fitting = ThreadPoolExecutor(1, thread_name_prefix="fitting")
    parcels = Parcels(pictures=pictures, files=files, fitting=fitting, links=links)
    chats: dict[str, Chat] = {}
    if settings.discord_token is not None:
        from bot.on_discord.bot import DiscordBot  # whoever does not use it does not wait for it

        chats["discord"] = DiscordBot(
            settings=settings,
            studio=studio,
            office=office,
            jobs=jobs,
            parcels=parcels,
            facts=Facts(db),
            announcer=announcer,
            came_back=lambda: deliverer.wake(back="discord"),
        )
    hook = None
    if settings.telegram_token is not None:
        from bot.on_telegram.bot import TelegramBot

        chats["telegram"] = telegram = TelegramBot(
            settings=settings,
            studio=studio,
            office=office,
            jobs=jobs,
            people=people,
            places=places,
            pictures=pictures,
            parcels=parcels,
            facts=Facts(db),
            announcer=announcer,
            came_back=lambda: deliverer.wake(back="telegram"),
        )
        hook = telegram.receive
    for chat in chats.values():
        deliverer.add(chat.courier)

    def chat_states() -> dict[str, str]:
        return {name: str(chat.state) for name, chat in chats.items()}

    async def measured() -> bytes:
        return meter.read(
            waiting=await jobs.line(),
            ready=engine.state is EngineState.ready,
            disk_full=disk.full,
            free_bytes=disk.free,
            chats=chat_states(),
        )

    oversight = make_oversight(
        db,
        settings,
        studio=studio,
        office=office,
        jobs=jobs,
        people=people,
        pictures=pictures,
        sources=sources,
        line=line,
        engine=engine,
        disk=disk,
        speeds=speeds,
        estimates=estimates,
        catalogue=catalogue,
        networks=networks,
        keeper=keeper,
        resident=lambda: swaps.resident,
        chats=chat_states,
    )
    password = _password(settings)
    secure = bool(settings.web_url and settings.web_url.startswith("https://"))
    app = build_app(
        studio=studio,
        sessions=Sessions(
            secret=web_secret,
            password=password,
            secure=secure,
        ),
        bounds=Bounds.for_address(
            settings.web_host,
            settings.web_url,
            password=password is not None,
            upload_bytes=MAX_BYTES,
        ),
        engine_state=lambda: engine.state,
        chats=chat_states,
        hook=hook if settings.telegram_webhook_url else None,
        links=links,
        proxies=settings.trusted_proxies,
        metrics=measured,
        metrics_token=(
            settings.metrics_token.get_secret_value() if settings.metrics_token else None
        ),
        keys=Keys(db),
        api_wait_s=settings.api_wait,
        door=_admin_door(settings, web_secret, secure=secure, password=password),
        oversight=oversight,
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
    await let_go(jobs)
    await engine.start()
    overhearing = Overhearing(diary)
    logging.getLogger().addHandler(overhearing)
    async with _running(worker, deliverer, chats, keeper, disk, meter, diary):
        serving = asyncio.create_task(page.serve([listening]), name="page")
        _say_where(settings, listening)
        await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        close_streams(app)
        page.should_exit = True
        await serving
        await worker.close(GRACE_S)
        await deliverer.drain(DRAIN_S)
        for chat in chats.values():
            await chat.close()
    await engine.close()
    logging.getLogger().removeHandler(overhearing)
    await diary.write()
    files.shutdown(wait=True)
    fitting.shutdown(wait=True)
    log.info("stopped")


class _Page(uvicorn.Server):
    """uvicorn without its own signal handlers: the order of the end is decided here."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _running(
    worker: Worker,
    deliverer: Deliverer,
    chats: Mapping[str, Chat],
    keeper: Keeper,
    disk: Disk,
    meter: Meter,
    diary: Diary,
) -> AsyncIterator[None]:
    """Those who work beside the page; the deliverer goes last, with what is done."""
    working = asyncio.create_task(worker.run(), name="worker")
    chatting = [
        asyncio.create_task(_keep_up(name, chat), name=name) for name, chat in chats.items()
    ]
    beside = [
        asyncio.create_task(deliverer.run(), name="deliverer"),
        asyncio.create_task(keeper.run(), name="keeper"),
        asyncio.create_task(disk.watch(worker.wake), name="disk"),
        asyncio.create_task(meter.watch_loop(), name="loop lag"),
        asyncio.create_task(diary.run(), name="diary"),
    ]
    try:
        yield
        await working
    finally:
        for task in (working, *chatting, *beside):
            task.cancel()
        await asyncio.gather(working, *chatting, *beside, return_exceptions=True)


async def _keep_up(name: str, chat: Chat) -> None:
    """Whatever happens to one chat, the page and the other one go on."""
    try:
        await chat.run()
    except Exception:
        log.exception("a chat has ended; Atelier goes on without it", platform=name)


def _judge_of(settings: Settings) -> Callable[[], Callable[[Image], float]] | None:
    """What makes the classifier of finished pictures, if there is to be one."""
    named, hub = settings.safety_model, settings.hub_access
    if named is None:
        return None

    def make() -> Callable[[Image], float]:
        from engine.safety import Classifier
        from engine.safety_model import classifier

        folder = classifier(named, settings.data / "cache" / "safety", hub)
        return Classifier(folder, threads=settings.painting_threads)

    return make


def _make_painter(
    settings: Settings, catalogue: Catalogue, networks: Networks, meter: Meter, swaps: Swaps
) -> Painter:
    # These take seconds; we are in the painting thread.
    from engine.diffusion import DiffusionPainter
    from engine.upscaler import Upscaler
    from engine.workshop import Workshop

    def loaded(model: str, seconds: float) -> None:
        meter.loaded(model, seconds)
        swaps.loaded(model, seconds)

    cache, threads = settings.data / "cache", settings.painting_threads
    memory = settings.memory_bytes
    painter = DiffusionPainter(
        catalogue,
        cache=cache,
        threads=threads,
        memory_bytes=memory,
        on_load=loaded,
        on_free=swaps.freed,
    )
    upscaler = Upscaler(networks, cache=cache, threads=threads, memory_bytes=memory)
    return Workshop(painter, upscaler, catalogue)


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
    if machine.is_loopback(settings.web_host):
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


def _admin_door(
    settings: Settings, secret: bytes, *, secure: bool, password: str | None
) -> AdminDoor | None:
    """The door of the admin view, where it has a password. Raises `CannotStart`."""
    if settings.admin_password is None:
        return None
    given = settings.admin_password.get_secret_value()
    if given == password:
        raise CannotStart(
            "ATELIER_ADMIN_PASSWORD is the password of the page: every visitor would be an admin"
        )
    return AdminDoor(secret=secret, password=given, secure=secure)


def _say_where(settings: Settings, listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    host = settings.web_host
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
    print(f"Atelier is here: {settings.web_url or f'http://{shown}:{port}'}", flush=True)
