"""How a job ends: in exactly one final state, paid or refunded, found again after a death."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from storage.errors import NotFound
from storage.jobs import Job, JobState, Recovered
from storage.pictures import Pictures
from tests.storage.house import House, pictures_of

ATTEMPTS = 3


async def dies_while_painting(house: House) -> Recovered:
    """The next job is claimed, then the process is gone and starts again."""
    assert await house.jobs.claim() is not None
    return await house.jobs.recover(ATTEMPTS)


async def test_a_finished_job_has_its_pictures(house: House, tmp_path: Path) -> None:
    """Done comes together with the rows of all pictures, in order, and keeps the charge."""
    await house.enqueue(await house.order(count=3))
    job = await house.jobs.claim()
    assert job is not None
    house.clock.turn(9)
    done = await house.jobs.finish(job.id, pictures_of(job))
    assert done is not None
    assert (done.state, done.share, done.charge) == (JobState.DONE, 1.0, 1.0)
    assert done.finished_at == job.created_at + 9
    assert done == await house.jobs.by_id(job.id)
    rows = await Pictures(house.db, tmp_path).of_job(job.id)
    assert [(row.index, row.seed) for row in rows] == [(0, 7), (1, 8), (2, 9)]


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_job_is_not_done_with_too_few_or_too_many_pictures(
    house: House, count: int
) -> None:
    """Then nothing is stored and the job is still running."""
    await house.enqueue(await house.order(count=2))
    job = await house.jobs.claim()
    assert job is not None
    pictures = pictures_of(job)
    with pytest.raises(ValueError, match="2 pictures"):
        await house.jobs.finish(job.id, [*pictures, *pictures][:count])
    assert await house.jobs.running() == job


async def test_a_picture_that_cannot_be_stored_leaves_the_job_running(house: House) -> None:
    """The pictures and the new state come together or not at all."""
    first = await house.running()
    taken = pictures_of(first)
    await house.jobs.finish(first.id, taken)
    second = await house.running()
    with pytest.raises(sqlite3.IntegrityError):
        await house.jobs.finish(second.id, taken)
    assert await house.jobs.running() == second


async def test_finishing_is_carried_through_although_the_caller_is_cancelled(house: House) -> None:
    """Work that is done is not thrown away because somebody shuts down."""
    job = await house.running()
    finishing = asyncio.create_task(house.jobs.finish(job.id, pictures_of(job)))
    await asyncio.sleep(0)
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert (await house.jobs.by_id(job.id)).state == "done"


async def test_a_failed_job_costs_nothing_and_says_why(house: House) -> None:
    """The code of the error stays with the job."""
    job = await house.running()
    failed = await house.jobs.fail(job.id, "broken_model")
    assert failed is not None
    assert (failed.state, failed.charge, failed.cost) == (JobState.FAILED, 0, 1.0)
    assert failed.error == "broken_model"
    assert failed.finished_at is not None


async def test_cancelling_a_waiting_job_costs_nothing(house: House) -> None:
    """It leaves the line and gives its whole cost back."""
    job = await house.enqueued()
    cancelled = await house.jobs.cancel(job.id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.charge, cancelled.share) == (JobState.CANCELLED, 0, 0)
    assert await house.jobs.queue() == []
    assert await house.used() == 0


@pytest.mark.parametrize(
    ("cost", "share", "charge"),
    [
        (1.0, 0.0, 0.0),
        (1.0, 0.25, 0.25),
        (0.3, 0.1, 0.03),
        (0.07, 0.5, 0.04),
        (0.01, 0.001, 0.01),
        (2.0, 1.0, 2.0),
        (1.0, 1.5, 1.0),
        (1.0, -0.5, 0.0),
    ],
)
async def test_cancelling_while_painting_keeps_the_share_that_was_painted(
    house: House, cost: float, share: float, charge: float
) -> None:
    """The share of the cost is kept, rounded up to a hundredth, and the rest given back."""
    job = await house.running(cost=cost)
    cancelled = await house.jobs.cancel(job.id, share)
    assert cancelled is not None
    assert (cancelled.state, cancelled.charge) == (JobState.CANCELLED, charge)
    assert await house.used() == charge


async def test_a_waiting_job_is_not_cancelled_as_if_it_was_painted(house: House) -> None:
    """Cancelling by share is for the running job, cancelling without one for waiting jobs."""
    waiting = await house.enqueued()
    assert await house.jobs.cancel(waiting.id, 0.5) is None
    running = await house.jobs.claim()
    assert running is not None
    assert await house.jobs.cancel(running.id) is None
    assert (await house.jobs.by_id(running.id)).state == "running"


async def test_a_final_state_stays(house: House) -> None:
    """Whatever is tried with a job that ended, nothing changes."""
    job = await house.running()
    ended = await house.jobs.cancel(job.id, 0.5)
    assert ended is not None
    assert ended.state.final
    assert await house.jobs.finish(job.id, pictures_of(job)) is None
    assert await house.jobs.fail(job.id, "late") is None
    assert await house.jobs.cancel(job.id) is None
    assert await house.jobs.cancel(job.id, 1.0) is None
    assert await house.jobs.requeue(job.id) is None
    assert await house.jobs.recover(ATTEMPTS) == Recovered()
    assert await house.jobs.by_id(job.id) == ended


async def test_a_waiting_job_does_not_end_without_running(house: House) -> None:
    """It can be neither finished nor failed."""
    job = await house.enqueued()
    assert await house.jobs.finish(job.id, pictures_of(job)) is None
    assert await house.jobs.fail(job.id, "early") is None
    assert await house.jobs.queue() == [job]


async def test_an_unknown_job_cannot_be_changed(house: House) -> None:
    """Numbers nobody has are answered like jobs in the wrong state."""
    assert await house.jobs.cancel(99) is None
    assert await house.jobs.cancel(99, 0.5) is None
    assert await house.jobs.finish(99, []) is None


async def test_racing_ends_let_one_win(house: House) -> None:
    """When finishing, failing and cancelling meet, exactly one of them happened."""
    job = await house.running()
    ends = await asyncio.gather(
        house.jobs.cancel(job.id, 0.5),
        house.jobs.finish(job.id, pictures_of(job)),
        house.jobs.fail(job.id, "late"),
    )
    assert [end for end in ends if end is not None] == [await house.jobs.by_id(job.id)]


async def test_an_orderly_stop_is_no_death(house: House) -> None:
    """The job waits again at the head of the line, as if it had not been started."""
    job = await house.running()
    await house.enqueued("bob")
    again = await house.jobs.requeue(job.id)
    assert again is not None
    assert (again.state, again.deaths, again.started_at) == (JobState.QUEUED, 0, None)
    assert await house.jobs.position(job.id) == 1
    assert await house.used() == 1.0


async def test_after_a_death_the_job_is_tried_again_first(house: House) -> None:
    """It keeps its turn and its charge, and the death is counted."""
    await house.enqueued("ada")
    await house.enqueued("bob")
    recovered = await dies_while_painting(house)
    assert recovered.failed == ()
    (job,) = recovered.requeued
    assert (job.state, job.deaths, job.started_at) == (JobState.QUEUED, 1, None)
    assert [waiting.id for waiting in await house.jobs.queue()] == [1, 2]


async def test_a_job_that_kills_is_tried_last_and_then_given_up(house: House) -> None:
    """At the third death it goes behind everybody; at the next it has failed and is refunded."""
    poison = await house.enqueued("ada")
    for _ in range(4):
        await house.enqueued("bob", 5.0)
    for death in (1, 2):
        (job,) = (await dies_while_painting(house)).requeued
        assert (job.id, job.deaths, job.last_chance) == (poison.id, death, False)
        assert await house.jobs.position(job.id) == 1
    (job,) = (await dies_while_painting(house)).requeued
    assert (job.id, job.deaths, job.last_chance) == (poison.id, 3, True)
    assert await house.jobs.position(job.id) == 5
    assert await house.used() == 1.0
    for _ in range(4):
        innocent = await house.jobs.claim()
        assert innocent is not None
        assert innocent.id != poison.id
        await house.jobs.finish(innocent.id, pictures_of(innocent))
    recovered = await dies_while_painting(house)
    assert recovered.requeued == ()
    (failed,) = recovered.failed
    assert (failed.id, failed.state, failed.error) == (poison.id, JobState.FAILED, "gave_up")
    assert failed.deaths == 4
    assert await house.used() == 0
    assert failed in await house.jobs.undelivered()


async def test_a_last_chance_can_end_well(house: House) -> None:
    """A job that was only unlucky is finished like any other."""
    await house.enqueued()
    for _ in range(ATTEMPTS):
        await dies_while_painting(house)
    assert await house.served() == ["ada"]
    assert (await house.jobs.by_id(1)).state == "done"


async def test_a_last_chance_does_not_put_its_owner_back(house: House) -> None:
    """What the person asks for next comes as early as a newcomer's."""
    bad = await house.enqueued("ada")
    for _ in range(5):
        await house.enqueued("bob")
    for _ in range(ATTEMPTS):
        await dies_while_painting(house)
    good = await house.enqueued("ada")
    newcomers = await house.enqueued("eve")
    assert newcomers.turn == good.turn
    assert [job.id for job in await house.jobs.queue()][-1] == bad.id


