"""The real `atelier serve` beside this Telegram, at its most talkative, and what it keeps."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.loopback_telegram.driver import TOKEN, Telegram
from tests.serving import Serving, serving

SECRET = TOKEN.partition(":")[2]
TALKATIVE = """
import logging

logging.root.level = logging.DEBUG


def _debug(self, level):
    self.level = logging.DEBUG


logging.Logger.setLevel = _debug
"""
"""Read by Python at its start: whatever a logger is told, it says everything."""


@dataclass(frozen=True, slots=True)
class Row:
    """One job as the database has it."""

    public: str
    state: str
    ask: str
    message: str | None
    finished_at: int | None
    delivered_at: int | None

    @property
    def delivered(self) -> bool:
        return self.delivered_at is not None


@dataclass(slots=True, kw_only=True)
class Running:
    """One Atelier on one Telegram."""

    telegram: Telegram
    server: Serving

    def jobs(self) -> list[Row]:
        """All jobs of all platforms, the oldest first."""
        file = self.server.data / "atelier.sqlite"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
            rows = db.execute(
                "SELECT public, state, ask, message, finished_at, delivered_at"
                " FROM jobs ORDER BY id"
            ).fetchall()
        return [Row(*row) for row in rows]

    def calm(self) -> bool:
        """Whether every update it has fetched is worked off."""
        file = self.server.data / "atelier.sqlite"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT value FROM facts WHERE name = 'telegram:inbox'").fetchone()
        return row is None or not json.loads(row[0]).get("open")

    async def until_jobs(self, holds: Callable[[list[Row]], object], within: float = 90.0) -> None:
        """Wait for something in the database."""
        async with asyncio.timeout(within):
            while not holds(self.jobs()):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.1)

    async def start(self) -> None:
        """Start the process and wait until Telegram and the page are there."""
        await asyncio.to_thread(self.server.start)
        await self.connected()

    async def connected(self) -> None:
        await self.health(lambda told: told.get("telegram") == "connected")

    async def warm(self) -> None:
        """Wait until it can paint at once."""
        await asyncio.to_thread(self.server.wait_until_ready)

    async def health(self, holds: Callable[[dict[str, object]], bool]) -> None:
        """Wait until /healthz tells what is wanted."""
        await asyncio.to_thread(self.server.wait_until, holds)

    async def page(self) -> int:
        """The status of the page, for somebody who opens it."""
        async with httpx.AsyncClient() as http:
            return (await http.get(self.server.url)).status_code

    def log(self) -> str:
        return self.server.log.read_text(errors="replace", encoding="utf-8")

    def check_log(self) -> None:
        """The token is in none of its many lines."""
        text = self.log()
        assert "httpcore" in text, "the log says less than it could"
        leaks = [line for line in text.splitlines() if SECRET in line]
        assert leaks == []


@asynccontextmanager
async def open_atelier(
    telegram: Telegram,
    data: Path,
    *,
    start: bool = True,
    talkative: bool = True,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Running]:
    """Atelier with this Telegram; at the end its log is searched for the token.

    `talkative` makes every logger say everything, which costs time.
    """
    environment = {"ATELIER_TELEGRAM_TOKEN": TOKEN, "ATELIER_TELEGRAM_API_URL": telegram.url}
    if talkative:
        folder = data.parent / "talkative"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(TALKATIVE, encoding="utf-8")
        environment["PYTHONPATH"] = str(folder)
    with serving(data, start=False, **(environment | dict(settings or {}))) as server:
        running = Running(telegram=telegram, server=server)
        if start:
            await running.start()
        yield running
    if talkative:
        running.check_log()
