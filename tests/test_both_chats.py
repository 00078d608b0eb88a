"""Discord and Telegram in one process: fair to both, and each alone when the other is down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.loopback_discord import LoopbackDiscord, loopback_discord
from tests.loopback_discord import Person as Member
from tests.loopback_telegram import Person, Telegram, open_telegram
from tests.loopback_telegram.atelier import Running, open_atelier
from tests.loopback_telegram.relay import Relay, relay_to

pytestmark = pytest.mark.slow


@dataclass(slots=True, kw_only=True)
class Both:
    """One Atelier on two chats, with one person on each."""

    running: Running
    discord: LoopbackDiscord
    telegram: Telegram
    wire: Relay
    ann: Member
    bob: Person

    async def identified(self) -> None:
        """Wait until Discord's gateway has the bot."""
        await self.running.health(lambda told: told.get("discord") == "connected")


@asynccontextmanager
async def _both(data: Path) -> AsyncIterator[Both]:
    async with loopback_discord() as discord, open_telegram() as telegram:
        port = urlsplit(discord.url).port
        assert port is not None
        async with relay_to(port) as wire:
            settings = {
                name: value.replace(f":{port}", f":{wire.port}")
                for name, value in discord.settings.items()
            }
            async with open_atelier(telegram, data, settings=settings) as running:
                channel = discord.add_channel(discord.add_guild("town"))
                both = Both(
                    running=running,
                    discord=discord,
                    telegram=telegram,
                    wire=wire,
                    ann=discord.add_person("ann", channel),
                    bob=telegram.person("Bob"),
                )
                await both.identified()
                await discord.until(lambda: discord.commands)
                telegram.limits.enforced = True
                yield both
                assert await asyncio.to_thread(running.server.stop) == 0
                assert discord.token not in running.log()


async def test_two_chats_in_one_process(tmp_path: Path) -> None:
    """Whoever asks once need not wait for all of the other's; a chat that is down stops nobody."""
    async with _both(tmp_path / "data") as both:
        await _fair_to_both(both)
        await _telegram_is_down(both)
        await _discord_is_down(both)


async def _fair_to_both(both: Both) -> None:
    many = [await both.bob.says(None, f"hills --steps 16 --seed {n}") for n in range(4)]
    await both.running.until_jobs(lambda jobs: len(jobs) == 4)
    await both.ann.slash("imagine", prompt="the sea at night", steps=16)
    await both.discord.until(lambda: both.discord.showing("the sea at night"))
    for asked in many:
        await both.telegram.picture(asked)
    jobs = both.running.jobs()
    ends = sorted(jobs, key=lambda job: job.finished_at or 0)
    assert ends.index(jobs[4]) <= 2, "the only one on Discord came after Telegram's four"

    for number in range(4):
        await both.ann.slash("imagine", prompt=f"a canyon {number}", steps=16)
    asked = await both.bob.says(None, "a river --steps 16")
    await both.telegram.picture(asked)
    await both.discord.until(lambda: both.discord.showing("a canyon 3"))
    jobs = both.running.jobs()[5:]
    ends = sorted(jobs, key=lambda job: job.finished_at or 0)
    assert ends.index(jobs[4]) <= 2, "the only one on Telegram came after Discord's four"


async def _telegram_is_down(both: Both) -> None:
    waiting = await both.bob.says(None, "a castle --steps 16")
    await both.telegram.answer(waiting)
    await both.telegram.go_away()
    await both.ann.slash("imagine", prompt="a lighthouse", steps=4)
    await both.discord.until(lambda: both.discord.showing("a lighthouse"))
    await both.telegram.come_back()
    await both.telegram.picture(waiting, 120)
    assert len(both.telegram.ever_pictured(waiting)) == 1


async def _discord_is_down(both: Both) -> None:
    await both.ann.slash("imagine", prompt="a harbour in winter", steps=16, count=4)
    await both.wire.cut()
    asked = await both.bob.says(None, "a meadow --steps 4")
    await both.telegram.picture(asked)
    await both.wire.join()
    await both.discord.until(lambda: both.discord.showing("a harbour in winter"), 120)
    assert len(both.discord.showing("a harbour in winter")) == 1
    await both.identified()
    await both.ann.slash("imagine", prompt="a bridge", steps=4)
    await both.discord.until(lambda: both.discord.showing("a bridge"))
