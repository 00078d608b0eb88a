"""How results are handed out at the end, and when there are more of them than are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.desk import delivery
from bot.desk.delivery import Courier
from engine.request import Ask
from storage.jobs import Job, JobState
from storage.pictures import PictureRow
from tests.bot.desk import PATIENCE_S, Desk, open_desk

SOON_S = 0.05
NEVER_S = 500.0
MANY: dict[str, Any] = {"waiting_per_person": 100, "budget": 1000}


class Gate:
    """A courier that hands over while it is open; what it is asked for waits, and is counted."""

    def __init__(self, platform: str = "test") -> None:
        self.platform = platform
        self.open = asyncio.Event()
        self.asked: list[str] = []
        self.handed: list[str] = []
        self.hopeless: set[str] = set()

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Wait for the gate; fail for what is hopeless."""
        self.asked.append(job.public)
        if job.public in self.hopeless:
            raise ConnectionError("no")
        await self.open.wait()
        self.handed.append(job.public)


@asynccontextmanager
async def _delivering(desk: Desk, *couriers: Courier) -> AsyncIterator[None]:
    """Its deliveries are at work, through these couriers alone."""
    desk.deliverer._rounds.clear()
    for courier in couriers:
        desk.deliverer.add(courier)
    desk.deliverer._first_backoff_s = NEVER_S
    task = asyncio.create_task(desk.deliverer.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _over(desk: Desk, count: int) -> list[str]:
    """The ids of so many jobs that are over, and that nobody was told about."""
    jobs = [await desk.order(str(n)) for n in range(count)]
    for job in jobs:
        over = await desk.worker.cancel(job)
        assert over.state is JobState.CANCELLED
    return [job.public for job in jobs]


async def _untold(desk: Desk) -> list[str]:
    return [job.public for job in await desk.jobs.undelivered("test", 1000)]


async def test_the_end_hands_out_all_that_is_due(tmp_path: Path) -> None:
    """More than go at once, and it is written down that they arrived."""
    async with open_desk(tmp_path, running=False, **MANY) as desk:
        gate = Gate()
        gate.open.set()
        async with _delivering(desk, gate):
            jobs = await _over(desk, delivery.AT_ONCE * 3)
            async with asyncio.timeout(PATIENCE_S):
                await desk.deliverer.drain(NEVER_S)
            assert sorted(gate.handed) == sorted(jobs)
            assert await _untold(desk) == []


async def test_the_end_waits_for_what_is_underway(tmp_path: Path) -> None:
    """It is over when the last one has arrived, not before."""
    async with open_desk(tmp_path, running=False, **MANY) as desk:
        gate = Gate()
        async with _delivering(desk, gate):
            jobs = await _over(desk, delivery.AT_ONCE + 1)
            draining = asyncio.create_task(desk.deliverer.drain(NEVER_S))
            await desk.until(lambda: len(gate.asked) == delivery.AT_ONCE)
            assert not (await asyncio.wait({draining}, timeout=SOON_S))[0]
            gate.open.set()
            async with asyncio.timeout(PATIENCE_S):
                await draining
            assert sorted(gate.handed) == sorted(jobs)


async def test_the_end_does_not_wait_for_ever(tmp_path: Path) -> None:
    """After its grace it is over; what did not arrive is still to be delivered."""
    async with open_desk(tmp_path, running=False) as desk:
        gate = Gate()
        async with _delivering(desk, gate):
            jobs = await _over(desk, 1)
            async with asyncio.timeout(PATIENCE_S):
                await desk.deliverer.drain(SOON_S)
            assert gate.handed == []
        assert await _untold(desk) == jobs


async def test_what_failed_is_left_to_the_next_start(tmp_path: Path) -> None:
    """The end does not wait for its next try, nor make it; the rest goes out."""
    async with open_desk(tmp_path, running=False, **MANY) as desk:
        gate = Gate()
        gate.open.set()
        jobs = await _over(desk, 2)
        gate.hopeless = {jobs[0]}
        async with _delivering(desk, gate):
            async with asyncio.timeout(PATIENCE_S):
                await desk.deliverer.drain(NEVER_S)
                await desk.deliverer.drain(NEVER_S)
            assert gate.handed == [jobs[1]]
            assert gate.asked.count(jobs[0]) == 1
        assert await _untold(desk) == [jobs[0]]


async def test_the_end_of_what_never_began_is_at_once(tmp_path: Path) -> None:
    """Nothing waits for deliveries that nobody makes."""
    async with open_desk(tmp_path, running=False) as desk:
        jobs = await _over(desk, 1)
        async with asyncio.timeout(PATIENCE_S):
            await desk.deliverer.drain(NEVER_S)
        assert await _untold(desk) == jobs


async def test_every_platform_has_its_share_of_the_end(tmp_path: Path) -> None:
    """One that hangs does not keep another's results back."""
    async with open_desk(tmp_path, running=False) as desk:
        hangs, works = Gate("elsewhere"), Gate()
        works.open.set()
        eve = await desk.studio.asker("elsewhere", "eve", place="far")
        await desk.worker.cancel((await desk.studio.paint(eve, Ask(prompt="a cat"))).job)
        (here,) = await _over(desk, 1)
        async with _delivering(desk, hangs, works):
            draining = asyncio.create_task(desk.deliverer.drain(NEVER_S))
            await desk.until(lambda: hangs.asked and works.handed == [here])
            assert (hangs.handed, draining.done()) == ([], False)
            draining.cancel()
            await asyncio.gather(draining, return_exceptions=True)


async def test_many_failing_ones_do_not_starve_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of the oldest wait for their next try: all are tried, and the newest arrives."""
    monkeypatch.setattr(delivery, "LOOKED_AT", 10)
    async with open_desk(tmp_path, running=False, **MANY) as desk:
        gate = Gate()
        gate.open.set()
        failing = await _over(desk, 35)
        gate.hopeless = set(failing)
        async with _delivering(desk, gate):
            await desk.until(lambda: len(gate.asked) == len(failing))
            (newest,) = await _over(desk, 1)
            desk.deliverer.wake()
            await desk.until(lambda: gate.handed == [newest])
            assert sorted(gate.asked) == sorted([*failing, newest])
        assert sorted(await _untold(desk)) == sorted(failing)