async def test_an_innocent_job_does_not_pay_for_a_poisonous_one(house: House) -> None:
    """Deaths are counted for the job that was running, nobody else."""
    await house.enqueued("ada")
    bob = await house.enqueued("bob")
    for _ in range(ATTEMPTS + 1):
        await dies_while_painting(house)
        if await house.jobs.position(bob.id) == 1:
            break
    assert await house.jobs.by_id(bob.id) == bob


async def test_more_attempts_than_before_are_granted_after_a_change(house: House) -> None:
    """An operator who raises the number gives a job that had its last chance some more."""
    await house.enqueued()
    for _ in range(ATTEMPTS):
        await dies_while_painting(house)
    await house.jobs.claim()
    (job,) = (await house.jobs.recover(9)).requeued
    assert job.deaths == 4


async def test_recovery_without_a_running_job_changes_nothing(house: House) -> None:
    """Starting after an orderly stop finds nothing to do."""
    job = await house.enqueued()
    assert await house.jobs.recover(ATTEMPTS) == Recovered()
    assert await house.jobs.queue() == [job]


async def test_jobs_are_found_by_public_id_and_number(house: House) -> None:
    """Unknown ones are not found, with the fact of what was looked for."""
    job = await house.enqueued()
    assert await house.jobs.get(job.public) == await house.jobs.by_id(job.id) == job
    with pytest.raises(NotFound) as missing:
        await house.jobs.get("nobody")
    assert missing.value.what == "job"
    with pytest.raises(NotFound):
        await house.jobs.by_id(99)


