"""The command `atelier doctor`: looks at everything Atelier needs, and says what to do about it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from bot import health, machine
from bot.settings import Settings, SettingsError, load
from engine.catalogue import Catalogue
from engine.networks import Networks
from storage.backup import Unfinished, require_finished
from storage.database import FILE, Database
from storage.errors import NewerDatabase

PATIENCE_S = 8.0
DRIFT_S = 30.0
LEAST_MEMORY = 2e9
LEAST_DISK = 1e9
DISCORD = "https://discord.com/api/v10"
TELEGRAM = "https://api.telegram.org"
WANTED = ("avx2", "fma", "f16c")
FASTER = ("avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
"""Instruction sets: without the first painting crawls, each of the others makes it faster."""


class Level(StrEnum):
    """How bad it is."""

    ok = "ok"
    warning = "warning"
    problem = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what to do about it if anything."""

    about: str
    level: Level = Level.ok
    said: str
    do: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a platform said: its status (None: it was not reached), and how late our clock is."""

    status: int | None
    said: str
    body: dict[str, object]
    behind_s: float | None = None


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add it to the command line."""
    made = commands.add_parser(
        "doctor",
        help="look at everything Atelier needs, and say what to do",
        description="Check Python, processors, memory, disk, database, models, tokens (which are "
        "never printed), the platforms, the clock and the port. Exit code 1: something is wrong.",
    )
    made.add_argument("--offline", action="store_true", help="ask no platform anything")


def main(arguments: argparse.Namespace) -> int:
    """Look, print, and return 0, or 1 when there is a problem."""
    try:
        settings = load()
    except SettingsError as error:
        findings = [
            Finding(
                about="settings",
                level=Level.problem,
                said=line,
                do="correct it where it is set: the environment, .env, or the file it names",
            )
            for line in error.lines
        ]
    else:
        findings = list(examine(settings, offline=arguments.offline))
    for each in findings:
        print(f"{each.level:8} {each.about:12} {each.said}")
        if each.do:
            print(f"{'':8} {'':12} → {each.do}")
    worst = {each.level for each in findings}
    print(
        "Something has to be done."
        if Level.problem in worst
        else "It works; some things could be better."
        if Level.warning in worst
        else "All is well."
    )
    return 1 if Level.problem in worst else 0


