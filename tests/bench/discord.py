"""Fifty people press commands at once: how long Discord waits for the first answer.

Measured by a Discord of our own, from the gateway's event to the callback, while the engine uses
every core and while it rests. Discord takes 3000 ms; what else this machine does is in the figures.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.report import Check, Figure, Report
from tests.loopback_discord import Interaction, LoopbackDiscord, Person, loopback_discord
from tests.serving import Serving, serving

PAUSE_S = 1.0
"""Between two rounds: the first line of everybody is answered by then."""
ALLOWED_MS, TARGET_MS = 3000, 250
WORK: dict[str, Any] = {"steps": 30, "count": 4}
SETTINGS = {
    "ATELIER_BUDGET": "1000000",
    "ATELIER_WAITING_PER_PERSON": "1000",
    "ATELIER_QUEUE_LIMIT": "10000",
}
Gesture = Callable[[Person, int], Awaitable[Interaction]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many people press at once, so many times."""

    people: int
    rounds: int


FULL, TINY = Size(people=50, rounds=4), Size(people=4, rounds=1)


def run(size: Size = FULL) -> Report:
    """Milliseconds to the first answer, and what painting costs, as a ratio."""
    return asyncio.run(_run(size))


async def _run(size: Size) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        async with loopback_discord() as discord:
            settings = SETTINGS | discord.settings
            with serving(Path(folder) / "data", start=False, **settings) as server:
                report = await _measure(discord, server, size)
                await asyncio.to_thread(server.stop)
    return report


async def _measure(discord: LoopbackDiscord, server: Serving, size: Size) -> Report:
    channel = discord.add_channel(discord.add_guild())
    people = [discord.add_person(f"person{number}", channel) for number in range(size.people)]
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.wait_until_ready)
    await discord.gateway.until_connected()
    await discord.until(lambda: discord.commands)
    await people[0].slash("usage")  # what the very first one loads is not measured
    idle = await _rounds(discord, people, _usage, size.rounds)
    await people[0].slash("imagine", prompt="the sea", **WORK)
    for person in people[:3]:
        await person.slash("imagine", prompt="the desert", **WORK)
    busy = await _rounds(discord, people, _usage, size.rounds)
    imagine = await _rounds(discord, people, _imagine, size.rounds)
    waiting = discord.posts.every[-size.people :]
    cancel = await _rounds(
        discord, people, lambda person, n: person.press(waiting[n], "Cancel", wait=False), 1
    )
    missed = len(discord.missed)
    base = "/usage, engine at rest"
    return Report(
        bench="discord",
        title="First answers on Discord",
        settings={"people at once": size.people, "rounds": size.rounds},
        figures=(
            Figure.of(base, "ms", idle),
            Figure.of("/usage, painting", "ms", busy, allowed=TARGET_MS, against=base),
            Figure.of("/imagine, painting", "ms", imagine, allowed=TARGET_MS, against=base),
            Figure.of("a button, painting", "ms", cancel, allowed=TARGET_MS, against=base),
        ),
        checks=(
            Check(
                what=f"all answered within Discord's {ALLOWED_MS} ms",
                holds=not missed,
                seen=f"{missed} missed",
            ),
        ),
    )


def _usage(person: Person, number: int) -> Awaitable[Interaction]:
    return person.slash("usage", wait=False)


def _imagine(person: Person, number: int) -> Awaitable[Interaction]:
    return person.slash("imagine", prompt=f"the sea, number {number}", wait=False, **WORK)


async def _rounds(
    discord: LoopbackDiscord, people: list[Person], gesture: Gesture, rounds: int
) -> list[float]:
    """Milliseconds to each first answer."""
    asked: list[Interaction] = []
    for _ in range(rounds):
        sent = [gesture(person, number) for number, person in enumerate(people)]
        asked += (now := await asyncio.gather(*sent))
        await _answered(now)
        await asyncio.sleep(PAUSE_S)
    return [each.took_s * 1000 for each in asked if each.took_s is not None]


async def _answered(asked: Iterable[Interaction]) -> None:
    waits = [asyncio.create_task(each.answered.wait()) for each in asked]
    _, late = await asyncio.wait(waits, timeout=2 * ALLOWED_MS / 1000)
    for wait in late:
        wait.cancel()
