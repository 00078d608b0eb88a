"""People of the page as programs: each with a cookie and connections of their own."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

ENDLESS = aiohttp.ClientTimeout(total=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One event as it arrived, at `at` (monotonic seconds, alike in all processes)."""

    at: float
    name: str
    data: Mapping[str, Any]


class Visitor:
    """One person of the page; enter it for the first visit, which brings the cookie."""

    def __init__(self, url: str, cookie: str | None = None) -> None:
        self._url = url
        self.cookie = cookie
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Visitor:
        jar = aiohttp.DummyCookieJar()
        self._session = aiohttp.ClientSession(self._url, cookie_jar=jar, timeout=ENDLESS)
        async with self._session.get("/api/me", headers=self._headers) as answer:
            answer.raise_for_status()
            await answer.read()
            if self.cookie is None:
                self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, **wanted: Any) -> dict[str, Any]:
        """Submit a job; what is refused raises."""
        async with self._session.post("/api/jobs", json=wanted, headers=self._headers) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found

    async def events(self) -> AsyncIterator[Heard]:
        """All events of all their jobs, as an open page gets them."""
        name, data = "", ""
        async with self._session.get("/api/events", headers=self._headers) as answer:
            answer.raise_for_status()
            async for raw in answer.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    data = line[6:]
                elif not line and name:
                    yield Heard(at=time.monotonic(), name=name, data=json.loads(data))
                    name = ""
                elif line.startswith("retry: "):
                    yield Heard(at=time.monotonic(), name="open", data={})

    @property
    def _headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie} if self.cookie else {}


@asynccontextmanager
async def visitors(url: str, count: int) -> AsyncIterator[list[Visitor]]:
    """So many people, each of whom has been here before."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Visitor(url)) for _ in range(count)]
