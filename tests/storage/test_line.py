"""The order of service: fair by cost, nobody starves, nobody saves up; positions tell the truth."""

from __future__ import annotations

import asyncio
from collections import Counter

from storage.jobs import Ahead
from tests.storage.house import House, pictures_of


async def test_somebody_alone_is_served_in_the_order_they_asked(house: House) -> None:
    """One person's jobs do not overtake each other, whatever they cost."""
    jobs = [await house.enqueued("ada", cost) for cost in (3.0, 0.01, 1.0)]
    assert [job.id for job in await house.jobs.queue()] == [job.id for job in jobs]


async def test_queuing_ten_does_not_delay_somebody_who_queues_one(house: House) -> None:
    """Bob comes after ten jobs of Ada's and is served second."""
    for _ in range(10):
        await house.enqueued("ada")
    await house.enqueued("bob")
    assert (await house.served())[:2] == ["ada", "bob"]


async def test_people_take_turns(house: House) -> None:
    """Whoever queues a lot shares with everybody else who waits."""
    for name in ("ada", "ada", "ada", "bob", "bob", "eve"):
        await house.enqueued(name)
    assert await house.served() == ["ada", "bob", "eve", "ada", "bob", "ada"]


async def test_fairness_goes_by_cost_not_by_count(house: House) -> None:
    """Somebody whose pictures cost three times as much gets a third as many."""
    for _ in range(12):
        await house.enqueued("large", 3.0)
        await house.enqueued("small", 1.0)
    assert Counter((await house.served())[:12]) == {"small": 9, "large": 3}


async def test_idle_time_earns_no_credit(house: House) -> None:
    """Who was away while others were served a lot does not get a lot at once now."""
    for _ in range(20):
        await house.enqueued("ada")
    await house.served()
    for _ in range(5):
        await house.enqueued("bob")
    for _ in range(5):
        await house.enqueued("ada")
    served = await house.served()
    assert served == ["bob", "ada"] * 5


async def test_having_been_served_costs_no_place_later(house: House) -> None:
    """Who was served alone while nobody else wanted anything is not punished for it."""
    for _ in range(20):
        await house.enqueued("ada")
    await house.served()
    await house.enqueued("ada")
    await house.enqueued("bob")
    assert await house.served() == ["ada", "bob"]


async def test_nobody_starves_behind_a_stream_of_newcomers(house: House) -> None:
    """A dear job is served although somebody new with a cheap one comes before every claim."""
    await house.enqueued("dear", 5.0)
    for number in range(20):
        await house.enqueued(f"new{number}", 1.0)
        job = await house.jobs.claim()
        assert job is not None
        await house.jobs.finish(job.id, pictures_of(job))
        if (await house.people.get(job.person)).external == "dear":
            return
    raise AssertionError("the dear job was never served")


async def test_only_one_job_runs_at_a_time(house: House) -> None:
    """Whoever claims while something is painted gets nothing, also at the very same moment."""
    for _ in range(3):
        await house.enqueued()
    claimed = await asyncio.gather(*(house.jobs.claim() for _ in range(5)))
    assert [job is not None for job in claimed].count(True) == 1
    running = await house.jobs.running()
    assert running in claimed


async def test_an_empty_line_gives_nothing_to_claim(house: House) -> None:
    """Claiming without work is no error."""
    assert await house.jobs.claim() is None
    assert await house.jobs.running() is None


async def test_a_claimed_job_is_running_since_now(house: House) -> None:
    """The state and the time come with the claim."""
    job = await house.enqueued()
    house.clock.turn(5)
    claimed = await house.jobs.claim()
    assert claimed is not None
    assert (claimed.id, claimed.state) == (job.id, "running")
    assert claimed.started_at == job.created_at + 5


async def test_positions_count_from_one_in_the_order_of_service(house: House) -> None:
    """The first in line is 1; the running one is 0, as is one that is final or unknown."""
    first = await house.running()
    for name in ("ada", "ada", "bob", "ada", "bob", "eve"):
        await house.enqueued(name)
    line = await house.jobs.queue()
    assert [await house.jobs.position(job.id) for job in line] == [1, 2, 3, 4, 5, 6]
    assert await house.jobs.position(first.id) == 0
    await house.jobs.cancel(line[0].id)
    assert await house.jobs.position(line[0].id) == 0
    assert await house.jobs.position(line[1].id) == 1
    assert await house.jobs.position(10**6) == 0


async def test_positions_hold_in_a_long_line(house: House) -> None:
    """Turns far apart and turns that are equal are counted alike."""
    for number in range(40):
        await house.enqueued("rich", 90.0)
        await house.enqueued(f"poor{number}", 0.01)
        await house.enqueued("usual", 1.0)
    line = await house.jobs.queue(1000)
    assert [job.turn for job in line] == sorted(job.turn for job in line)
    for expected, job in enumerate(line, start=1):
        assert await house.jobs.position(job.id) == expected
        assert sum(ahead.count for ahead in await house.jobs.ahead(job.id)) == expected - 1


async def test_what_is_ahead_is_summed_per_kind(house: House) -> None:
    """Pictures of the same kind are added up; neither the job itself nor the running one counts."""
    await house.running("zoe")
    for name, steps, count in (("ada", 4, 1), ("bob", 4, 3), ("eve", 8, 2), ("joe", 4, 1)):
        await house.enqueue(await house.order(name, steps=steps, count=count))
    line = await house.jobs.queue()
    kind = Ahead(model="starter", width=256, height=256, guided=False, steps=4, count=4)
    ahead = await house.jobs.ahead(line[3].id)
    assert sorted(ahead, key=lambda kind: kind.steps) == [
        kind,
        Ahead(model="starter", width=256, height=256, guided=False, steps=8, count=2),
    ]
    assert await house.jobs.ahead(line[0].id) == []


async def test_the_queue_can_be_looked_at_in_part(house: House) -> None:
    """The first of the line, not the whole of it."""
    for _ in range(5):
        await house.enqueued()
    assert [job.id for job in await house.jobs.queue(2)] == [1, 2]
