"""Owns how an operator looks at the people: who was here lately, who is called what, who is banned.

These look at many rows, which is fine for somebody who asks now and then.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from storage.database import Database, maybe_seconds, to_seconds
from storage.job import Job, job_of
from storage.ledger import to_credits
from storage.people import FOR_GOOD

LATELY = 5000
"""Whoever asked for one of so many jobs was here lately."""

_FACES = """
SELECT
    people.*,
    (SELECT MAX(jobs.created_at) FROM jobs WHERE jobs.id = found.last) AS seen_at
"""

_WERE_HERE = """
FROM (
    SELECT person, MAX(id) AS last
    FROM (SELECT id, person FROM jobs ORDER BY id DESC LIMIT :lately)
    GROUP BY person
) AS found
CROSS JOIN people ON people.id = found.person
ORDER BY found.last DESC
LIMIT :limit OFFSET :skip
"""

_HERE_LATELY = _FACES + _WERE_HERE

_ARE_CALLED = """
FROM (
    SELECT
        people.id AS person,
        (SELECT MAX(jobs.id) FROM jobs WHERE jobs.person = people.id) AS last
    FROM people
    WHERE people.name LIKE :like ESCAPE '\\'
    OR people.external = :words
    OR people.id = CAST(:words AS INTEGER)
    LIMIT 1000
) AS found
CROSS JOIN people ON people.id = found.person
ORDER BY found.last DESC
LIMIT :limit OFFSET :skip
"""

_CALLED = _FACES + _ARE_CALLED

_ARE_BANNED = """
FROM (
    SELECT
        people.id AS person,
        (SELECT MAX(jobs.id) FROM jobs WHERE jobs.person = people.id) AS last
    FROM people
    WHERE people.banned_until > :now
    ORDER BY people.banned_until DESC
    LIMIT 1000
) AS found
CROSS JOIN people ON people.id = found.person
ORDER BY people.banned_until DESC, people.id
LIMIT :limit OFFSET :skip
"""

_BANNED = _FACES + _ARE_BANNED

_HAVE_IDS = """
FROM (
    SELECT
        people.id AS person,
        (SELECT MAX(jobs.id) FROM jobs WHERE jobs.person = people.id) AS last
    FROM people
    WHERE people.id IN (SELECT value FROM json_each(:ids))
) AS found
CROSS JOIN people ON people.id = found.person
"""

_BY_IDS = _FACES + _HAVE_IDS

_NAMES = """
SELECT external, CASE name WHEN '' THEN '#' || id ELSE name END AS name
FROM people
WHERE external IN (SELECT value FROM json_each(:externals))
"""

BANS_ELSEWHERE = """
SELECT places.platform, places.name, places.external, members.banned_until
FROM members
CROSS JOIN places ON places.id = members.place
WHERE members.person = :person
AND members.banned_until > :now
"""

OPEN_OF_PERSON = """
SELECT *
FROM jobs
WHERE state = 'queued'
AND person = :person
"""

PICTURES_OF_PERSON = """
SELECT COUNT(*) AS pictures, COALESCE(SUM(bytes + thumbnail + latent), 0) AS bytes
FROM pictures
WHERE person = :person
AND deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Somebody, as an operator sees them among others; times are epoch seconds.

    `seen_at` is when they asked for something last, `budget` their own over all places, `banned`
    the end of a ban everywhere: infinity is for good.
    """

    id: int
    platform: str
    external: str
    name: str
    created_at: float
    seen_at: float | None
    budget: float | None
    banned_until: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BanElsewhere:
    """A ban in one place alone."""

    platform: str
    place: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """The pictures of one person that are kept, and how many bytes they take."""

    pictures: int
    bytes: int


class Crowd:
    """Finds people for an operator."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(
        self, words: str = "", *, banned: bool = False, skip: int = 0, limit: int = 50
    ) -> list[Face]:
        """Who is called so or has this number; without words, who is banned or was here lately."""
        now = self._db.now()
        escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values = {
            "words": words.removeprefix("#"),
            "like": f"%{escaped}%",
            "lately": LATELY,
            "now": now,
            "skip": skip,
            "limit": limit,
        }
        sql = _CALLED if words else _BANNED if banned else _HERE_LATELY
        found = [_face(row) for row in await self._db.read(sql, values)]
        return [each for each in found if not banned or (each.banned_until or 0) * 1000 > now]

    async def by_ids(self, ids: Iterable[int]) -> dict[int, Face]:
        """These people, as far as they are there."""
        rows = await self._db.read(_BY_IDS, {"ids": json.dumps(sorted(set(ids)))})
        return {row["id"]: _face(row) for row in rows}

    async def names(self, externals: Iterable[str]) -> dict[str, str]:
        """What people are called whom platforms know under these names; else their number."""
        values = {"externals": json.dumps(sorted(set(externals)))}
        return {row["external"]: row["name"] for row in await self._db.read(_NAMES, values)}

    async def bans(self, person: int) -> list[BanElsewhere]:
        """Where this person is banned at the moment, but for everywhere."""
        values = {"person": person, "now": self._db.now()}
        return [
            BanElsewhere(
                platform=row["platform"],
                place=row["name"] or row["external"],
                until=_until(row["banned_until"]) or math.inf,
            )
            for row in await self._db.read(BANS_ELSEWHERE, values)
        ]

    async def waiting(self, person: int) -> list[Job]:
        """Their jobs that wait."""
        rows = await self._db.read(OPEN_OF_PERSON, {"person": person})
        return [job_of(row) for row in rows]

    async def belongings(self, person: int) -> Belongings:
        """The pictures of theirs that are kept."""
        row = await self._db.read_one(PICTURES_OF_PERSON, {"person": person})
        assert row is not None  # a sum has always a row
        return Belongings(pictures=row["pictures"], bytes=row["bytes"])


def _face(row: sqlite3.Row) -> Face:
    return Face(
        id=row["id"],
        platform=row["platform"],
        external=row["external"],
        name=row["name"],
        created_at=to_seconds(row["created_at"]),
        seen_at=maybe_seconds(row["seen_at"]),
        budget=None if row["budget"] is None else to_credits(row["budget"]),
        banned_until=_until(row["banned_until"]),
    )


def _until(stored: int | None) -> float | None:
    if stored is None:
        return None
    return math.inf if stored == FOR_GOOD else to_seconds(stored)
