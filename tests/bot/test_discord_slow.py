"""What members see when something takes longer than Discord waits, in real time."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from PIL import Image

from storage.errors import NotFound
from storage.job import Job, JobState
from tests.bot.desk import Desk
from tests.bot.discord_desk import DiscordDesk, open_discord
from tests.loopback_discord import Interaction, Upload

pytestmark = pytest.mark.slow

ANNOUNCED = 5
"""Discord's number for an answer that is on its way."""


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()


@contextmanager
def _busy(desk: Desk) -> Iterator[threading.Event]:
    """Nothing is read or written by the desk until the event is set."""
    free = threading.Event()
    for _ in range(2):
        desk.studio._shelf._files.submit(free.wait, 30)
    try:
        yield free
    finally:
        free.set()


async def _asked(there: DiscordDesk, image: bytes, *, private: bool) -> Interaction:
    """A request whose picture comes slowly, once it was announced."""
    await there.connected()
    with _busy(there.desk) as free:
        asked = await there.ann.slash(
            "imagine", prompt="a fox", image=Upload("me.png", image), private=private
        )
        assert asked.type == ANNOUNCED
        free.set()
    return asked


@pytest.mark.parametrize("private", [True, False])
async def test_a_slow_source_is_announced(tmp_path: Path, private: bool) -> None:
    """With the visibility that it will keep; then the picture comes there."""
    async with open_discord(tmp_path) as there:
        asked = await _asked(there, _png(), private=private)
        job = await there.desk.until(lambda: _over(there))
        assert job.state is JobState.DONE
        assert asked.ephemeral is private
        await there.desk.until(lambda: asked.message is not None and "seed" in asked.text)


@pytest.mark.parametrize("private", [True, False])
async def test_a_late_refusal_is_seen_by_the_asker_alone(tmp_path: Path, private: bool) -> None:
    """Although the answer was announced to all; nothing stays behind in the channel."""
    async with open_discord(tmp_path) as there:
        asked = await _asked(there, _png()[:60], private=private)
        every = there.server.posts.every
        await there.desk.until(lambda: any("damaged" in m.text for m in every))
        told = [m for m in every if "damaged" in m.text]
        assert [m.ephemeral for m in told] == [True]
        await there.desk.until(lambda: all(m.deleted or m.ephemeral for m in every))
        assert private or asked.message is None or asked.message.deleted or asked.ephemeral


async def _over(there: DiscordDesk) -> Job | None:
    with suppress(NotFound):
        job = await there.desk.jobs.by_id(1)
        return job if job.delivered_at is not None else None
    return None
