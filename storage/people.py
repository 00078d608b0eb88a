"""Owns the people: who they are on their platform, their defaults, until when they are banned."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

from storage.database import Database, to_ms, to_seconds
from storage.errors import NotFound

FOR_GOOD = 2**62
"""Stored as the end of a ban that has none."""

KEPT = 10_000
"""How many people are remembered without asking the database."""

FIND = """
SELECT *
FROM people
WHERE platform = :platform
AND external = :external
"""

KNOWN = """
INSERT INTO people (platform, external, name, created_at)
VALUES (:platform, :external, :name, :now)
ON CONFLICT (platform, external) DO UPDATE
SET name = CASE excluded.name WHEN '' THEN name ELSE excluded.name END
RETURNING *
"""

BY_ID = """
SELECT *
FROM people
WHERE id = :id
"""

SAVE_DEFAULTS = """
UPDATE people
SET defaults = :defaults
WHERE id = :id
RETURNING *
"""

FORGET = """
UPDATE people
SET name = '',
    defaults = NULL
WHERE id = :id
RETURNING *
"""

BAN = """
UPDATE people
SET banned_until = :until
WHERE id = :id
RETURNING *
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody on one platform.

    `external` is their id there, `defaults` the JSON of an `Ask`, `banned_until` epoch seconds:
    infinity for good, None for not at all.
    """

    id: int
    platform: str
    external: str
    name: str
    defaults: str | None = None
    banned_until: float | None = None


class People:
    """Finds and changes people; remembers those seen lately: all changes pass through here."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[tuple[str, str], Person] = {}

    async def known(self, platform: str, external: str, name: str = "") -> Person:
        """This person, made now if they are new; a `name` that is given is kept."""
        kept = self._kept.get((platform, external))
        if kept is not None and name in ("", kept.name):
            return kept
        values = {"platform": platform, "external": external, "name": name}
        row = await self._db.read_one(FIND, values)
        if row is None or name not in ("", row["name"]):
            async with self._db.transaction() as transaction:
                row = await transaction.one(KNOWN, {**values, "now": self._db.now()})
        return self._keep(row)

    async def get(self, person_id: int) -> Person:
        """The person with this id. Raises `NotFound`."""
        return _person(await self._db.read_one(BY_ID, {"id": person_id}))

    async def save_defaults(self, person_id: int, defaults: str | None) -> Person:
        """Set the defaults (the JSON of an `Ask`), or clear them with None."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(SAVE_DEFAULTS, {"id": person_id, "defaults": defaults})
        return self._keep(row)

    async def forget(self, person_id: int) -> Person:
        """Blank what they are called and what they had set; bans and budgets stay."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(FORGET, {"id": person_id})
        return self._keep(row)

    async def ban(self, person_id: int, until: float) -> Person:
        """Take no jobs of this person until `until` (epoch seconds, or `math.inf`)."""
        return await self._ban(person_id, FOR_GOOD if until == math.inf else to_ms(until))

    async def unban(self, person_id: int) -> Person:
        """Take this person's jobs again."""
        return await self._ban(person_id, None)

    async def _ban(self, person_id: int, until: int | None) -> Person:
        async with self._db.transaction() as transaction:
            row = await transaction.one(BAN, {"id": person_id, "until": until})
        return self._keep(row)

    def _keep(self, row: sqlite3.Row | None) -> Person:
        person = _person(row)
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[person.platform, person.external] = person
        return person


def _person(row: sqlite3.Row | None) -> Person:
    if row is None:
        raise NotFound("person")
    until = row["banned_until"]
    if until is not None:
        until = math.inf if until == FOR_GOOD else to_seconds(until)
    return Person(
        id=row["id"],
        platform=row["platform"],
        external=row["external"],
        name=row["name"],
        defaults=row["defaults"],
        banned_until=until,
    )
