"""Budgets of one's own, gifts and resets: what may be spent, and when it can be spent again."""

from __future__ import annotations

import asyncio
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.errors import Banned, OverBudget, TooManyWaiting
from storage.jobs import Rules
from storage.members import Members
from tests.storage.house import DAY, HOUR, NOON, WIDE, Clock, House
from tests.storage.test_invariants import Gift, Known, Model, ms

TWO = replace(WIDE, budget=2.0)
TWO_HERE = replace(WIDE, person_in_place=2.0)


async def ids(house: House, name: str = "ada", place: str = "page") -> tuple[int, int]:
    person = await house.people.known("web", name)
    return person.id, (await house.places.known("web", place)).id


async def refused(house: House, rules: Rules, cost: float = 1.0, place: str = "page") -> OverBudget:
    with pytest.raises(OverBudget) as caught:
        await house.jobs.enqueue(await house.order("ada", cost, place=place), rules)
    return caught.value


async def test_a_gift_in_a_place_lifts_the_budget_there_for_a_day(
    house: House, clock: Clock
) -> None:
    """Elsewhere nothing changes, and after a day what was not used is gone."""
    ada, page = await ids(house)
    await house.members.give(ada, page, 1.5)
    for _ in range(3):
        await house.enqueue(await house.order(), TWO_HERE)
    assert (await refused(house, TWO_HERE)).budget == 3.5
    usage = await house.jobs.usage(ada, TWO_HERE, place=page)
    assert (usage.scope, usage.used, usage.budget) == ("person_in_place", 3, 3.5)
    await house.enqueue(await house.order("ada", 2.0, place="server"), TWO_HERE)
    assert (await refused(house, TWO_HERE, place="server")).budget == 2
    clock.turn(DAY)
    assert (await refused(house, TWO_HERE, 2.01)).frees_at is None


async def test_a_gift_in_a_place_is_no_gift_everywhere(house: House) -> None:
    """The operator's budget holds; only a gift everywhere lifts it."""
    ada, page = await ids(house)
    await house.members.give(ada, page, 5)
    await house.enqueue(await house.order("ada", 2.0), TWO)
    assert (await refused(house, TWO)).scope == "person"
    await house.members.give(ada, None, 1)
    await house.enqueue(await house.order("ada", 1.0), TWO)
    await house.enqueue(await house.order("bob", 2.0), TWO)


async def test_a_gift_that_ends_is_made_up_for_before_a_time_is_named(
    house: House, clock: Clock
) -> None:
    """What was painted with it has to leave the window, too."""
    ada, page = await ids(house)
    await house.members.give(ada, page, 2)
    clock.turn(HOUR)
    await house.enqueue(await house.order("ada", 1.0), TWO_HERE)
    clock.turn(HOUR)
    await house.enqueue(await house.order("ada", 3.0), TWO_HERE)
    answer = await refused(house, TWO_HERE)
    assert answer.frees_at == NOON + 2 * HOUR + DAY  # at one hour there are 3 of 2 used
    clock.time = answer.frees_at
    await house.enqueue(await house.order("ada", 1.0), TWO_HERE)


async def test_something_dear_fits_while_a_gift_lasts(house: House, clock: Clock) -> None:
    """It costs more than the budget, so that the time named lies within the gift's day."""
    ada, page = await ids(house)
    await house.enqueue(await house.order("ada", 2.0), TWO_HERE)
    clock.turn(HOUR)
    await house.members.give(ada, page, 1)
    answer = await refused(house, TWO_HERE, 3.0)
    assert answer.frees_at == NOON + DAY
    clock.time = answer.frees_at
    await house.enqueue(await house.order("ada", 3.0), TWO_HERE)