async def test_history_is_read_page_by_page_newest_first(house: House) -> None:
    """The number of the last job seen leads to the next page; other people's are not in it."""
    for _ in range(5):
        await house.enqueued("ada")
        await house.enqueued("bob")
    ada = (await house.people.known("web", "ada")).id
    pages = []
    before = None
    while page := await house.jobs.of_person(ada, before=before, limit=2):
        pages.append([job.id for job in page])
        before = page[-1].id
    assert pages == [[9, 7], [5, 3], [1]]


async def test_ended_jobs_are_undelivered_until_somebody_was_told(house: House) -> None:
    """Done, failed and cancelled ones are listed, oldest end first, for one platform or all."""
    for name in ("ada", "bob", "eve"):
        await house.enqueued(name)
    elsewhere = await house.places.known("discord", "1")
    await house.enqueue(replace(await house.order("joe"), place=elsewhere.id))
    await house.jobs.cancel(3)
    house.clock.turn(1)
    for _ in range(2):
        await house.jobs.claim()
        await house.jobs.fail((await running(house)).id, "broken_model")
        house.clock.turn(1)
    assert [job.id for job in await house.jobs.undelivered()] == [3, 1, 2]
    await house.jobs.mark_delivered(1)
    assert [job.id for job in await house.jobs.undelivered("web")] == [3, 2]
    await house.jobs.claim()
    await house.jobs.fail(4, "broken_model")
    assert [job.id for job in await house.jobs.undelivered("web")] == [3, 2]
    assert [job.id for job in await house.jobs.undelivered("discord")] == [4]


