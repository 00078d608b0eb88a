"""Owns the jobs: taking them within the rules, serving them in fair order, how each one ends.

It knows no picture's making and no chat. Every change of state is one guarded update.
"""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

from engine.request import Note
from storage import ledger, statements
from storage.database import Database, Transaction, maybe_seconds, undisturbed
from storage.errors import KeyReused, NotFound
from storage.ids import random_id
from storage.job import Ahead, Job, JobState, Order, Recovered, Waiting, job_of
from storage.ledger import Rules, Usage, to_cents
from storage.pictures import NewPicture

__all__ = ["Ahead", "Job", "JobState", "Jobs", "Order", "Recovered", "Rules", "Usage"]

GAVE_UP = "gave_up"
"""The error of a job whose last chance ended in the death of the process, too."""


MOST_EARLY = 400
"""Hundredths of a credit by which anybody may be overtaken, so that models change less often."""
BREATH = 50
"""After so many rows of a long line others get their turn."""


class Jobs:
    """The line, the ledger and the history of jobs."""

    def __init__(self, db: Database, new_id: Callable[[], str] = random_id) -> None:
        self._db = db
        self._new_id = new_id

    async def enqueue(self, order: Order, rules: Rules) -> tuple[Job, bool]:
        """Take the order, if it fits all rules; else raise the exact refusal.

        A key this person used before finds the job it made: then the second value is False. Raises
        `KeyReused`, `Banned`, `Paused`, `OverBudget`, `TooManyWaiting`, `QueueFull`.
        """
        async with self._db.transaction() as transaction:
            if order.key is not None:
                before = await transaction.one(
                    statements.BY_KEY, {"person": order.person, "key": order.key}
                )
                if before is not None:
                    if before["ask"] != order.ask_json:
                        raise KeyReused()
                    return job_of(before), False
            values = self._values(order, rules)
            row = await transaction.one(statements.ENQUEUE, values)
            if row is None:
                raise await ledger.refusal(transaction, values)
            return job_of(row), True

    async def by_key(self, person: int, key: str) -> Job | None:
        """The job that somebody's key made; None if there is none."""
        row = await self._db.read_one(statements.BY_KEY, {"person": person, "key": key})
        return None if row is None else job_of(row)

    async def claim(self, loaded: Collection[str] = ()) -> Job | None:
        """Start the job whose turn it is; None if nobody waits or one is running.

        If that one needs a model that is not among the `loaded`, one that does with those may come
        before it, as long as nobody is overtaken by more than `MOST_EARLY` altogether.
        """
        async with self._db.transaction() as transaction:
            if loaded:
                early = await self._early(transaction, loaded)
                if early is not None:
                    return early
            row = await transaction.one(statements.CLAIM, {"now": self._db.now()})
            if row is None:
                return None
            await transaction.one(statements.SERVED, {"turn": row["turn"]})
            await transaction.one(statements.REACHED, {"turn": row["turn"]})
        return job_of(row)

    async def position(self, job_id: int) -> int:
        """Its place in the line: 1 is first; 0 if it does not wait (any more)."""
        row = await self._db.read_one(statements.POSITION, {"id": job_id})
        return 0 if row is None else int(row["position"])

    async def ahead(self, job_id: int) -> list[Ahead]:
        """What waits before this queued job, summed per kind; not itself, not the running one."""
        rows = await self._db.read(statements.AHEAD, {"id": job_id})
        return [Ahead(**{**dict(row), "guided": bool(row["guided"])}) for row in rows]

    async def finish(
        self, job_id: int, pictures: Sequence[NewPicture], notes: Sequence[Note] = ()
    ) -> Job | None:
        """Running to done, with its pictures and what the painter noted; None if not running.

        Once begun it is carried through even if the caller is cancelled: the work is done.
        """
        return await undisturbed(self._finish(job_id, pictures, notes))

    async def fail(self, job_id: int, error: str) -> Job | None:
        """Running to failed, refunded; None if it was not running."""
        values = {"id": job_id, "error": error, "deaths": 0, "now": self._db.now()}
        return await self._change(statements.FAIL, values)

    async def cancel(self, job_id: int, share: float | None = None) -> Job | None:
        """Queued to cancelled, refunded; or, with a `share` painted (0–1), running to cancelled.

        With a share, that part of the cost is kept, rounded up. None if it was in another state.
        """
        values: dict[str, Any] = {"id": job_id, "now": self._db.now()}
        if share is None:
            return await self._change(statements.CANCEL_QUEUED, values)
        async with self._db.transaction() as transaction:
            row = await transaction.one(statements.BY_ID, {"id": job_id})
            if row is None:
                return None
            share = max(0.0, min(share, 1.0))
            charge = math.ceil(round(row["cost"] * share, 6))
            values |= {"share": share, "charge": charge}
            row = await transaction.one(statements.CANCEL_RUNNING, values)
        return None if row is None else job_of(row)

    async def requeue(self, job_id: int) -> Job | None:
        """Running back to queued, as at an orderly stop: no death; None if it was not running."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(statements.REQUEUE, {"id": job_id, "deaths": 0})
            if row is not None:
                await transaction.one(statements.NOT_EARLY, {"id": job_id})
        return None if row is None else job_of(row)

    async def move(self, job_id: int, *, first: bool) -> Job | None:
        """Let a queued job be the first of all that wait, or the last; None if it did not wait."""
        sql = statements.MOVE_FIRST if first else statements.MOVE_LAST
        return await self._change(sql, {"id": job_id})

    async def recover(self, attempts: int) -> Recovered:
        """At start: whatever is running was interrupted by the death of the process.

        It waits again, with its old turn. At its `attempts`-th death it waits once more behind
        everybody, as its last chance; if that kills the process too, it has failed.
        """
        async with self._db.transaction() as transaction:
            row = await transaction.one(statements.RUNNING)
            if row is None:
                return Recovered()
            job_id, deaths = row["id"], row["deaths"] + 1
            if deaths >= attempts and row["last_chance"]:
                values = {"id": job_id, "error": GAVE_UP, "deaths": 1, "now": self._db.now()}
                return Recovered(failed=(await _changed(transaction, statements.FAIL, values),))
            job = await _changed(transaction, statements.REQUEUE, {"id": job_id, "deaths": 1})
            await transaction.one(statements.NOT_EARLY, {"id": job_id})
            if deaths >= attempts:
                job = await _changed(transaction, statements.LAST_CHANCE, {"id": job_id})
            return Recovered(requeued=(job,))

    async def get(self, public: str) -> Job:
        """The job with this public id. Raises `NotFound`."""
        return _found(await self._db.read_one(statements.BY_PUBLIC, {"public": public}))

    async def by_id(self, job_id: int) -> Job:
        """The job with this number. Raises `NotFound`."""
        return _found(await self._db.read_one(statements.BY_ID, {"id": job_id}))

    async def by_ids(self, job_ids: Sequence[int]) -> dict[int, Job]:
        """The jobs with these numbers, as far as they are there."""
        values = {"ids": json.dumps(list(job_ids))}
        rows = await self._db.read(statements.BY_IDS, values)
        return {row["id"]: job_of(row) for row in rows}

    async def running(self) -> Job | None:
        """The job that is being painted, if one is."""
        row = await self._db.read_one(statements.RUNNING)
        return None if row is None else job_of(row)

    async def of_person(
        self, person: int, *, before: int | None = None, limit: int = 50
    ) -> list[Job]:
        """Their jobs, newest first; `before` is the number of the last one already seen."""
        values = {"person": person, "before": 2**62 if before is None else before, "limit": limit}
        return [job_of(row) for row in await self._db.read(statements.OF_PERSON, values)]

    async def queue(self, limit: int = 50) -> list[Job]:
        """The first of those who wait, in the order in which they will be served."""
        found = []
        for row in await self._db.read(statements.LINE, {"limit": limit}):
            found.append(job_of(row))
            if len(found) % BREATH == 0:
                await asyncio.sleep(0)
        return found

    async def queue_of(self, place: int, limit: int = 50) -> list[Job]:
        """The same for those who wait in one place."""
        values = {"place": place, "limit": limit}
        return [job_of(row) for row in await self._db.read(statements.LINE_OF_PLACE, values)]

    async def length(self) -> int:
        """How many jobs wait altogether."""
        row = await self._db.read_one(statements.LENGTH)
        return 0 if row is None else int(row["waiting"])

    async def line(self) -> Waiting:
        """How many jobs wait, and since when the one that waits longest."""
        row = await self._db.read_one(statements.OLDEST)
        oldest = None if row is None else maybe_seconds(row["oldest"])
        return Waiting(jobs=await self.length(), oldest_at=oldest)

    async def unfinished(self, platform: str, limit: int = 500) -> list[Job]:
        """The running job, if it is of this platform, and the first of those of it that wait."""
        values = {"platform": platform, "limit": limit}
        return [job_of(row) for row in await self._db.read(statements.UNFINISHED, values)]

    async def waiting(self, person: int) -> int:
        """How many jobs of this person wait."""
        row = await self._db.read_one(statements.WAITING, {"person": person})
        return 0 if row is None else int(row["waiting"])

    async def undelivered(self, platform: str | None = None, limit: int = 300) -> list[Job]:
        """Final jobs nobody has been told about, of one platform or all, oldest first."""
        values = {"platform": platform, "limit": limit}
        rows = await self._db.read(statements.UNDELIVERED, values)
        return [job_of(row) for row in rows]

    async def mark_delivered(self, job_id: int) -> None:
        """The person has been told how the job ended."""
        await self._change(statements.DELIVERED, {"id": job_id, "now": self._db.now()})

    async def set_message(self, job_id: int, message: str | None) -> None:
        """Keep what the courier needs to find its message again (JSON)."""
        await self._change(statements.SET_MESSAGE, {"id": job_id, "message": message})

    async def usage(
        self, person: int, rules: Rules, *, place: int | None = None, address: str | None = None
    ) -> Usage:
        """What this person has used of the tightest budget that applies to them (there)."""
        values = ledger.standing(
            rules, person=person, place=place, address=address, now=self._db.now(), cost=0
        )
        return await ledger.usage(self._db.reading, values)

    async def _early(self, transaction: Transaction, loaded: Collection[str]) -> Job | None:
        """Start a job of one of these models before its turn, if that is fair and worth it."""
        head = await transaction.one(statements.HEAD)
        if head is None or head["late"] or head["loads"] is None or head["loads"] in loaded:
            return None
        sofar = await transaction.one(statements.OVERTAKEN, dict(head))
        assert sofar is not None  # a sum has always a row
        found = []
        for name in loaded:
            row = await transaction.one(statements.FIRST_OF_MODEL, {"loads": name})
            if row is not None and row["cost"] + sofar["cost"] <= MOST_EARLY:
                found.append((row["turn"], row["id"]))
        if not found:
            return None
        values = {"id": min(found)[1], "now": self._db.now()}
        row = await transaction.one(statements.CLAIM_EARLY, values)
        if row is None:  # one is running
            return None
        await transaction.one(statements.WAS_EARLY, dict(row))
        return job_of(row)

    async def _change(self, sql: str, values: dict[str, Any]) -> Job | None:
        async with self._db.transaction() as transaction:
            row = await transaction.one(sql, values)
        return None if row is None else job_of(row)

    async def _finish(
        self, job_id: int, pictures: Sequence[NewPicture], notes: Sequence[Note]
    ) -> Job | None:
        now = self._db.now()
        async with self._db.transaction() as transaction:
            row = await transaction.one(statements.BY_ID, {"id": job_id})
            known = () if row is None else job_of(row).notes
            values = {"id": job_id, "now": now, "notes": _notes((*known, *notes))}
            row = await transaction.one(statements.FINISH, values)
            if row is None:
                return None
            job = job_of(row)
            if [picture.index for picture in pictures] != list(range(job.paint.count)):
                raise ValueError(f"job {job_id} needs its {job.paint.count} pictures in order")
            for picture in pictures:
                values = {**asdict(picture), "job": job_id, "now": now}
                await transaction.one(statements.KEEP_PICTURE, values)
        return job

    def _values(self, order: Order, rules: Rules) -> dict[str, Any]:
        paint = order.resolved.paint
        standing = ledger.standing(
            rules,
            person=order.person,
            place=order.place,
            address=order.address,
            now=self._db.now(),
            cost=to_cents(order.resolved.cost),
        )
        return standing | {
            "public": self._new_id(),
            "key": order.key,
            "ask": order.ask_json,
            "request": paint.to_json(),
            "notes": _notes(order.resolved.notes),
            "filled": order.filled_json,
            "private": int(order.private),
            "message": order.message,
            "parent": order.parent,
            "needs": paint.needs,
            "mask": paint.mask,
            "loads": paint.loads,
            "model": paint.kind,
            "width": paint.width,
            "height": paint.height,
            "guided": int(paint.guided),
            "steps": paint.working_steps,
            "pictures": paint.count,
        }


async def _changed(transaction: Transaction, sql: str, values: dict[str, Any]) -> Job:
    row = await transaction.one(sql, values)
    assert row is not None  # read in the same transaction
    return job_of(row)


def _notes(notes: Sequence[Note]) -> str:
    return json.dumps([asdict(note) for note in notes])


def _found(row: sqlite3.Row | None) -> Job:
    if row is None:
        raise NotFound("job")
    return job_of(row)
