"""What an operator looks at: hours that follow the jobs, bounded incidents, people."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from storage import schema
from storage.crowd import Crowd
from storage.database import Database
from storage.hours import HOUR_MS, Hours
from storage.incidents import Incidents, Kind, NewIncident
from tests.storage.house import HOUR, Clock, House, pictures_of


async def test_hours_follow_the_jobs(db: Database, clock: Clock, house: House) -> None:
    """Done, failed and cancelled ones count in the hour they end; waits and paintings add up."""
    jobs, hours = house.jobs, Hours(db)
    for wait in (3.0, 5.0):
        await house.enqueued("ann")
        clock.turn(wait)
        job = await jobs.claim()
        assert job is not None
        clock.turn(2.0)
        await jobs.finish(job.id, pictures_of(job))
    await jobs.fail((await house.running("ann")).id, "engine_failed")
    waiting = await house.enqueued("ann")
    await jobs.cancel(waiting.id)
    (hour,) = await hours.latest(1)
    assert (hour.done, hour.failed, hour.cancelled, hour.pictures) == (2, 1, 1, 2)
    assert (hour.painted_s, hour.waited_s, hour.longest_s) == (4.0, 8.0, 5.0)
    clock.turn(HOUR)
    assert await hours.latest(1) == []
    assert await hours.latest(2) == [hour]


async def test_hours_are_kept_for_a_year_and_a_bit(db: Database) -> None:
    """Older ones go when a new one begins, so that the table has an end."""
    now = db.now() // HOUR_MS
    async with db.transaction() as transaction:
        for back in (9700, 9600, 1):
            await transaction.one("INSERT INTO hours (hour, model) VALUES (?, 'm')", (now - back,))
        await transaction.one("INSERT INTO hours (hour, model) VALUES (?, 'm')", (now,))
    rows = await db.read("SELECT hour FROM hours ORDER BY hour")
    assert [now - row["hour"] for row in rows] == [9600, 1, 0]


async def test_an_upgrade_counts_what_was_painted_before(tmp_path: Path) -> None:
    """The jobs of an older database are in the plots from the beginning."""
    before = [each for each in schema.shipped() if each.number < 5]
    await (await Database.open(tmp_path, migrations=before)).close()
    with closing(sqlite3.connect(tmp_path / "atelier.sqlite")) as old, old:
        old.execute("INSERT INTO people VALUES (1, 'web', 'a', '', NULL, NULL, 0, NULL, NULL)")
        old.execute(
            "INSERT INTO places (id, platform, external, name, created_at)"
            " VALUES (1, 'web', 'page', '', 0)"
        )
        for public, state, error in (("x", "done", None), ("y", "failed", "gave_up")):
            old.execute(
                "INSERT INTO jobs (public, person, place, ask, request, notes, model, width,"
                " height, guided, steps, pictures, cost, charge, turn, state, error, created_at,"
                " started_at, finished_at) VALUES (?, 1, 1, '{}', '{}', '[]', 'm', 8, 8, 0, 1, 2,"
                " 100, ?, 100, ?, ?, 1000, 3000, 9000)",
                (public, 100 if error is None else 0, state, error),
            )
    db = await Database.open(tmp_path, clock=lambda: 10.0)
    (hour,) = await Hours(db).latest(1)
    await db.close()
    assert (hour.done, hour.failed, hour.pictures) == (1, 1, 2)
    assert (hour.painted_s, hour.waited_s) == (6.0, 2.0)


async def test_incidents_bound_themselves_kind_by_kind(db: Database) -> None:
    """Two thousand of each are kept: however many refusals there are, failures stay."""
    incidents = Incidents(db)
    failure = NewIncident(kind=Kind.FAILED, code="painting failed", at=1.0, job="x")
    await incidents.add([failure])
    many = [NewIncident(kind=Kind.REFUSED, code=f"{n}", at=2.0) for n in range(2500)]
    await incidents.add(many)
    kept = await incidents.latest(Kind.REFUSED, limit=10_000)
    assert [each.code for each in kept] == [f"{n}" for n in reversed(range(500, 2500))]
    (still,) = await incidents.latest(Kind.FAILED)
    assert (still.code, still.job, still.at) == ("painting failed", "x", 1.0)
    page = await incidents.latest(limit=2)
    assert [each.code for each in page] == ["2499", "2498"]
    assert [each.code for each in await incidents.latest(before=page[-1].id, limit=1)] == ["2497"]


async def test_an_incident_of_nobody_known_is_kept_without_them(db: Database) -> None:
    """Whoever is not in the database (any more) is left out; the incident is not lost."""
    await Incidents(db).add([NewIncident(kind=Kind.TROUBLE, code="x", at=1.0, person=4711)])
    assert [each.person for each in await Incidents(db).latest()] == [None]


async def test_people_are_found(db: Database, clock: Clock, house: House) -> None:
    """Who asked lately, newest first; by name, number and id; signs of LIKE are plain signs."""
    people, crowd = house.people, Crowd(db)
    for name in ("ann", "bob", "ann"):
        await house.enqueued(name)
        clock.turn(1)
    lately = await crowd.find()
    assert len(lately) == 2
    assert lately[0].seen_at is not None
    assert lately[1].seen_at is not None
    assert lately[0].seen_at > lately[1].seen_at
    assert [each.id for each in await crowd.find(skip=1, limit=1)] == [lately[1].id]
    odd = await people.known("discord", "77", "50%_Zoë")
    assert [each.id for each in await crowd.find("50%_z")] == [odd.id]
    assert [each.id for each in await crowd.find("77")] == [odd.id]
    assert [each.id for each in await crowd.find(f"#{odd.id}")] == [odd.id]
    assert await crowd.find("50x") == []
    await people.ban(odd.id, clock.time + 60)
    assert [each.id for each in await crowd.find(banned=True)] == [odd.id]
    clock.turn(61)
    assert await crowd.find(banned=True) == []
