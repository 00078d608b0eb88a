"""Owns what a request may be before anybody reads it: from where, to which host, how large.

Knows nothing of people or pictures; it also puts the security headers on every response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Answer = Callable[[Scope, int, str], ASGIApp]
    """Makes the response to a refused request from its status and the code of the reason."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
READING = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the guard lets in.

    `hosts` are the names we answer to (None: any, where a password protects us), `url` is the
    public address behind a proxy. Bodies are limited to `body_bytes`, uploads to `upload_bytes`.
    """

    hosts: frozenset[str] | None
    url: str | None = None
    body_bytes: int = 64 * 1024
    upload_bytes: int = 20 * 1024 * 1024
    uploads: tuple[str, ...] = ("/api/sources",)
    called: tuple[str, ...] = ("/telegram/",)
    """Paths that servers call: by whatever name, since they bring a secret of their own."""
    call_bytes: int = 1024 * 1024
    keyed: tuple[str, ...] = ("/v1/", "/sdapi/")
    """Paths of programs: by whatever name, if they bring a key. Their bodies hold pictures."""

    @classmethod
    def for_address(
        cls, host: str, url: str | None, *, password: bool, upload_bytes: int
    ) -> Bounds:
        """The bounds of a server that listens on `host`.

        On loopback only our own names are answered, or a page elsewhere could have its own name
        point at this machine and read what we say (DNS rebinding). On another address the names
        people use cannot be known; there a password stands in front of everything.
        """
        names = {*LOOPBACK, host.strip("[]").lower()}
        if url and (public := urlsplit(url).hostname):
            names.add(public)
        open_names = password and host.strip("[]").lower() not in LOOPBACK
        return cls(
            hosts=None if open_names else frozenset(names), url=url, upload_bytes=upload_bytes
        )

    def body_limit(self, path: str) -> int:
        if path.startswith(self.called):
            return self.call_bytes
        if path.startswith(self.keyed):  # a picture and its mask, in base64
            return 3 * self.upload_bytes + self.body_bytes
        return self.upload_bytes if path in self.uploads else self.body_bytes


class Guard:
    """The outermost ASGI layer: refuses by address and size, adds the security headers."""

    def __init__(self, app: ASGIApp, *, bounds: Bounds, answer: Answer) -> None:
        self._app = app
        self._bounds = bounds
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._bounds.body_limit(scope["path"])
        refused = refusal_of(scope, self._bounds, limit)
        app = self._answer(scope, *refused) if refused else self._app
        await app(scope, limited(receive, limit), with_headers(send))


def refusal_of(scope: Scope, bounds: Bounds, body_limit: int) -> tuple[int, str] | None:
    """The status and reason for which this request is refused, or None."""
    headers = Headers(scope=scope)
    if not scope["path"].startswith(bounds.called):
        secret = headers.get("authorization", "") if scope["path"].startswith(bounds.keyed) else ""
        known = bounds.hosts is None or _hostname(headers.get("host", "")) in bounds.hosts
        if not known and not secret:
            return 403, "wrong_host"
        # A browser sends a password by itself, but never a token.
        by_itself = not secret.lower().startswith("bearer ")
        if by_itself and _from_elsewhere(scope, headers, bounds):
            return 403, "other_site"
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > body_limit:
        return 413, "too_large"
    return None


def _from_elsewhere(scope: Scope, headers: Headers, bounds: Bounds) -> bool:
    """Whether a browser says that another site's page made this request.

    Programs outside browsers send neither header and pass. Following a link from elsewhere is
    fine; showing our pictures inside another page, or changing anything from there, is not.
    """
    site = headers.get("sec-fetch-site", "none")
    if scope["method"] in READING:
        followed = headers.get("sec-fetch-dest") == "document"
        return (
            site not in ("none", "same-origin")
            and not followed
            and scope["path"].startswith(("/api/", "/admin"))
        )
    if site not in ("none", "same-origin"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    ours = {_authority(f"//{headers.get('host', '')}", origin)}
    if bounds.url:
        ours.add(_authority(bounds.url, bounds.url))
    return _authority(origin, origin) not in ours


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _authority(url: str, scheme_of: str) -> tuple[str, int | None]:
    """Host and port; a port left out is that of the scheme of `scheme_of`."""
    try:
        parts = urlsplit(url)
        usual = 443 if scheme_of.startswith("https:") else 80
        return (parts.hostname or "").lower(), parts.port or usual
    except ValueError:
        return "", None


def limited(receive: Receive, limit: int) -> Receive:
    """`receive`, counting: whoever reads more than `limit` bytes of body gets a 413 instead."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, "too_large")
        return message

    return counted


def with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    """`send`, with the security headers on every response that lacks them."""

    async def headed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return headed
