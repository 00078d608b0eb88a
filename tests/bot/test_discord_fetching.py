"""What is fetched from Discord, and where reading stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.on_discord.fetching import fetch
from engine.errors import BadSource

LIMIT = 100_000


@asynccontextmanager
async def machine() -> AsyncIterator[tuple[str, list[int]]]:
    """A server of files; beside its address, how many bytes it got rid of."""
    sent: list[int] = [0]

    async def plain(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.match_info["size"]))

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while sent[0] < 100 * LIMIT:
                await answer.write(b"x" * 10_000)
                sent[0] += 10_000
        except ConnectionError:
            pass
        return answer

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound("/plain/10")

    app = web.Application()
    app.router.add_get("/plain/{size}", plain)
    app.router.add_get("/endless", endless)
    app.router.add_get("/elsewhere", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}", sent
    finally:
        await runner.cleanup()


async def test_a_file_within_the_limit_is_read_whole() -> None:
    """To the last byte that is allowed."""
    async with machine() as (url, _):
        assert await fetch(f"{url}/plain/{LIMIT}", LIMIT) == b"x" * LIMIT


async def test_a_file_that_announces_more_is_not_read() -> None:
    """The reason says how large it is."""
    async with machine() as (url, _):
        with pytest.raises(BadSource) as refused:
            await fetch(f"{url}/plain/{3 * LIMIT}", LIMIT)
    assert refused.value.given == "0.3 MB"


async def test_a_file_without_end_is_left() -> None:
    """One that does not say its size is read up to the limit, not for ever."""
    async with machine() as (url, sent):
        with pytest.raises(BadSource):
            await fetch(f"{url}/endless", LIMIT)
    assert sent[0] < 100 * LIMIT


async def test_nobody_is_led_elsewhere() -> None:
    """A redirection is as good as no file, and so is a dead machine."""
    async with machine() as (url, _):
        for path in ("/elsewhere", "/nothing"):
            with pytest.raises(BadSource):
                await fetch(f"{url}{path}", LIMIT)
    with pytest.raises(BadSource):
        await fetch("http://127.0.0.1:9/plain/1", LIMIT)
