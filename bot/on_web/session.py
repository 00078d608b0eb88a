"""Owns who a visitor is: a signed cookie, the password at the door, the group of an address.

Knows neither jobs nor pages. A person of the page is a random id that nobody can guess or forge.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "atelier_person"
KEPT_S = 400 * 86400
"""How long browsers keep a cookie at most; it is renewed well before."""
RENEWED_S = 30 * 86400
SECRET_FILE = "web-secret"  # noqa: S105 - the name of the file, not its content


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever sent a request: `external` names the person, `address` the group of their address.

    `inside` is whether they may use the page: there is no password, or they gave it.
    """

    external: str
    address: str
    inside: bool
    fresh: bool = False


def read_secret(folder: Path) -> bytes:
    """The key of all signatures; made at the first start."""
    path = folder / SECRET_FILE
    if not path.exists():
        keep_secret(path, secrets.token_bytes(32))
    return path.read_bytes()


def keep_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, and that is never there by half."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def address_group(host: str | None) -> str:
    """The addresses that count as one: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ipaddress.ip_address((host or "").partition("%")[0])
    except ValueError:
        return host or "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


class Sessions:
    """Reads and writes the cookie, and checks the password."""

    def __init__(
        self,
        *,
        secret: bytes,
        password: str | None = None,
        secure: bool = False,
        clock: Callable[[], float] = time.time,
        new_external: Callable[[], str] = lambda: secrets.token_urlsafe(16),
    ) -> None:
        self._secret = secret
        self._password = password
        self._clock = clock
        self._new_external = new_external
        self._signer = URLSafeTimedSerializer(
            secret, salt="person", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self.secure = secure
        self.tries = Tries(clock=clock)

    @property
    def has_door(self) -> bool:
        """Whether visitors have to give a password."""
        return self._password is not None

    def visitor(self, cookie_header: str, host: str | None) -> Visitor:
        """Who sent this request; somebody new when the cookie is absent, forged or too old."""
        address = self._digest("address", address_group(host))
        try:
            content: dict[str, Any]
            content, signed = self._signer.loads(
                cookie_parser(cookie_header).get(COOKIE, ""), max_age=KEPT_S, return_timestamp=True
            )
            external, key = str(content["person"]), str(content.get("door", ""))
        except (BadSignature, KeyError, TypeError, AttributeError):
            external = self._new_external()
            return Visitor(external=external, address=address, inside=not self.has_door, fresh=True)
        return Visitor(
            external=external,
            address=address,
            inside=not self.has_door or hmac.compare_digest(key, self._door()),
            fresh=self._clock() - signed.timestamp() > RENEWED_S,
        )

    def cookie(self, visitor: Visitor, *, secure: bool = False) -> str:
        """The Set-Cookie header that makes this visitor known again.

        `secure`: they came over HTTPS, so it is never to go over anything else.

        SameSite=Lax rather than Strict: with Strict, whoever follows a link to the page would
        arrive without a cookie and lose their pictures to a new one.
        """
        content = {"person": visitor.external}
        if visitor.inside and self.has_door:
            content["door"] = self._door()
        value = self._signer.dumps(content)
        only = "; Secure" if secure or self.secure else ""
        return f"{COOKIE}={value}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax{only}"

    def admit(self, visitor: Visitor, password: str) -> Visitor | None:
        """The visitor as signed in, or None for a wrong password. Takes the same time for any."""
        given, right = self._digest("try", password), self._digest("try", self._password or "")
        if not hmac.compare_digest(given, right) or not self.has_door:
            self.tries.note(visitor.address)
            return None
        return replace(visitor, inside=True, fresh=True)

    def _door(self) -> str:
        """What a signed-in cookie carries; another password makes all of them void."""
        return self._digest("door", self._password or "")

    def _digest(self, purpose: str, text: str) -> str:
        message = f"{purpose}:{text}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]


class Tries:
    """Wrong passwords of late, by address: after `limit` of them in `window_s` one has to wait."""

    def __init__(
        self, *, limit: int = 5, window_s: float = 300, clock: Callable[[], float] = time.time
    ) -> None:
        self._limit = limit
        self._window = window_s
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    @property
    def limit(self) -> int:
        return self._limit

    def frees_at(self, address: str) -> float | None:
        """When this address may try again; None if it may now."""
        wrong = self._wrong.get(address, deque())
        self._forget(wrong)
        return wrong[0] + self._window if len(wrong) >= self._limit else None

    def note(self, address: str) -> None:
        """Remember one wrong password."""
        if len(self._wrong) > 10_000:  # addresses that gave up long ago
            for known in list(self._wrong):
                self._forget(self._wrong[known])
                if not self._wrong[known]:
                    del self._wrong[known]
        self._wrong.setdefault(address, deque(maxlen=self._limit)).append(self._clock())

    def _forget(self, wrong: deque[float]) -> None:
        while wrong and wrong[0] <= self._clock() - self._window:
            wrong.popleft()


class KnowVisitors:
    """The ASGI layer that puts the `Visitor` into `request.state` and the cookie on the answer."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, anonymous: tuple[str, ...]) -> None:
        self._app = app
        self._sessions = sessions
        self._anonymous = anonymous

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._anonymous):
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        visitor = self._sessions.visitor(
            Headers(scope=scope).get("cookie", ""), client[0] if client else None
        )
        scope.setdefault("state", {})["visitor"] = visitor

        async def remembering(message: Message) -> None:
            current: Visitor = scope["state"]["visitor"]
            if message["type"] == "http.response.start" and current.fresh:
                cookie = self._sessions.cookie(current, secure=scope.get("scheme") == "https")
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, remembering)