async def running(house: House) -> Job:
    job = await house.jobs.running()
    assert job is not None
    return job


async def test_delivery_is_marked_once_and_only_after_the_end(house: House) -> None:
    """The first time stays; a job that has not ended cannot have been delivered."""
    job = await house.running()
    await house.jobs.mark_delivered(job.id)
    assert (await house.jobs.by_id(job.id)).delivered_at is None
    await house.jobs.finish(job.id, pictures_of(job))
    await house.jobs.mark_delivered(job.id)
    told = (await house.jobs.by_id(job.id)).delivered_at
    assert told == house.clock()
    house.clock.turn(60)
    await house.jobs.mark_delivered(job.id)
    assert (await house.jobs.by_id(job.id)).delivered_at == told


async def test_a_courier_finds_its_message_again(house: House) -> None:
    """What it wrote down comes back with the job."""
    job = await house.enqueued()
    await house.jobs.set_message(job.id, '{"chat": 1}')
    assert (await house.jobs.get(job.public)).message == '{"chat": 1}'


async def test_what_an_order_carries_is_stored_with_the_job(house: House) -> None:
    """Whether it is private, where its message is, what it came from, what defaults filled in."""
    order = await house.order()
    first = await house.enqueue(order)
    assert (first.private, first.message, first.parent) == (False, None, None)
    assert first.filled_json == order.ask_json
    order = replace(
        order, private=True, message='{"at": 1}', parent=first.public, filled_json='{"style": "x"}'
    )
    job = await house.enqueue(order)
    assert (job.private, job.message, job.parent) == (True, '{"at": 1}', first.public)
    assert (job.filled_json, job.ask_json) == ('{"style": "x"}', order.ask_json)
    assert await house.jobs.get(job.public) == job


async def test_unfinished_jobs_of_a_platform_are_found_the_running_one_first(house: House) -> None:
    """In the order of service, no more than are wanted, and none of another platform."""
    jobs = [await house.enqueued(name) for name in ("ada", "bob", "eve", "joe")]
    await house.jobs.claim()
    await house.jobs.cancel(jobs[2].id)
    found = await house.jobs.unfinished("web")
    assert [job.id for job in found] == [jobs[0].id, jobs[1].id, jobs[3].id]
    assert [job.id for job in await house.jobs.unfinished("web", 1)] == [jobs[0].id, jobs[1].id]
    assert await house.jobs.unfinished("discord") == []
    assert await house.jobs.length() == 2


async def test_the_line_of_one_place(house: House) -> None:
    """Those who wait there, in the order in which they will be served."""
    await house.enqueued("ada", place="one")
    there = [await house.enqueued(name, place="two") for name in ("bob", "eve", "joe")]
    found = await house.jobs.queue_of(there[0].place)
    assert [job.id for job in found] == [job.id for job in there]
    assert len(await house.jobs.queue_of(there[0].place, 2)) == 2


async def test_only_so_many_undelivered_jobs_are_read_at_once(house: House) -> None:
    """The oldest of them."""
    for _ in range(3):
        job = await house.running()
        await house.jobs.fail(job.id, "broken_model")
        house.clock.turn(1)
    assert [job.id for job in await house.jobs.undelivered("web", 2)] == [1, 2]
