"""The gateway: HELLO, heartbeats, IDENTIFY, RESUME with replay, and every way to lose it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT = 0, 1, 2, 3, 6, 7
REQUEST_MEMBERS, INVALID, HELLO, ACK = 8, 9, 10, 11
PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15
ASTRAY = "wss://gateway-us-east1-b.discord.invalid"
"""Where READY sends those who did not override it: nowhere."""


@dataclass(kw_only=True, eq=False)
class Session:
    """What one IDENTIFY began: everything it was sent, to be sent again after a RESUME."""

    id: str
    shard: list[int]
    intents: int
    sequence: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)
    link: Link | None = None


class Link:
    """One socket with its zlib stream."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.beats = 0
        self._deflate = zlib.compressobj()

    async def send(self, payload: dict[str, Any]) -> None:
        """One payload, flushed so that it can be read at once."""
        data = json.dumps(payload).encode()
        packed = self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        with contextlib.suppress(ConnectionError):
            await self.socket.send_bytes(packed)


class Gateway:
    """All sessions and links of the one bot."""

    def __init__(
        self,
        *,
        token: str,
        ready: Callable[[], dict[str, Any]],
        guilds: Callable[[], list[dict[str, Any]]],
        failures: list[str],
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self.identified = self.resumed = self.heartbeats = 0
        self.intents = 0
        self.heartbeat_ms = 41_250
        self.resume_url = ASTRAY
        self.refuse_links = False
        """While true, nobody gets in: the gateway is away."""
        self.changed = asyncio.Condition()
        self._token, self._ready, self._guilds = token, ready, guilds
        self._failures = failures
        self._links: set[Link] = set()

    @property
    def connected(self) -> bool:
        """Whether a bot listens at this moment."""
        return any(session.link for session in self.sessions.values())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The websocket route."""
        if self.refuse_links:
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=4096, compress=False)
        await socket.prepare(request)
        query = dict(request.query)
        if query != {"v": "10", "encoding": "json", "compress": "zlib-stream"}:
            self._failures.append(f"gateway opened with {query}")
            await socket.close(code=4012)
            return socket
        link = Link(socket)
        self._links.add(link)
        try:
            await link.send(_payload(HELLO, {"heartbeat_interval": self.heartbeat_ms}))
            async for message in socket:
                if message.type is not WSMsgType.TEXT or not await self._receive(
                    link, json.loads(message.data)
                ):
                    break
        finally:
            self._links.discard(link)
            if link.session is not None and link.session.link is link:
                link.session.link = None
            await self._tell()
        return socket

    async def dispatch(self, event: str, data: dict[str, Any], *, guild: int = 0) -> None:
        """An event for every session of that shard; kept for those that are away."""
        for session in list(self.sessions.values()):
            if (guild >> 22) % session.shard[1] == session.shard[0]:
                await self._give(session, event, data)

    async def until_connected(self, patience_s: float = 60.0) -> None:
        """Wait until a bot has a session and listens."""
        await self.until(lambda: self.connected, patience_s)

    async def until(self, holds: Callable[[], object], patience_s: float = 60.0) -> None:
        """Wait until `holds`, asked again after everything that happens here."""
        async with asyncio.timeout(patience_s), self.changed:
            await self.changed.wait_for(holds)

    async def drop(self, code: int | None = None) -> None:
        """Lose the sockets: with a close code, or without a word."""
        for link in list(self._links):
            if code is not None:
                await link.socket.close(code=code)
            elif link.socket._req is not None and link.socket._req.transport is not None:
                link.socket._req.transport.abort()
        await self.until(lambda: not self.connected)

    async def ask_to_reconnect(self) -> None:
        """Op 7."""
        for link in list(self._links):
            await link.send(_payload(RECONNECT, None))

    async def invalidate(self, *, resumable: bool = False) -> None:
        """Op 9; unless resumable, the sessions are forgotten."""
        links = list(self._links)
        if not resumable:
            for session in self.sessions.values():
                session.link = None
            self.sessions.clear()
        for link in links:
            link.session = None
            await link.send(_payload(INVALID, resumable))

    def forget(self) -> None:
        """Forget every session, so that a RESUME is answered by op 9."""
        for session in self.sessions.values():
            session.link = None
        self.sessions.clear()

    async def close(self) -> None:
        """End every link."""
        for link in list(self._links):
            await link.socket.close(code=1001)

    async def _receive(self, link: Link, payload: dict[str, Any]) -> bool:
        op, data = payload.get("op"), payload.get("d")
        if op == HEARTBEAT:
            self.heartbeats += 1
            link.beats += 1
            await link.send(_payload(ACK, None))
        elif op == IDENTIFY:
            return await self._identify(link, data or {})
        elif op == RESUME:
            return await self._resume(link, data or {})
        elif op == PRESENCE:
            pass
        else:
            self._failures.append(f"gateway op {op} is not known here")
            await link.socket.close(code=4001)
            return False
        return True

    async def _identify(self, link: Link, data: dict[str, Any]) -> bool:
        needed = {"token", "properties", "intents"}
        known = needed | {"compress", "large_threshold", "shard", "presence"}
        if not needed <= set(data) <= known or link.session is not None:
            self._failures.append(f"IDENTIFY with {sorted(data)}")
            await link.socket.close(code=4005 if link.session else 4002)
            return False
        if data["token"] != self._token:
            await link.socket.close(code=4004)
            return False
        if data["intents"] & PRIVILEGED:
            self._failures.append(f"privileged intents in {data['intents']}")
            await link.socket.close(code=4014)
            return False
        shard = data.get("shard") or [0, 1]
        session = Session(id=secrets.token_hex(16), shard=shard, intents=data["intents"], link=link)
        self.sessions[session.id] = link_session = session
        link.session = link_session
        self.identified += 1
        self.intents = data["intents"]
        guilds = [each for each in self._guilds() if self._on(session, int(each["id"]))]
        ready = self._ready() | {
            "v": 10,
            "guilds": [{"id": each["id"], "unavailable": True} for each in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.resume_url,
            "shard": shard,
        }
        await self._give(session, "READY", ready)
        for each in guilds:
            await self._give(session, "GUILD_CREATE", each)
        await self._tell()
        return True

    async def _resume(self, link: Link, data: dict[str, Any]) -> bool:
        if set(data) != {"token", "session_id", "seq"}:
            self._failures.append(f"RESUME with {sorted(data)}")
        session = self.sessions.get(str(data.get("session_id")))
        if data.get("token") != self._token:
            await link.socket.close(code=4004)
            return False
        if session is None or int(data["seq"]) > session.sequence:
            await link.send(_payload(INVALID, False))
            return True
        session.link, link.session = link, session
        for payload in session.sent:
            if payload["s"] > int(data["seq"]):
                await link.send(payload)
        self.resumed += 1
        await self._give(session, "RESUMED", {})
        await self._tell()
        return True

    async def _give(self, session: Session, event: str, data: dict[str, Any]) -> None:
        session.sequence += 1
        payload = _payload(DISPATCH, data) | {"t": event, "s": session.sequence}
        session.sent.append(payload)
        if session.link is not None:
            await session.link.send(payload)

    @staticmethod
    def _on(session: Session, guild: int) -> bool:
        return (guild >> 22) % session.shard[1] == session.shard[0]

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


def _payload(op: int, data: object) -> dict[str, Any]:
    return {"op": op, "d": data, "s": None, "t": None}
