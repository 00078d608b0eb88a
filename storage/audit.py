"""Owns the record of what admins and moderators did: who, what, to whom, and when."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from storage.database import Database, to_seconds

ADD = """
INSERT INTO audit (place, person, action, subject, detail, created_at)
VALUES (:place, :person, :action, :subject, :detail, :now)
"""

LATEST = """
SELECT audit.*, people.name
FROM audit
CROSS JOIN people ON people.id = audit.person
WHERE audit.place = :place
ORDER BY audit.id DESC
LIMIT :limit
"""

LATEST_ANYWHERE = """
SELECT audit.*, people.name
FROM audit
CROSS JOIN people ON people.id = audit.person
WHERE audit.id < :before
ORDER BY audit.id DESC
LIMIT :limit
"""


HAS = """
SELECT 1
FROM audit
WHERE place = :place
AND person = :person
AND action = :action
AND subject = :subject
LIMIT 1
"""

TIMES = """
SELECT created_at
FROM audit
WHERE person = :person
AND action = :action
AND created_at > :since
ORDER BY id DESC
LIMIT :limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`person` (called `name` now) did `action` to `subject` at `at` (epoch seconds).

    `place` is None for what was done everywhere at once; `detail` is text for people to read.
    """

    id: int
    place: int | None
    person: int
    name: str
    action: str
    subject: str
    detail: str
    at: float


class Audit:
    """Written once, never changed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(
        self, *, place: int | None, person: int, action: str, subject: str = "", detail: str = ""
    ) -> None:
        """Write down what `person` did."""
        values = {
            "place": place,
            "person": person,
            "action": action,
            "subject": subject,
            "detail": detail,
            "now": self._db.now(),
        }
        async with self._db.transaction() as transaction:
            await transaction.one(ADD, values)

    async def has(self, *, place: int, person: int, action: str, subject: str) -> bool:
        """Whether `person` did this to this there before."""
        values = {"place": place, "person": person, "action": action, "subject": subject}
        return await self._db.read_one(HAS, values) is not None

    async def times(self, person: int, action: str, *, within_s: float, limit: int) -> list[float]:
        """When `person` did this in the last seconds, anywhere, newest first; epoch seconds."""
        since = self._db.now() - round(within_s * 1000)
        values = {"person": person, "action": action, "since": since, "limit": limit}
        return [to_seconds(row["created_at"]) for row in await self._db.read(TIMES, values)]

    async def latest(self, place: int | None, limit: int = 20) -> list[AuditEntry]:
        """What was done in a place (None: anywhere), newest first."""
        sql = LATEST_ANYWHERE if place is None else LATEST
        rows = await self._db.read(sql, {"place": place, "before": 2**62, "limit": limit})
        return [_entry(row) for row in rows]


def _entry(row: sqlite3.Row) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        place=row["place"],
        person=row["person"],
        name=row["name"],
        action=row["action"],
        subject=row["subject"],
        detail=row["detail"],
        at=to_seconds(row["created_at"]),
    )
