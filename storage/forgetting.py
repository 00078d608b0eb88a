"""Owns how a person is forgotten in the database: noted down, made blank bit by bit, then deleted.

What somebody wrote or brought goes at once. The bare rows of their jobs stay as long as budgets
count them. A death in the middle leaves the note, and whoever starts next goes on from there.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from storage.database import Database, to_ms
from storage.job import Job, job_of

BATCH = 200
NOTHING = "gone"
"""Stands where the name of a stored picture stood."""

ASK = """
INSERT INTO forgotten (person, upto, asked_at)
VALUES (
    :person,
    COALESCE((SELECT MAX(id) FROM jobs WHERE person = :person), 0),
    :now
)
ON CONFLICT (person) DO UPDATE
SET upto = excluded.upto,
    asked_at = excluded.asked_at,
    done_at = NULL
RETURNING person, upto
"""

UNDONE = """
SELECT person, upto
FROM forgotten
WHERE done_at IS NULL
"""

OPEN = """
SELECT *
FROM jobs
WHERE state = 'queued'
AND person = :person
AND id <= :upto
UNION ALL
SELECT *
FROM jobs
WHERE state = 'running'
AND slot = 0
AND person = :person
AND id <= :upto
"""

UNTOLD = """
SELECT COUNT(*) AS jobs
FROM jobs
WHERE finished_at IS NOT NULL
AND delivered_at IS NULL
AND person = :person
AND id <= :upto
"""

BLANK = """
UPDATE jobs
SET ask = '{}',
    filled = NULL,
    notes = '[]',
    request = json_replace(
        request,
        '$.prompt', '',
        '$.negative', '',
        '$.source', CASE json_type(request, '$.source') WHEN 'text' THEN :nothing END,
        '$.mask', NULL
    ),
    needs = NULL,
    mask = NULL,
    key = NULL,
    message = NULL,
    parent = NULL,
    delivered_at = COALESCE(delivered_at, :now)
WHERE id IN (
    SELECT id
    FROM jobs
    WHERE person = :person
    AND id > :after
    AND id <= :upto
    AND finished_at IS NOT NULL
    ORDER BY id
    LIMIT :limit
)
RETURNING id
"""

BLANK_ENLARGED = """
UPDATE jobs
SET request = json_replace(request, '$.upscale.of', :nothing)
WHERE id IN (SELECT value FROM json_each(:ids))
AND json_type(request, '$.upscale.of') = 'text'
"""

UNFIND = """
DELETE FROM prompts
WHERE rowid IN (SELECT value FROM json_each(:ids))
"""

PICTURES = """
SELECT id
FROM pictures
WHERE person = :person
AND deleted_at IS NULL
AND job <= :upto
LIMIT :limit
"""

DELETE_PICTURES = """
UPDATE pictures
SET deleted_at = :now,
    pinned = 0
WHERE id IN (SELECT value FROM json_each(:ids))
AND deleted_at IS NULL
RETURNING file
"""

BLANK_REPORTS = """
UPDATE audit
SET detail = ''
WHERE person = :person
AND action = 'report'
"""

DONE = """
UPDATE forgotten
SET done_at = :now
WHERE person = :person
AND upto = :upto
"""

EXPIRED = """
SELECT person, upto
FROM forgotten
WHERE done_at <= :before
AND asked_at <= :before
"""

LAST_DONE = """
SELECT MAX(done_at) AS done_at
FROM forgotten
"""

BARE = """
SELECT id
FROM jobs
WHERE person = :person
AND id <= :upto
AND finished_at IS NOT NULL
ORDER BY id
LIMIT :limit
"""

DELETE_ROWS_OF_PICTURES = """
DELETE FROM pictures
WHERE job IN (SELECT value FROM json_each(:ids))
"""

DELETE_JOBS = """
DELETE FROM jobs
WHERE id IN (SELECT value FROM json_each(:ids))
AND finished_at IS NOT NULL
"""

OVER = """
DELETE FROM forgotten
WHERE person = :person
AND upto = :upto
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Somebody is to be forgotten, with all their jobs up to the number `upto`."""

    person: int
    upto: int


class Forgetting:
    """Forgets people; each step may be repeated."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def ask(self, person: int) -> Wish:
        """Note down that this person wants to be forgotten, with all they asked for until now."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(ASK, {"person": person, "now": self._db.now()})
        assert row is not None  # it was inserted or changed
        return _wish(row)

    async def undone(self) -> list[Wish]:
        """Who was not forgotten to the end."""
        return [_wish(row) for row in await self._db.read(UNDONE)]

    async def open_jobs(self, wish: Wish) -> list[Job]:
        """Their jobs that wait or are being painted."""
        values = {"person": wish.person, "upto": wish.upto}
        return [job_of(row) for row in await self._db.read(OPEN, values)]

    async def untold(self, wish: Wish) -> int:
        """How many of their jobs are over without their having been told."""
        values = {"person": wish.person, "upto": wish.upto}
        row = await self._db.read_one(UNTOLD, values)
        return 0 if row is None else int(row["jobs"])

    async def delete_pictures(self, wish: Wish) -> list[str]:
        """Delete some of their pictures, pinned or not; the files that have to go now."""
        values = {"person": wish.person, "upto": wish.upto, "limit": BATCH}
        rows = await self._db.read(PICTURES, values)
        if not rows:
            return []
        async with self._db.transaction() as transaction:
            ids = json.dumps([row["id"] for row in rows])
            gone = await transaction.all(DELETE_PICTURES, {"ids": ids, "now": self._db.now()})
        return [row["file"] for row in gone]

    async def blank_jobs(self, wish: Wish, after: int) -> list[int]:
        """Take the words from some of their jobs that are over, behind `after`; their numbers."""
        values = {
            "person": wish.person,
            "upto": wish.upto,
            "after": after,
            "limit": BATCH,
            "nothing": NOTHING,
            "now": self._db.now(),
        }
        async with self._db.transaction() as transaction:
            ids = sorted(row["id"] for row in await transaction.all(BLANK, values))
            given = {"ids": json.dumps(ids), "nothing": NOTHING}
            await transaction.one(BLANK_ENLARGED, given)
            await transaction.one(UNFIND, {"ids": given["ids"]})
        return ids

    async def finish(self, wish: Wish) -> None:
        """Nothing of theirs is left but bare rows."""
        async with self._db.transaction() as transaction:
            await transaction.one(BLANK_REPORTS, {"person": wish.person})
            values = {"person": wish.person, "upto": wish.upto, "now": self._db.now()}
            await transaction.one(DONE, values)

    async def last_done(self) -> int | None:
        """When somebody was forgotten last, as it is stored, as long as bare rows are left."""
        row = await self._db.read_one(LAST_DONE)
        return None if row is None else row["done_at"]

    async def expire(self, before: float) -> int:
        """Delete some bare rows of who asked before that moment; how many went."""
        for row in await self._db.read(EXPIRED, {"before": to_ms(before)}):
            wish = _wish(row)
            values = {"person": wish.person, "upto": wish.upto, "limit": BATCH}
            found = await self._db.read(BARE, values)
            async with self._db.transaction() as transaction:
                if found:
                    ids = {"ids": json.dumps([row["id"] for row in found])}
                    await transaction.one(DELETE_ROWS_OF_PICTURES, ids)
                    await transaction.one(DELETE_JOBS, ids)
                    return len(found)
                await transaction.one(OVER, {"person": wish.person, "upto": wish.upto})
        return 0


def _wish(row: sqlite3.Row) -> Wish:
    return Wish(person=row["person"], upto=row["upto"])