async def test_a_reset_forgets_what_was_used(house: House, clock: Clock) -> None:
    """In that place, or everywhere; what comes later counts, and frees when it is old."""
    ada, page = await ids(house)
    both = replace(TWO, person_in_place=2.0)
    await house.enqueue(await house.order("ada", 2.0), both)
    clock.turn(HOUR)
    await house.members.reset(ada, page)
    assert (await refused(house, both)).scope == "person"
    await house.members.reset(ada, None)
    clock.turn(HOUR)
    assert (await house.jobs.usage(ada, both, place=page)).used == 0
    await house.enqueue(await house.order("ada", 2.0), both)
    assert (await refused(house, both)).frees_at == NOON + 2 * HOUR + DAY


@pytest.mark.parametrize("back", [0.0, 5.0, HOUR])
async def test_what_comes_after_a_reset_counts_whatever_the_clock_says(
    house: House, clock: Clock, back: float
) -> None:
    """Also in the same millisecond, and where the clock was set back."""
    ada, page = await ids(house)
    both = replace(TWO, person_in_place=2.0)
    for where in (None, page):
        await house.enqueue(await house.order("ada", 2.0), both)
        clock.turn(2 * DAY)
        await house.members.reset(ada, where)
        clock.turn(-back)
        await house.enqueue(await house.order("ada", 2.0), both)
        assert (await refused(house, both)).used == 2
        clock.turn(2 * DAY)


async def test_a_budget_of_one_s_own_comes_before_everybody_s(house: House) -> None:
    """More or less than the others have, here or everywhere, until it is taken back."""
    ada, page = await ids(house)
    await house.members.set_budget(ada, page, 3)
    await house.enqueue(await house.order("ada", 3.0), TWO_HERE)
    assert (await refused(house, TWO_HERE)).budget == 3
    assert (await refused(house, WIDE)).scope == "person_in_place"  # also where nobody has one
    await house.members.set_budget(ada, page, None)
    await house.enqueue(await house.order("ada", 3.0), WIDE)
    await house.members.set_budget(ada, None, 0)
    assert (await refused(house, WIDE)).budget == 0
    await house.members.set_budget(ada, None, None)
    await house.enqueue(await house.order("ada"), WIDE)


async def test_a_ban_in_a_place_leaves_the_others_open(house: House, clock: Clock) -> None:
    """It ends by itself; of two bans the longer one is told."""
    ada, page = await ids(house)
    await house.members.ban(ada, page, NOON + HOUR)
    with pytest.raises(Banned) as caught:
        await house.jobs.enqueue(await house.order(), WIDE)
    assert caught.value.until == NOON + HOUR
    await house.enqueue(await house.order(place="server"))
    await house.people.ban(ada, math.inf)
    with pytest.raises(Banned) as caught:
        await house.jobs.enqueue(await house.order(), WIDE)
    assert caught.value.until is None
    await house.people.unban(ada)
    clock.turn(HOUR)
    await house.enqueue(await house.order())


async def test_jobs_that_wait_are_counted_per_place_too(house: House) -> None:
    """The tighter limit refuses, and usage tells of it."""
    ada, page = await ids(house)
    rules = replace(WIDE, waiting_here=1, waiting_per_person=2)
    await house.enqueue(await house.order(place="server"), rules)
    await house.enqueue(await house.order(), rules)
    for tighter, limit in ((replace(rules, waiting_per_person=9), 1), (rules, 2)):
        place = "page" if limit == 1 else "third"
        with pytest.raises(TooManyWaiting) as caught:
            await house.jobs.enqueue(await house.order(place=place), tighter)
        assert caught.value.limit == limit
    usage = await house.jobs.usage(ada, replace(rules, waiting_per_person=9), place=page)
    assert (usage.waiting, usage.waiting_limit) == (1, 1)


async def test_how_somebody_stands_is_remembered(db: Database, house: House) -> None:
    """The next look finds it, remembered or read again, and strangers stand as everybody does."""
    ada, page = await ids(house)
    assert (await house.members.get(ada, page)).banned_until is None
    await house.members.ban(ada, page, math.inf)
    await house.members.set_budget(ada, page, 2.5)
    await house.members.reset(ada, page)
    member = await house.members.get(ada, page)
    assert (member.banned_until, member.budget, member.reset_at) == (math.inf, 2.5, NOON)
    assert await Members(db).get(ada, page) == member
    await house.members.ban(ada, page, None)
    assert (await house.members.get(ada, page)).banned_until is None


