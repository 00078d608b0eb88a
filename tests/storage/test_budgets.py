"""What may be spent: every limit holds, the refusal has the numbers, the time it names is right."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from dataclasses import replace

import pytest

from engine.errors import Refusal
from engine.request import Note
from storage.errors import (
    Banned,
    KeyReused,
    OverBudget,
    Paused,
    QueueFull,
    Scope,
    TooManyWaiting,
)
from storage.jobs import Rules
from tests.storage.house import DAY, HOUR, NOON, WIDE, Clock, House, pictures_of

TWO = replace(WIDE, budget=2.0)


async def over_budget(house: House, rules: Rules, name: str, cost: float = 1.0) -> OverBudget:
    with pytest.raises(OverBudget) as refused:
        await house.jobs.enqueue(await house.order(name, cost), rules)
    return refused.value


async def test_an_accepted_order_is_a_waiting_job_with_everything_asked(house: House) -> None:
    """What was ordered, its notes and its price come back with the job, under a new public id."""
    order = await house.order("ada", 1.25, address="10.0.0.1", prompt="ein Fuchs, früh", count=2)
    note = Note(code="unused", field="negative", model="starter", given="Wölfe")
    order = replace(order, resolved=replace(order.resolved, notes=(note,)))
    job = await house.enqueue(order)
    assert job == await house.jobs.get(job.public) == await house.jobs.by_id(job.id)
    assert (job.paint, job.notes, job.ask_json) == (order.resolved.paint, (note,), order.ask_json)
    assert (job.person, job.place, job.address) == (order.person, order.place, "10.0.0.1")
    assert (job.cost, job.charge, job.state) == (1.25, 1.25, "queued")
    assert (job.created_at, job.started_at, job.finished_at) == (NOON, None, None)
    assert len(job.public) == 12


async def test_the_budget_can_be_used_to_the_last_hundredth(house: House) -> None:
    """Costs that do not add up in floating point fill a budget exactly, and no more."""
    rules = replace(WIDE, budget=1.0)
    for _ in range(10):
        await house.enqueue(await house.order("ada", 0.1), rules)
    refused = await over_budget(house, rules, "ada", 0.01)
    assert (refused.scope, refused.used, refused.budget, refused.cost) == ("person", 1.0, 1.0, 0.01)


async def test_a_refused_order_leaves_no_row(house: House) -> None:
    """Whoever was refused has no job and has used nothing."""
    await over_budget(house, replace(WIDE, budget=0.5), "ada")
    person = await house.people.known("web", "ada")
    assert await house.jobs.of_person(person.id) == []
    assert await house.used() == 0


async def test_a_refusal_names_the_moment_at_which_the_order_fits(
    house: House, clock: Clock
) -> None:
    """A moment before that time it is refused still, at that very time it is taken."""
    rules = replace(WIDE, budget=3.0)
    for cost in (0.5, 1.0, 1.5):
        await house.enqueue(await house.order("ada", cost), rules)
        clock.turn(1234.567)
    refused = await over_budget(house, rules, "ada", 1.25)
    assert refused.frees_at == pytest.approx(NOON + 1234.567 + DAY)  # when 0.5 and 1.0 have left
    assert refused.frees_at is not None
    clock.time = refused.frees_at - 0.001
    assert (await over_budget(house, rules, "ada", 1.25)).frees_at == refused.frees_at
    clock.time = refused.frees_at
    await house.enqueue(await house.order("ada", 1.25), rules)


async def test_an_order_dearer_than_the_whole_budget_never_fits(house: House) -> None:
    """Then no time is named."""
    assert (await over_budget(house, TWO, "ada", 2.01)).frees_at is None


async def test_credits_come_back_after_the_window_of_the_rules(house: House, clock: Clock) -> None:
    """The window is the operator's, and rolls."""
    rules = replace(WIDE, budget=1.0, window_s=HOUR)
    await house.enqueue(await house.order(), rules)
    clock.turn(HOUR - 1)
    assert (await over_budget(house, rules, "ada")).frees_at == NOON + HOUR
    clock.turn(1)
    await house.enqueue(await house.order(), rules)


async def test_a_persons_budget_holds_over_all_places(house: House) -> None:
    """Going to another server does not help; another person there is not affected."""
    await house.enqueue(await house.order("ada", place="one"), TWO)
    await house.enqueue(await house.order("ada", place="two"), TWO)
    with pytest.raises(OverBudget) as refused:
        await house.jobs.enqueue(await house.order("ada", place="three"), TWO)
    assert refused.value.scope == "person"
    await house.enqueue(await house.order("bob", place="three"), TWO)


async def test_a_persons_budget_in_one_place_leaves_the_others_free(house: House) -> None:
    """A place's own limit per person counts what was asked there."""
    rules = replace(WIDE, person_in_place=1.0)
    await house.enqueue(await house.order("ada", place="one"), rules)
    with pytest.raises(OverBudget) as refused:
        await house.jobs.enqueue(await house.order("ada", place="one"), rules)
    assert (refused.value.scope, refused.value.used) == ("person_in_place", 1.0)
    await house.enqueue(await house.order("ada", place="two"), rules)
    await house.enqueue(await house.order("bob", place="one"), rules)


