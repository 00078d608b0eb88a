"""Fetches a file from Discord's machines, and no more of it than is allowed."""

from __future__ import annotations

import aiohttp

from engine.errors import BadSource
from engine.images import FORMS, MAX_BYTES

ALLOWED = f"{', '.join(FORMS)}; {MAX_BYTES // 1_000_000} MB"
PATIENCE_S = 60.0
CHUNK = 64 * 1024


async def fetch(url: str, limit: int = MAX_BYTES) -> bytes:
    """The file at an address, of at most `limit` bytes; it is not followed elsewhere.

    What announces more is not read at all, and what brings more than it said only so far. Raises
    `BadSource`.
    """
    patience = aiohttp.ClientTimeout(total=PATIENCE_S)
    data = bytearray()
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise BadSource("damaged", ALLOWED)
            if (answer.content_length or 0) > limit:
                raise BadSource("bytes", ALLOWED, f"{(answer.content_length or 0) / 1e6:.1f} MB")
            async for chunk in answer.content.iter_chunked(CHUNK):
                data += chunk
                if len(data) > limit:
                    raise BadSource("bytes", ALLOWED, f"> {limit / 1e6:.1f} MB")
    except (aiohttp.ClientError, TimeoutError):
        raise BadSource("damaged", ALLOWED) from None
    return bytes(data)