def examine(settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Everything, in the order in which it would stop a start."""
    yield from _python()
    yield from _processors(settings)
    yield from _memory(settings)
    yield from _disk(settings)
    yield from _database(settings)
    yield from _models(settings)
    yield from _port(settings)
    yield from _proxy(settings)
    answers = [] if offline else list(_asked(settings))
    for name, answer in answers:
        yield _platform(name, answer)
    yield _clock([answer for _, answer in answers])


def _python() -> Iterator[Finding]:
    # An older Python does not come as far as here: `make` and pip refuse it.
    said = f"{platform.python_version()}, {platform.machine()}"
    yield Finding(about="python", said=said)
    for name in ("torch", "diffusers", "optimum-intel", "transformers", "openvino"):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding(
                about="libraries",
                level=Level.problem,
                said=f"{name} is not installed",
                do="`make run` installs what is missing",
            )
            continue
        if name == "torch" and "+cu" in version:
            yield Finding(
                about="libraries",
                level=Level.warning,
                said=f"torch {version} is a build for graphics cards",
                do="the CPU build is gigabytes smaller: `make clean run` installs it",
            )


def _processors(settings: Settings) -> Iterator[Finding]:
    cores, threads = machine.processors(), settings.painting_threads
    if threads > cores:
        yield Finding(
            about="processors",
            level=Level.warning,
            said=f"{threads} threads are to paint on {cores} processors",
            do=f"set ATELIER_THREADS to {cores} or 0: more of them get in each other's way",
        )
    else:
        yield Finding(about="processors", said=f"{cores} to use, {threads} threads paint")
    sets = machine.instruction_sets()
    if not sets:
        yield Finding(about="instructions", said=f"{platform.machine()}: not listed here")
    elif missing := [each for each in WANTED if each not in sets]:
        yield Finding(
            about="instructions",
            level=Level.warning,
            said=f"{', '.join(missing)} missing",
            do="painting will be slow; in a virtual machine, pass the host's processor through",
        )
    else:
        faster = [each for each in FASTER if each in sets]
        yield Finding(about="instructions", said=", ".join([*WANTED, *faster]))


def _memory(settings: Settings) -> Iterator[Finding]:
    whole, models = machine.memory_bytes(), settings.memory_bytes
    said = f"{whole / 1e9:.1f} GB to use, {models / 1e9:.1f} GB of it for models"
    if whole < LEAST_MEMORY:
        yield Finding(
            about="memory",
            level=Level.warning,
            said=said,
            do="2 GB are the least for comfort: give the machine or the container more",
        )
    elif models > 0.9 * whole:
        yield Finding(
            about="memory",
            level=Level.warning,
            said=said,
            do="leave the rest of the machine something: ATELIER_MEMORY=70%",
        )
    else:
        yield Finding(about="memory", said=said)


def _disk(settings: Settings) -> Iterator[Finding]:
    data = settings.data
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=data, suffix=".tmp") as probe:
            probe.write(b"probe")
            os.fsync(probe.fileno())
    except OSError as error:
        yield Finding(
            about="disk",
            level=Level.problem,
            said=f"{data} cannot be written: {error.strerror or error}",
            do="give it to the user who runs Atelier, or choose another with ATELIER_DATA",
        )
        return
    free, reserve = shutil.disk_usage(data).free, settings.reserve_bytes
    said = f"{data}: {free / 1e9:.1f} GB free, {reserve / 1e9:.1f} GB of it are left alone"
    if free < reserve:
        yield Finding(
            about="disk",
            level=Level.problem,
            said=said,
            do="no job is taken like this: make room, or lower ATELIER_DISK_RESERVE",
        )
    elif free < reserve + LEAST_DISK:
        yield Finding(
            about="disk",
            level=Level.warning,
            said=said,
            do="make room soon: `atelier gc --dry-run` shows what could go",
        )
    else:
        yield Finding(about="disk", said=said)


def _database(settings: Settings) -> Iterator[Finding]:
    file = settings.data / FILE
    try:
        require_finished(settings.data)
    except Unfinished as error:
        yield Finding(about="database", level=Level.problem, said=str(error), do="do that")
        return
    if not file.exists():
        yield Finding(about="database", said="none yet; the first start makes it")
        return
    try:
        sound, size = asyncio.run(_sound(settings.data)), file.stat().st_size
    except NewerDatabase as error:
        newer = error.found > error.known
        yield Finding(
            about="database",
            level=Level.problem if newer else Level.ok,
            said=f"its version is {error.found}, this program knows {error.known}",
            do="install the newer Atelier again, or restore a backup from before it"
            if newer
            else "the next start brings it up to date, and leaves a copy beside it",
        )
    except Exception as error:
        yield Finding(
            about="database",
            level=Level.problem,
            said=f"{file} cannot be read: {error}",
            do="`atelier restore` a backup, with --replace",
        )
    else:
        yield Finding(
            about="database",
            level=Level.ok if sound == "ok" else Level.problem,
            said=f"{size / 1e6:.1f} MB, " + ("sound" if sound == "ok" else f"damaged: {sound}"),
            do="" if sound == "ok" else "`atelier restore` a backup, with --replace",
        )


async def _sound(folder: Path) -> str:
    db = await Database.beside(folder)
    try:
        (said,) = (await db.read("PRAGMA quick_check(1)"))[0]
        return str(said)
    finally:
        await db.close()


def _models(settings: Settings) -> Iterator[Finding]:
    models, networks = Catalogue.read(settings.model_folders), Networks.read(settings.model_folders)
    yield Finding(about="models", said=", ".join([*models.models, *networks.networks]))
    if settings.model not in models.models:
        yield Finding(
            about="models",
            level=Level.problem,
            said=f"none is called {settings.model}",
            do="name one of these in ATELIER_MODEL, or add its folder to ATELIER_MODELS",
        )
    for name, reason in {**models.broken, **networks.broken}.items():
        yield Finding(
            about="models",
            level=Level.warning,
            said=f"{name} cannot be used: {reason}",
            do="mend or remove its folder in ATELIER_MODELS",
        )


def _port(settings: Settings) -> Iterator[Finding]:
    where = f"{settings.web_host}:{settings.web_port}"
    try:
        said = health.ask(settings)
    except ConnectionRefusedError:
        yield Finding(about="server", said=f"none runs on {where}; the port is free")
    except (OSError, ValueError) as error:
        yield Finding(
            about="server",
            level=Level.problem,
            said=f"something else answers on {where}: {error}",
            do="stop it, or choose another with ATELIER_WEB_PORT",
        )
    else:
        well = said.get("ok") is True
        yield Finding(
            about="server",
            level=Level.ok if well else Level.problem,
            said=f"runs on {where}: " + ", ".join(f"{key} {value}" for key, value in said.items()),
            do="" if well else "its log says why; restart it when that is mended",
        )


def _proxy(settings: Settings) -> Iterator[Finding]:
    """What is easily forgotten when the page stands behind a reverse proxy."""
    public = settings.web_url is not None or bool(settings.trusted_proxies)
    if not public:
        return
    if not settings.trusted_proxies:
        yield Finding(
            about="proxy",
            level=Level.warning,
            said="all visitors through it have its address: one budget for all of them",
            do="name its address in ATELIER_TRUSTED_PROXIES",
        )
    elif settings.web_url is None:
        yield Finding(
            about="proxy",
            level=Level.warning,
            said="the public address is not known, so links in chats do not lead to the page",
            do="set ATELIER_WEB_URL to it",
        )
    else:
        yield Finding(about="proxy", said=f"{settings.web_url}, its visitors count by themselves")
    if settings.web_password is None and machine.is_loopback(settings.web_host):
        yield Finding(
            about="password",
            level=Level.warning,
            said="whoever finds the public address can paint",
            do="set ATELIER_WEB_PASSWORD, unless the proxy asks for one",
        )


def _asked(settings: Settings) -> Iterator[tuple[str, Answer]]:
    if settings.discord_token is not None:
        url = (settings.discord_api_url or DISCORD).rstrip("/") + "/users/@me"
        yield "discord", _ask(url, token=settings.discord_token.get_secret_value())
    if settings.telegram_token is not None:
        root = (settings.telegram_api_url or TELEGRAM).rstrip("/")
        yield "telegram", _ask(f"{root}/bot{settings.telegram_token.get_secret_value()}/getMe")


def _ask(url: str, *, token: str | None = None, now: Callable[[], float] = time.time) -> Answer:
    """One request; neither the address nor the token get into what is returned."""
    headers = {"User-Agent": "DiscordBot (https://example.org, 1)"}
    if token is not None:
        headers["Authorization"] = f"Bot {token}"
    status: int | None
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http(s) by settings
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            status, date, body = answer.status, answer.headers["Date"], answer.read(100_000)
    except urllib.error.HTTPError as error:
        status, date, body = error.code, error.headers["Date"], b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None)
        return Answer(status=None, said=str(reason or type(error).__name__), body={})
    behind = parsedate_to_datetime(date).timestamp() - now() if date else None
    try:
        content = json.loads(body) if body else {}
    except ValueError:
        content = {}
    return Answer(
        status=status,
        said=f"HTTP {status}",
        body=content if isinstance(content, dict) else {},
        behind_s=behind,
    )


def _platform(name: str, answer: Answer) -> Finding:
    setting = f"ATELIER_{name.upper()}_TOKEN"
    if answer.status is None:
        return Finding(
            about=name,
            level=Level.problem,
            said=f"cannot be reached: {answer.said}",
            do="check the network, its proxy and its name server; the page works without",
        )
    if answer.status == 200:
        told = answer.body.get("result", answer.body)
        who = told.get("username", "?") if isinstance(told, dict) else "?"
        return Finding(about=name, said=f"the token is right, the bot is called {who}")
    if answer.status in (401, 403, 404):
        return Finding(
            about=name,
            level=Level.problem,
            said=f"refuses the token ({answer.said})",
            do=f"make a new one where you made the bot, and put it into {setting}",
        )
    return Finding(
        about=name,
        level=Level.warning,
        said=f"answers with {answer.said}",
        do="try again in a while; Atelier does so by itself",
    )


def _clock(answers: list[Answer]) -> Finding:
    drifts = [each.behind_s for each in answers if each.behind_s is not None]
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if not drifts:
        return Finding(about="clock", said=f"{now}, compared with nobody's")
    drift = min(drifts, key=abs)
    if abs(drift) > DRIFT_S:
        return Finding(
            about="clock",
            level=Level.problem,
            said=f"{now}, {abs(drift):.0f} s {'behind' if drift > 0 else 'ahead'}",
            do="let it be set by time servers (`timedatectl set-ntp true`): budgets and delivery "
            "go by it",
        )
    return Finding(about="clock", said=f"{now}, right")
