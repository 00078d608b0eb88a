"""Owns what was refused, which jobs failed, and what else went wrong: the latest of each kind.

The table bounds itself, and lets go of who was forgotten (see the migration).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.database import Database, to_ms, to_seconds

ADD = """
INSERT INTO incidents (kind, code, platform, person, job, detail, times, created_at)
SELECT :kind, :code, :platform, people.id, :job, :detail, :times, :at
FROM (SELECT 1)
LEFT JOIN people ON people.id = :person
"""

LATEST = """
SELECT incidents.*, people.name
FROM incidents
LEFT JOIN people ON people.id = incidents.person
WHERE incidents.id < :before
ORDER BY incidents.id DESC
LIMIT :limit
"""

LATEST_OF_KIND = """
SELECT incidents.*, people.name
FROM incidents
LEFT JOIN people ON people.id = incidents.person
WHERE incidents.kind = :kind
AND incidents.id < :before
ORDER BY incidents.id DESC
LIMIT :limit
"""


class Kind(StrEnum):
    """What sort of thing happened."""

    REFUSED = "refused"
    """Somebody asked for what could not be taken on."""
    FAILED = "failed"
    """A job that was taken on came to grief."""
    TROUBLE = "trouble"
    """Something else that whoever runs this should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIncident:
    """What happened, at `at` (epoch seconds), `times` times at once.

    `code` is that of a refusal, or what the log calls it; `detail` has no words that people wrote.
    """

    kind: Kind
    code: str
    at: float
    platform: str = ""
    person: int | None = None
    job: str | None = None
    detail: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The same as it is kept; `name` is what its person is called, if it has one."""

    id: int
    kind: Kind
    code: str
    at: float
    platform: str
    person: int | None
    name: str
    job: str | None
    detail: str
    times: int


class Incidents:
    """Written many at once, never changed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, incidents: Sequence[NewIncident]) -> None:
        """Keep these, all in one transaction."""
        async with self._db.transaction() as transaction:
            for each in incidents:
                values = {
                    "kind": each.kind,
                    "code": each.code,
                    "platform": each.platform,
                    "person": each.person,
                    "job": each.job,
                    "detail": each.detail,
                    "times": each.times,
                    "at": to_ms(each.at),
                }
                await transaction.one(ADD, values)

    async def latest(
        self, kind: Kind | None = None, *, before: int | None = None, limit: int = 50
    ) -> list[Incident]:
        """Newest first, of one kind or all; `before` is the number of the last one seen."""
        values = {"kind": kind, "before": 2**62 if before is None else before, "limit": limit}
        sql = LATEST if kind is None else LATEST_OF_KIND
        return [_incident(row) for row in await self._db.read(sql, values)]


def _incident(row: sqlite3.Row) -> Incident:
    return Incident(
        id=row["id"],
        kind=Kind(row["kind"]),
        code=row["code"],
        at=to_seconds(row["created_at"]),
        platform=row["platform"],
        person=row["person"],
        name=row["name"] or "",
        job=row["job"],
        detail=row["detail"],
        times=row["times"],
    )
