"""Jobs of the model in memory may go first, and nobody pays more than a few pictures for it."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.jobs import MOST_EARLY, Job
from tests.storage.house import Clock, House, pictures_of

ARRIVALS = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob", "eve", "kim", "lou"]),
        st.sampled_from(["fox", "hare", "owl"]),
        st.integers(1, 300),
    ),
    max_size=4,
)
"""Who comes before the next painting begins: person, model, cost in hundredths."""
ENDS = st.sampled_from(["finish", "finish", "finish", "finish", "requeue", "cancel"])


async def order(house: House, name: str, model: str, cost: float = 1.0) -> Job:
    placed = await house.order(name, cost)
    paint = replace(placed.resolved.paint, model=model)
    return await house.enqueue(replace(placed, resolved=replace(placed.resolved, paint=paint)))


async def done(house: House, job: Job) -> None:
    await house.jobs.finish(job.id, pictures_of(job))


async def test_the_model_in_memory_goes_on_for_a_few_pictures(house: House) -> None:
    """Twenty people who take turns asking for two models make four swaps, not nineteen."""
    for number in range(20):
        await order(house, f"person {number}", "fox" if number % 2 else "hare")
    loaded, served = "hare", []
    while (job := await house.jobs.claim([loaded])) is not None:
        loaded = job.paint.model
        served.append(loaded)
        await done(house, job)
    assert len(served) == 20
    swaps = sum(one != two for one, two in pairwise(served))
    assert swaps <= 4


async def test_without_a_model_in_memory_the_line_is_served_in_order(house: House) -> None:
    """Nothing is gained by another order."""
    jobs = [await order(house, f"p{n}", "fox" if n % 2 else "hare") for n in range(6)]
    served = []
    while (job := await house.jobs.claim()) is not None:
        served.append(job.id)
        await done(house, job)
    assert served == [job.id for job in jobs]


async def test_whoever_was_early_stands_where_that_left_them(house: House) -> None:
    """Being painted early is no gift: the next job of theirs comes as late as ever."""
    await order(house, "ada", "fox", 1.0)
    await order(house, "bob", "hare", 3.0)
    early = await house.jobs.claim(["hare"])
    assert early is not None
    assert early.paint.model == "hare"
    await done(house, early)
    again = await order(house, "bob", "hare", 1.0)
    assert again.turn == early.turn + 100


async def test_what_is_put_back_was_not_early(house: House) -> None:
    """An orderly stop lets an early job wait again, and whoever it would have overtaken is next."""
    first = await order(house, "ada", "fox")
    await order(house, "bob", "hare", 4.0)
    for _ in range(3):
        early = await house.jobs.claim(["hare"])
        assert early is not None
        assert early.paint.model == "hare"
        await house.jobs.requeue(early.id)
    in_turn = await house.jobs.claim()
    assert in_turn is not None
    assert in_turn.id == first.id


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(rounds=st.lists(st.tuples(ARRIVALS, ENDS), min_size=1, max_size=14), data=st.data())
def test_nobody_is_overtaken_by_more_than_a_few_pictures(
    rounds: list[tuple[list[tuple[str, str, int]], str]], data: st.DataObject
) -> None:
    """Whoever comes whenever: what goes before somebody out of turn costs four credits at most.

    And with everything served, every job was served.
    """

    async def play(folder: Path) -> None:
        db = await Database.open(folder, clock=Clock())
        try:
            await _play(House(db, Clock()), rounds, data)
        finally:
            await db.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


async def _play(
    house: House,
    rounds: list[tuple[list[tuple[str, str, int]], str]],
    data: st.DataObject,
) -> None:
    overtaken: dict[int, int] = {}
    waiting: dict[int, Job] = {}
    loaded: frozenset[str] = frozenset()
    coming = list(rounds)
    while coming or waiting:
        arrivals, end = coming.pop(0) if coming else ([], "finish")
        for name, model, cents in arrivals:
            job = await order(house, name, model, cents / 100)
            waiting[job.id] = job
            overtaken[job.id] = 0
        claimed = await house.jobs.claim(loaded)
        if claimed is None:
            assert not waiting
            continue
        waiting.pop(claimed.id)
        if end == "requeue":
            await house.jobs.requeue(claimed.id)
            waiting[claimed.id] = claimed
            continue
        for other in waiting.values():
            if (other.turn, other.id) < (claimed.turn, claimed.id):
                overtaken[other.id] += round(claimed.cost * 100)
        assert max(overtaken.values()) <= MOST_EARLY
        loaded = frozenset({claimed.paint.model})
        if data.draw(st.booleans()):
            loaded |= {"owl"}
        if end == "finish":
            await done(house, claimed)
        else:
            await house.jobs.cancel(claimed.id, 0.5)
    assert not waiting