PLACES = ("page", "server")
WHERE = st.sampled_from((*PLACES, None))
ACTS = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(PLACES), st.integers(1, 300)),
    st.tuples(st.just("order"), st.sampled_from(PLACES), st.integers(1, 300)),
    st.tuples(st.just("give"), WHERE, st.integers(1, 300)),
    st.tuples(st.just("reset"), WHERE, st.just(0)),
    st.tuples(st.just("own"), WHERE, st.none() | st.integers(0, 600)),
    st.tuples(st.just("wait"), st.none(), st.integers(1, 30)),
)


@settings(database=None, derandomize=True, max_examples=150, deadline=None)
@given(acts=st.lists(ACTS, min_size=5, max_size=25))
def test_every_answer_is_right_whatever_was_given_and_reset(
    acts: list[tuple[str, str | None, Any]],
) -> None:
    """Random histories against a model: what fits is taken, and the time named is the first."""
    asyncio.run(_play(acts))


async def _play(acts: list[tuple[str, str | None, Any]]) -> None:
    model, clock = Model(), Clock()
    rules = replace(WIDE, budget=6.0, person_in_place=4.0, place=7.0)
    with tempfile.TemporaryDirectory() as folder:
        db = await Database.open(Path(folder), clock=clock)
        house = House(db, clock)
        numbers: dict[str | None, int | None] = {p: (await ids(house, place=p))[1] for p in PLACES}
        ada = (await ids(house))[0]
        for act, place, value in acts:
            where = numbers.get(place)
            if act == "order":
                assert place is not None
                await _order(house, model, rules, place, value)
            elif act == "give":
                await house.members.give(ada, where, value / 100)
                model.gifts.append(Gift("ada", place, value, clock.time))
            elif act == "reset":
                await house.members.reset(ada, where)
                model.resets["ada", place] = clock.time
            elif act == "own":
                await house.members.set_budget(ada, where, None if value is None else value / 100)
                model.own.pop(("ada", place), None)
                if value is not None:
                    model.own["ada", place] = value
            clock.turn(value * 1800.0 if act == "wait" else 1.0)
        await db.close()


async def _order(house: House, model: Model, rules: Rules, place: str, cost: int) -> None:
    now = house.clock.time

    def fits(moment: float) -> bool:
        return (
            cost <= model.room("ada", None, 600, moment)
            and cost <= model.room("ada", place, 400, moment)
            and model.used(moment, place=place) + cost <= 700
        )

    order = await house.order("ada", cost / 100, place=place)
    usage = await house.jobs.usage(order.person, rules, place=order.place)
    left = {
        "person": model.room("ada", None, 600, now),
        "person_in_place": model.room("ada", place, 400, now),
        "place": 700 - model.used(now, place=place),
    }
    assert round(100 * (usage.budget - usage.used)) == left[usage.scope] == min(left.values())
    try:
        job, _ = await house.jobs.enqueue(order, rules)
    except OverBudget as answer:
        made = [job.created_at + DAY for job in model.jobs]
        made += [gift.created_at + DAY for gift in model.gifts]
        moments = [now, *(moment for moment in made if moment > now)]
        first = min((ms(moment) for moment in moments if fits(moment)), default=None)
        assert (None if answer.frees_at is None else ms(answer.frees_at)) == first
        assert first != ms(now)
        return
    assert fits(now)
    model.jobs.append(
        Known(
            id=job.id,
            name="ada",
            place=place,
            address=None,
            cost=cost,
            charge=cost,
            turn=job.turn,
            created_at=now,
            count=1,
            key=None,
        )
    )
