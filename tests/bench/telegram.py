"""200 Telegram chats ask at once: how soon each is answered, and how fast the bot may send."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.report import Check, Figure, Report
from tests.loopback_telegram import Message, Person, Telegram, open_telegram
from tests.loopback_telegram.atelier import Running, open_atelier
from tests.loopback_telegram.limits import OVERALL, PRIVATE

PATIENCE_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many private chats ask at one moment."""

    chats: int


FULL, TINY = Size(chats=200), Size(chats=4)


def run(size: Size = FULL) -> Report:
    """Seconds to the first word and to the picture, and how near the limits were."""
    return asyncio.run(_measure(size))


async def _measure(size: Size) -> Report:
    settings = {"ATELIER_QUEUE_LIMIT": str(2 * size.chats)}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_telegram() as telegram,
            open_atelier(
                telegram, Path(folder) / "data", talkative=False, settings=settings
            ) as running,
        ):
            await running.warm()
            alone = await _ask_all(telegram, running, 1)
            crowd = await _ask_all(telegram, running, size.chats)
            return _report(telegram, size, alone, crowd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of some chats asking at one moment."""

    people: list[Person]
    messages: list[Message]
    first: list[float]
    shown: list[float]


async def _ask_all(telegram: Telegram, running: Running, chats: int) -> Asked:
    telegram.limits.enforced = True
    people = [telegram.person(f"Person{number} of {chats}") for number in range(chats)]
    asked = [await person.says(None, "the sea --steps 1") for person in people]
    await telegram.until(lambda: all(map(telegram.replies, asked)), "all answers", PATIENCE_S)
    first = [telegram.replies(each)[0].at - each.at for each in asked]
    await telegram.until(lambda: all(map(telegram.pictures, asked)), "all pictures", PATIENCE_S)
    shown = [_when_shown(telegram, each) - each.at for each in asked]
    await running.until_jobs(lambda jobs: all(job.delivered for job in jobs))
    return Asked(people=people, messages=asked, first=first, shown=shown)


def _report(telegram: Telegram, size: Size, alone: Asked, crowd: Asked) -> Report:
    limits = telegram.limits
    once = sum(len(telegram.ever_pictured(each)) == 1 for each in crowd.messages)
    busiest = max(limits.busiest(PRIVATE, person.id) for person in crowd.people)
    return Report(
        bench="telegram",
        title="Many Telegram chats at once",
        settings={"chats": size.chats},
        figures=(
            Figure.of("first word, one chat", "s", alone.first, spread=False),
            Figure.of("first word", "s", crowd.first, against="first word, one chat"),
            Figure.of("picture, one chat", "s", alone.shown, spread=False),
            Figure.of("picture", "s", crowd.shown, against="picture, one chat"),
        ),
        checks=(
            Check(
                what="each picture came once",
                holds=once == size.chats,
                seen=f"{once} of {size.chats}",
            ),
            Check(
                what="inside Telegram's limits",
                holds=not limits.refused,
                seen=f"at most {limits.busiest(OVERALL)} of {OVERALL.most} messages a second,"
                f" {busiest} in a chat; {len(limits.refused)} refused",
            ),
        ),
    )


def _when_shown(telegram: Telegram, asked: Message) -> float:
    picture = telegram.pictures(asked)[0]
    return picture.edited_at or picture.at
