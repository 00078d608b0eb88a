"""The operator's parts for tests: the view's door, the oversight behind it, the diary beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from tests.bot.web_parts import Parts

PASSWORD = "only the operator knows"
ASKED = {"X-Atelier-Admin": "1"}
PATIENCE_S = 20.0


@asynccontextmanager
async def operator(web: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has signed in to the admin view."""
    async with httpx.AsyncClient(base_url=web.url, headers=ASKED, timeout=20) as client:
        answer = await client.post("/admin/sign-in", data={"password": PASSWORD})
        assert answer.status_code == 303, answer.text
        yield client


async def painted(web: Parts, visitor: httpx.AsyncClient, prompt: str) -> str:
    """The public id of a job that this visitor asked for and that is over."""
    asked = await visitor.post("/api/jobs", json={"prompt": prompt})
    assert asked.status_code == 202, asked.text
    public: str = asked.json()["id"]
    async with asyncio.timeout(PATIENCE_S):
        while not (await web.jobs.get(public)).state.final:  # noqa: ASYNC110 - a state in SQLite
            await asyncio.sleep(0.01)
    return public


def folder(data: Path, name: str, size: int) -> None:
    """A file of so many bytes somewhere in the data folder."""
    file = data / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(size))
