"""Owns who is believed about where a request comes from: the reverse proxies that we were told of.

Without that, everybody behind a proxy would have its address: one budget and one count of wrong
passwords for all of them. And whoever is no proxy of ours could claim any address they like.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

log = structlog.get_logger(__name__)


class BehindProxies:
    """The ASGI layer that puts the visitor's own address and scheme into the scope.

    `X-Forwarded-For` and `X-Forwarded-Proto` count when they come from one of `trusted`, and of
    the addresses in the first only those that one of them has seen itself.
    """

    def __init__(self, app: ASGIApp, *, trusted: Iterable[Network] = ()) -> None:
        self._app = app
        self._trusted = tuple(trusted)
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            headers = Headers(scope=scope)
            if self._trusts(parsed(scope["client"][0])):
                self._believe(scope, headers)
            elif "x-forwarded-for" in headers and not self._told:
                self._told = True
                log.warning(
                    "a request was forwarded by an address that is no trusted proxy; "
                    "if it is yours, name it in ATELIER_TRUSTED_PROXIES",
                    address=scope["client"][0],
                )
        await self._app(scope, receive, send)

    def _believe(self, scope: Scope, headers: Headers) -> None:
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            scope["scheme"] = scheme
        hops = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed(hops):  # the last was written by the proxy that we trust
            address = parsed(hop)
            if address is None:
                return
            scope["client"] = (str(address), 0)
            if not self._trusts(address):
                return

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def parsed(text: str) -> Address | None:
    """The address in a header, perhaps with a port; an IPv4 one also where it came as IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
