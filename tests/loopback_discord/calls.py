"""One HTTP call: how its body is read, how it is paced, how its answer is written."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from tests.loopback_discord.errors import ApiError, form, rate_limited
from tests.loopback_discord.posts import MOST_BYTES


@dataclass(kw_only=True)
class Call:
    """What a handler gets."""

    method: str
    path: str
    route: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    uploads: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)
    status: int = 0
    code: int = 0

    def number(self, name: str) -> int:
        """An id of the path."""
        return int(self.ids[name])

    @property
    def form(self) -> dict[str, Any]:
        """The body, which has to be an object. Raises `ApiError`."""
        if not isinstance(self.body, dict):
            raise form("", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType.")
        return self.body


async def read(request: web.Request, call: Call) -> None:
    """Fill in body and uploads. Raises `ApiError` for whatever is neither JSON nor a form."""
    if not request.can_read_body:
        return
    kind = request.headers.get("Content-Type", "")
    if kind == "application/json":
        raw = await request.read()
        try:
            call.body = json.loads(raw)
        except ValueError:
            raise ApiError(400, 50109, "The request body contains invalid JSON.") from None
    elif kind.startswith("multipart/form-data"):
        await _read_parts(request, call)
    else:
        raise ApiError(400, 50035, "Invalid Form Body", "", "CONTENT_TYPE", f"not {kind!r}")


async def _read_parts(request: web.Request, call: Call) -> None:
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read(decode=True))
        name = part.name or ""
        if name == "payload_json":
            call.body = json.loads(data)
        elif name.startswith("files[") and name.endswith("]") and name[6:-1].isdecimal():
            call.uploads[int(name[6:-1])] = (part.filename or "", data)
        else:
            raise form(name, "UNKNOWN_FIELD", "This part is not known here.")


class Buckets:
    """Rate limits: so many calls in so many seconds, per route and its major id."""

    def __init__(self, limit: int = 50, per_s: float = 1.0) -> None:
        self.limit, self.per_s = limit, per_s
        self._calls: dict[str, list[float]] = {}

    def take(self, key: str) -> dict[str, str]:
        """The headers of one more call. Raises `ApiError` (429) above the limit."""
        now = time.monotonic()
        calls = [at for at in self._calls.get(key, []) if now - at < self.per_s]
        over = len(calls) >= self.limit
        if not over:
            calls.append(now)
        self._calls[key] = calls
        after = max(0.0, calls[0] + self.per_s - now)
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - len(calls)),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": f"{abs(hash(key.partition(' ')[0])):x}",
        }
        if over:
            error = rate_limited(round(after, 3))
            error.headers |= headers
            raise error
        return headers


def write(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    """An answer; the content type is exactly application/json."""
    if body is None:
        return web.Response(status=204, headers=headers)
    data = json.dumps(body).encode()
    return web.Response(status=status, body=data, content_type="application/json", headers=headers)


MOST_BODY = 4 * MOST_BYTES
"""What the server reads at all; what is too large is said by the handlers, in Discord's words."""