async def test_a_places_budget_is_shared_by_all_in_it(house: House, clock: Clock) -> None:
    """What everybody asked for in a place counts, until the very moment it leaves the window."""
    rules = replace(WIDE, place=3.0)
    clock.time = NOON + 1799.5  # the window's edge falls into the middle of an hour
    for name in ("ada", "bob", "eve"):
        await house.enqueue(await house.order(name), rules)
        clock.turn(HOUR)
    with pytest.raises(OverBudget) as refused:
        await house.jobs.enqueue(await house.order("joe"), rules)
    assert (refused.value.scope, refused.value.used) == ("place", 3.0)
    assert refused.value.frees_at == NOON + 1799.5 + DAY
    clock.time = refused.value.frees_at - 0.001
    with pytest.raises(OverBudget):
        await house.jobs.enqueue(await house.order("joe"), rules)
    clock.turn(0.001)
    await house.enqueue(await house.order("joe"), rules)


async def test_all_people_of_one_address_share_a_ceiling(house: House) -> None:
    """A new cookie is a new person but not a new address; without an address there is none."""
    rules = replace(WIDE, address=1.0)
    await house.enqueue(await house.order("cookie1", address="10.0.0.1"), rules)
    with pytest.raises(OverBudget) as refused:
        await house.jobs.enqueue(await house.order("cookie2", address="10.0.0.1"), rules)
    assert refused.value.scope == "address"
    await house.enqueue(await house.order("cookie2", address="10.0.0.2"), rules)
    await house.enqueue(await house.order("cookie2"), rules)
    await house.enqueue(await house.order("cookie2"), rules)


@pytest.mark.parametrize(
    ("rules", "scope"),
    [
        (replace(WIDE, budget=2, person_in_place=1, place=2, address=2), "person_in_place"),
        (replace(WIDE, budget=1, person_in_place=2, place=2, address=2), "person"),
        (replace(WIDE, budget=2, person_in_place=2, place=1, address=2), "place"),
        (replace(WIDE, budget=2, person_in_place=2, place=2, address=1), "address"),
    ],
)
async def test_the_tightest_budget_wins(house: House, rules: Rules, scope: Scope) -> None:
    """Of several limits the one that is reached first refuses, and usage tells about it."""
    order = await house.order("ada", 1.0, address="10.0.0.1")
    await house.enqueue(order, rules)
    with pytest.raises(OverBudget) as refused:
        await house.jobs.enqueue(order, rules)
    assert refused.value.scope == scope
    usage = await house.jobs.usage(order.person, rules, place=order.place, address=order.address)
    assert (usage.scope, usage.used, usage.budget) == (scope, 1.0, 1.0)


async def test_of_several_exhausted_budgets_the_one_that_frees_last_is_named(
    house: House, clock: Clock
) -> None:
    """The time in the answer is one at which the order really fits."""
    rules = replace(WIDE, budget=1.0, place=2.0)
    await house.enqueue(await house.order("bob"), rules)
    clock.turn(HOUR)
    await house.enqueue(await house.order("ada"), rules)
    refused = await over_budget(house, rules, "ada")
    assert (refused.scope, refused.frees_at) == ("person", NOON + HOUR + DAY)


async def test_a_person_may_have_only_so_many_jobs_waiting(house: House) -> None:
    """The running one does not count, and whoever cancels one may ask again."""
    rules = replace(WIDE, waiting_per_person=2)
    await house.enqueue(await house.order(), rules)
    assert await house.jobs.claim() is not None
    await house.enqueue(await house.order(), rules)
    last = await house.enqueue(await house.order(), rules)
    with pytest.raises(TooManyWaiting) as refused:
        await house.jobs.enqueue(await house.order(), rules)
    assert (refused.value.limit, refused.value.waiting) == (2, 2)
    await house.enqueue(await house.order("bob"), rules)
    await house.jobs.cancel(last.id)
    await house.enqueue(await house.order(), rules)
    assert await house.jobs.waiting(last.person) == 2


async def test_the_line_has_an_end(house: House) -> None:
    """When as many wait as the operator allows, nobody else is taken."""
    rules = replace(WIDE, queue_limit=2)
    await house.enqueue(await house.order("ada"), rules)
    await house.enqueue(await house.order("bob"), rules)
    with pytest.raises(QueueFull) as refused:
        await house.jobs.enqueue(await house.order("eve"), rules)
    assert refused.value.limit == 2
    await house.jobs.claim()
    await house.enqueue(await house.order("eve"), rules)


async def test_a_paused_place_takes_nothing(house: House) -> None:
    """Other places go on; afterwards it takes jobs again."""
    order = await house.order(place="one")
    await house.places.pause(order.place)
    with pytest.raises(Paused):
        await house.jobs.enqueue(order, WIDE)
    await house.enqueued(place="two")
    await house.places.pause(order.place, False)
    await house.enqueue(order)


