"""Owns who may be in the admin view: a password and a cookie of its own, which open nothing else.

The visitors' cookie and password mean nothing here. Whoever is in stays so for half a day.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

import structlog
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import cookie_parser

from bot.on_web.session import Tries, address_group

log = structlog.get_logger(__name__)

COOKIE = "atelier_admin"
PATH = "/admin"
LASTS_S = 12 * 3600


class AdminDoor:
    """Checks the password, and reads and writes the cookie."""

    def __init__(
        self,
        *,
        secret: bytes,
        password: str,
        secure: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret = secret
        self._password = password
        self._secure = secure
        self._clock = clock
        self._signer = URLSafeTimedSerializer(
            secret, salt="admin", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._left: dict[str, float] = {}
        self.tries = Tries(clock=clock)

    def frees_at(self, host: str | None) -> float | None:
        """When somebody from this address may try again; None if they may now."""
        return self.tries.frees_at(address_group(host))

    def admits(self, password: str, host: str | None) -> bool:
        """Whether that is the password; a wrong one is remembered. Takes the same time for any."""
        right = hmac.compare_digest(self._digest(password), self._digest(self._password))
        if right:
            log.info("somebody came into the admin view")
        else:
            self.tries.note(address_group(host))
            log.warning("a wrong password for the admin view")
        return right

    def is_open(self, cookies: str) -> bool:
        """Whether these cookies (the header) are those of somebody who is in."""
        return self._session(cookies) is not None

    def enter(self, *, secure: bool) -> str:
        """The Set-Cookie header that lets somebody in; `secure`: they came over HTTPS."""
        value = self._signer.dumps({"id": secrets.token_urlsafe(12), "door": self._door()})
        return self._cookie(value, LASTS_S, secure=secure)

    def leave(self, cookies: str, *, secure: bool) -> str:
        """The Set-Cookie header that lets nobody in any more, wherever the old one is kept."""
        session = self._session(cookies)
        now = self._clock()
        self._left = {key: until for key, until in self._left.items() if until > now}
        if session is not None:
            self._left[session] = now + LASTS_S
        return self._cookie("", 0, secure=secure)

    def _session(self, cookies: str) -> str | None:
        try:
            content = self._signer.loads(cookie_parser(cookies).get(COOKIE, ""), max_age=LASTS_S)
            session, door = str(content["id"]), str(content["door"])
        except (BadSignature, KeyError, TypeError):
            return None
        known = hmac.compare_digest(door, self._door()) and session not in self._left
        return session if known else None

    def _cookie(self, value: str, age: int, *, secure: bool) -> str:
        only = "; Secure" if secure or self._secure else ""
        return f"{COOKIE}={value}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Strict{only}"

    def _door(self) -> str:
        """What a cookie carries; another password makes all of them void."""
        return self._digest(f"door:{self._password}")

    def _digest(self, text: str) -> str:
        message = f"admin:{text}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
