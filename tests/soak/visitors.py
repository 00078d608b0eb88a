"""Restless people of the page: they ask, watch, cancel, upload, leave in the middle, come back."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.soak import wishes
from tests.soak.journal import Journal, pick

ACTS = {
    "ask": 40.0,
    "ask with flags": 12.0,
    "ask for nonsense": 4.0,
    "paint from an upload": 6.0,
    "upload what is no picture": 3.0,
    "again": 5.0,
    "vary": 5.0,
    "enlarge": 4.0,
    "second look": 2.0,
    "cancel": 8.0,
    "look around": 14.0,
    "fetch": 10.0,
    "keep": 3.0,
    "delete": 3.0,
    "leave in the middle": 6.0,
    "send rubbish": 4.0,
    "forget me": 0.5,
}
PAGES = (
    "/",
    "/api/models",
    "/api/styles",
    "/api/upscalers",
    "/api/me",
    "/api/jobs",
    "/api/pictures",
    "/api/jobs?search=fox",
    "/api/pictures?search=castle&limit=5",
    "/healthz",
)
FULL = 507
PATIENCE_S = 45.0


@dataclass(slots=True, kw_only=True)
class Visitor:
    """One person with a browser, and everything they were promised."""

    number: int
    url: str
    chance: random.Random
    journal: Journal
    client: httpx.AsyncClient = field(init=False)
    accepted: dict[str, int] = field(default_factory=dict)
    """Jobs that were taken on, with their number of pictures; None forgets them."""
    forgotten: set[str] = field(default_factory=set)
    pictures: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    doubtful: list[tuple[str, str, dict[str, Any] | None]] = field(default_factory=list)
    """Requests whose answer got lost: key, path and body; the key finds out what became of them."""
    _keys: int = 0

    def __post_init__(self) -> None:
        address = f"10.1.{self.number // 250}.{self.number % 250 + 1}"
        self.client = httpx.AsyncClient(
            base_url=self.url, timeout=PATIENCE_S, headers={"X-Forwarded-For": address}
        )

    async def live(self) -> None:
        """Go on until cancelled; a server that is away only makes them try again later."""
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "ask": self._ask,
            "ask with flags": self._ask_with_flags,
            "ask for nonsense": self._ask_nonsense,
            "paint from an upload": self._from_upload,
            "upload what is no picture": self._no_picture,
            "again": self._again,
            "vary": self._vary,
            "enlarge": self._enlarge,
            "second look": self._second_look,
            "cancel": self._cancel,
            "look around": self._look_around,
            "fetch": self._fetch,
            "keep": self._keep,
            "delete": self._delete,
            "leave in the middle": self._leave,
            "send rubbish": self._rubbish,
            "forget me": self._forget,
        }
        known = False
        while True:
            await asyncio.sleep(self.chance.uniform(0.5, 4.0))
            try:
                if not known:  # the first answer brings the cookie
                    known = (await self._send("GET", "/api/me")).status_code == 200
                elif self.doubtful:
                    await self.settle()
                else:
                    await acts[pick(self.chance, ACTS)]()
            except (httpx.TransportError, ConnectionError):
                self.journal.count("page: connections lost")

    async def watch(self) -> None:
        """Listen to the stream of all events, and now and then leave it without a word."""
        while True:
            await asyncio.sleep(self.chance.uniform(0.5, 3.0))
            try:
                async with (
                    asyncio.timeout(self.chance.uniform(5.0, 60.0)),
                    self.client.stream("GET", "/api/events", timeout=120) as stream,
                ):
                    async for line in stream.aiter_lines():
                        if line.startswith("event:"):
                            self.journal.count("page: events")
            except (httpx.TransportError, TimeoutError):
                continue

    async def settle(self) -> None:
        """Repeat what got no answer; the key keeps it from being done twice."""
        for each in list(self.doubtful):
            await self._submit(*each)

    async def close(self) -> None:
        """Close the browser."""
        await self.client.aclose()

    # -- asking

    async def _ask(self) -> None:
        wanted: dict[str, Any] = {"prompt": wishes.prompt(self.chance)}
        wanted["steps"] = self.chance.randint(1, 4)
        if self.chance.random() < 0.25:
            wanted["count"] = self.chance.randint(1, 4)
        if self.chance.random() < 0.1:
            wanted["upscale"] = 2
        await self._order("/api/jobs", wanted)

    async def _ask_with_flags(self) -> None:
        await self._order("/api/jobs", {"prompt": wishes.flagged(self.chance), "flags": True})

    async def _ask_nonsense(self) -> None:
        await self._order("/api/jobs", {"prompt": wishes.odd(self.chance), "flags": True})

    async def _from_upload(self) -> None:
        answer = await self._send("POST", "/api/sources", content=wishes.picture(self.chance))
        if answer.status_code != 201:
            return
        source = answer.json()["source"]
        if self.chance.random() < 0.4:
            await self._order("/api/upscales", {"source": source, "scale": 2})
        else:
            wanted = {"prompt": wishes.prompt(self.chance), "source": source, "steps": 4}
            await self._order("/api/jobs", wanted)

    async def _no_picture(self) -> None:
        answer = await self._send("POST", "/api/sources", content=wishes.broken(self.chance))
        self.journal.count("page: broken uploads refused" if answer.is_error else "page: uploads")

    async def _again(self) -> None:
        if self.accepted:
            await self._order(f"/api/jobs/{self._job()}/again", None)

    async def _vary(self) -> None:
        if self.pictures:
            wanted = {"strong": self.chance.random() < 0.5}
            await self._order(f"/api/pictures/{self._picture()}/vary", wanted)

    async def _enlarge(self) -> None:
        if self.pictures:
            wanted = {"source": f"picture:{self._picture()}", "scale": 2}
            await self._order("/api/upscales", wanted)

    async def _second_look(self) -> None:
        if self.pictures:
            await self._order(f"/api/pictures/{self._picture()}/second-look", None)

    async def _order(self, path: str, wanted: dict[str, Any] | None) -> None:
        self._keys += 1
        key = f"{self.number}-{self._keys}"
        self.doubtful.append((key, path, wanted))
        await self._submit(key, path, wanted)

    async def _submit(self, key: str, path: str, wanted: dict[str, Any] | None) -> None:
        began = time.monotonic()
        answer = await self._send("POST", path, json=wanted, headers={"Idempotency-Key": key})
        self.doubtful = [each for each in self.doubtful if each[0] != key]
        self.journal.count("page: asks")
        self.journal.waits["page"].append(time.monotonic() - began)
        if answer.status_code == 202:
            job = answer.json()
            if self.accepted.setdefault(job["id"], job["count"]) != job["count"]:
                self.journal.strange.append(f"page: {job['id']} changed its count")
            self.journal.count("page: accepted")
        else:
            self.journal.count(f"page: refused, {answer.json()['code']}")

    # -- the rest

    async def _cancel(self) -> None:
        if self.accepted:
            await self._send("POST", f"/api/jobs/{self._job(newest=True)}/cancel")

    async def _look_around(self) -> None:
        await self._send("GET", self.chance.choice(PAGES))

    async def _fetch(self) -> None:
        if not self.accepted:
            return
        job = (await self._send("GET", f"/api/jobs/{self._job(newest=True)}")).json()
        for picture in job.get("pictures", []):
            if picture["id"] not in self.pictures:
                self.pictures.append(picture["id"])
            ending = self.chance.choice(["", "/thumbnail", "?download=true"])
            await self._send("GET", f"/api/pictures/{picture['id']}{ending}")

    async def _keep(self) -> None:
        if self.pictures:
            method = self.chance.choice(["PUT", "DELETE"])
            await self._send(method, f"/api/pictures/{self._picture()}/pin")

    async def _delete(self) -> None:
        if self.pictures:
            picture = self._picture()
            await self._send("DELETE", f"/api/pictures/{picture}")
            self.pictures = deque((p for p in self.pictures if p != picture), maxlen=20)

    async def _leave(self) -> None:
        """Go away while the server is still reading, or still answering."""
        host, port = self.client.base_url.host, self.client.base_url.port
        _, writer = await asyncio.open_connection(host, port)
        head = f"Host: {host}:{port}\r\n"
        half = {
            "upload": f"POST /api/sources HTTP/1.1\r\n{head}Content-Length: 900000\r\n\r\nhalf",
            "json": f'POST /api/jobs HTTP/1.1\r\n{head}Content-Length: 500\r\n\r\n{{"prompt": "a',
            "page": f"GET / HTTP/1.1\r\n{head}\r\n",
            "nothing": "GET /api/",
        }
        writer.write(half[self.chance.choice(list(half))].encode())
        await writer.drain()
        await asyncio.sleep(self.chance.uniform(0.0, 2.0))
        writer.transport.abort()
        self.journal.count("page: left in the middle")

    async def _rubbish(self) -> None:
        bodies = (b"", b"{", b"null", b"[]", b'{"prompt": 7}', b'{"prompt": "x", "steps": 1e99}')
        path = self.chance.choice(["/api/jobs", "/api/upscales", "/api/pictures/x/vary", "/api/x"])
        answer = await self._send(
            "POST",
            path,
            content=self.chance.choice(bodies),
            headers={"Content-Type": "application/json"},
        )
        if not answer.is_error:
            self.journal.strange.append(f"page: rubbish at {path} got {answer.status_code}")

    async def _forget(self) -> None:
        self.forgotten |= set(self.accepted)
        self.accepted.clear()
        self.pictures.clear()
        if (await self._send("POST", "/api/forget")).status_code == 200:
            self.journal.count("page: forgotten")

    # -- at the end

    async def check(self, sums: dict[str, str]) -> None:
        """Look at everything that was promised; `sums` are those of all stored pictures."""
        for job, count in self.accepted.items():
            found = (await self._send("GET", f"/api/jobs/{job}")).json()
            if found.get("state") not in ("done", "failed", "cancelled"):
                self.journal.strange.append(f"page: {job} is {found}"[:300])
            elif not found["message"]:
                self.journal.strange.append(f"page: {job} ended without a word")
            pictures = found.get("pictures", [])
            if len(pictures) > count:
                self.journal.strange.append(f"page: {job} has too many pictures")
            for picture in pictures[:1]:
                data = (await self._send("GET", f"/api/pictures/{picture['id']}")).content
                if hashlib.sha256(data).hexdigest() != sums.get(picture["id"]):
                    self.journal.strange.append(f"page: {picture['id']} is not what was stored")
        for job in self.forgotten:
            found = (await self._send("GET", f"/api/jobs/{job}")).json()
            if found.get("prompt"):
                self.journal.strange.append(f"page: {job} was not forgotten")

    async def used(self) -> float:
        """What the server says they have used."""
        return float((await self._send("GET", "/api/me")).json()["used"])

    async def _send(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Send it; every answer has to be one that the API knows."""
        answer = await self.client.request(method, path, **given)
        code = answer.status_code
        if code >= 500 and code != FULL:
            told = f"page: {method} {path} {str(given)[:200]} got {code}: {answer.text[:200]}"
            self.journal.strange.append(told)
        if answer.is_error:
            try:
                worded = bool(answer.json()["message"])
            except (json.JSONDecodeError, KeyError, TypeError):
                worded = False
            if not worded:
                self.journal.strange.append(f"page: {method} {path} got {code} without a word")
        return answer

    def _job(self, *, newest: bool = False) -> str:
        jobs = list(self.accepted)
        return self.chance.choice(jobs[-3:] if newest else jobs[-30:])

    def _picture(self) -> str:
        return self.chance.choice(self.pictures)