async def test_an_order_from_nowhere_is_a_mistake_and_leaves_nothing(house: House) -> None:
    """A place or a person that is not there is no refusal but an error of the caller's."""
    order = await house.order()
    for wrong in (replace(order, place=99), replace(order, person=99)):
        with pytest.raises(sqlite3.IntegrityError):
            await house.jobs.enqueue(wrong, WIDE)
    assert await house.jobs.queue() == []


@pytest.mark.parametrize(("until", "told"), [(NOON + 60, NOON + 60), (math.inf, None)])
async def test_a_banned_person_is_told_until_when(
    house: House, clock: Clock, until: float, told: float | None
) -> None:
    """A ban ends by itself at its time, or when it is lifted."""
    order = await house.order()
    await house.people.ban(order.person, until)
    with pytest.raises(Banned) as refused:
        await house.jobs.enqueue(order, WIDE)
    assert refused.value.until == told
    if told is None:
        await house.people.unban(order.person)
    else:
        clock.time = told
    await house.enqueue(order)


async def test_a_repeated_key_finds_the_job_it_made(house: House) -> None:
    """Sending the same order twice makes one job, even when the budget is used up by it."""
    rules = replace(WIDE, budget=1.0)
    order = await house.order(key="k1")
    job = await house.enqueue(order, rules)
    assert await house.jobs.enqueue(order, rules) == (job, False)
    await house.jobs.cancel(job.id)
    again, created = await house.jobs.enqueue(order, rules)
    assert (again.id, again.state, created) == (job.id, "cancelled", False)


async def test_a_key_of_another_request_is_refused(house: House) -> None:
    """The same key with other words is a mistake of the caller's."""
    await house.enqueue(await house.order(key="k1"))
    with pytest.raises(KeyReused):
        await house.jobs.enqueue(await house.order(key="k1", prompt="a blue fox"), WIDE)


async def test_keys_belong_to_a_person(house: House) -> None:
    """Two people may choose the same key; nobody finds another's job with it."""
    ada = await house.enqueue(await house.order("ada", key="k1"))
    bob = await house.enqueue(await house.order("bob", key="k1"))
    assert ada.id != bob.id


async def test_many_at_once_do_not_get_past_a_limit(house: House) -> None:
    """Of thirty simultaneous orders exactly as many are taken as the budget allows."""
    rules = replace(WIDE, budget=7.0)
    order = await house.order()
    results = await asyncio.gather(
        *(house.jobs.enqueue(order, rules) for _ in range(30)), return_exceptions=True
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 7
    assert all(isinstance(r, Refusal) for r in results if isinstance(r, BaseException))
    assert await house.used() == 7.0


async def test_many_at_once_with_one_key_make_one_job(house: House) -> None:
    """A nervous client that repeats itself concurrently gets the same job each time."""
    order = await house.order(key="k1")
    results = await asyncio.gather(*(house.jobs.enqueue(order, WIDE) for _ in range(10)))
    assert len({job.id for job, _ in results}) == 1
    assert sum(created for _, created in results) == 1


async def test_usage_tells_what_is_used_and_when_it_frees(house: House, clock: Clock) -> None:
    """While a picture fits: when the oldest credits return; else: when one fits again."""
    ada = (await house.people.known("web", "ada")).id
    nothing = await house.jobs.usage(ada, TWO)
    assert (nothing.used, nothing.budget, nothing.frees_at, nothing.waiting) == (0, 2, None, 0)
    await house.enqueue(await house.order("ada", 0.5), TWO)
    clock.turn(HOUR)
    await house.enqueue(await house.order("ada", 0.5), TWO)
    clock.turn(HOUR)
    assert (await house.jobs.usage(ada, TWO)).frees_at == NOON + DAY
    await house.enqueue(await house.order("ada", 1.0), TWO)
    usage = await house.jobs.usage(ada, TWO)
    assert (usage.used, usage.waiting, usage.waiting_limit) == (2.0, 3, 1000)
    assert usage.frees_at == NOON + HOUR + DAY  # one credit: both halves must have left


async def test_an_unlimited_budget_can_be_written_as_infinity(house: House) -> None:
    """An operator who sets no bound is not stopped by arithmetic."""
    await house.enqueue(await house.order(), replace(WIDE, budget=math.inf, place=math.inf))


async def test_failed_jobs_give_everything_back(house: House) -> None:
    """Usage is that of the jobs that did something."""
    job = await house.running()
    assert await house.used() == 1.0
    await house.jobs.fail(job.id, "broken_model")
    assert await house.used() == 0


async def test_finished_jobs_keep_their_charge(house: House) -> None:
    """A picture that was painted has cost what it costs."""
    job = await house.running(cost=1.5)
    await house.jobs.finish(job.id, pictures_of(job))
    assert await house.used() == 1.5
