"""Owns how people stand in a place: banned there, a budget of their own, resets and gifts."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

from storage.database import Database, maybe_seconds, to_ms, to_seconds
from storage.ledger import to_cents, to_credits
from storage.people import FOR_GOOD

KEPT = 10_000
"""How many members are remembered without asking the database."""

FIND = """
SELECT *
FROM members
WHERE person = :person
AND place = :place
"""

BAN = """
INSERT INTO members (person, place, banned_until)
VALUES (:person, :place, :until)
ON CONFLICT (person, place) DO UPDATE
SET banned_until = excluded.banned_until
RETURNING *
"""

SET_BUDGET = """
INSERT INTO members (person, place, budget)
VALUES (:person, :place, :budget)
ON CONFLICT (person, place) DO UPDATE
SET budget = excluded.budget
RETURNING *
"""

RESET = """
INSERT INTO members (person, place, reset_at)
VALUES (:person, :place, :now)
ON CONFLICT (person, place) DO UPDATE
SET reset_at = excluded.reset_at
RETURNING *
"""

SET_BUDGET_EVERYWHERE = """
UPDATE people
SET budget = :budget
WHERE id = :person
"""

RESET_EVERYWHERE = """
UPDATE people
SET reset_at = :now
WHERE id = :person
"""

GIVE = """
INSERT INTO gifts (person, place, credits, created_at)
VALUES (:person, :place, :credits, :now)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in a place. Times are epoch seconds; a ban until infinity is for good.

    `budget` is their own here, in credits a day; None leaves them what everybody has.
    """

    person: int
    place: int
    banned_until: float | None = None
    budget: float | None = None
    reset_at: float | None = None


class Members:
    """Finds and changes members; remembers those seen lately: all changes pass through here.

    Where a place may be None, the change is to the person's budget everywhere, which only an
    operator decides.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[tuple[int, int], Member] = {}

    async def get(self, person: int, place: int) -> Member:
        """How this person stands there; nobody has to be added first."""
        kept = self._kept.get((person, place))
        if kept is not None:
            return kept
        row = await self._db.read_one(FIND, {"person": person, "place": place})
        kept = self._kept.get((person, place))  # a change meanwhile is newer than what was read
        return kept or self._keep(Member(person=person, place=place) if row is None else _of(row))

    async def ban(self, person: int, place: int, until: float | None) -> Member:
        """Take no jobs from them there until `until` (`math.inf`: ever); None takes them again."""
        stored = None if until is None else FOR_GOOD if until == math.inf else to_ms(until)
        return await self._change(BAN, person, place, until=stored)

    async def set_budget(self, person: int, place: int | None, credits: float | None) -> None:
        """Their own budget there (None: everywhere), in credits a day; None is everybody's."""
        budget = None if credits is None else to_cents(credits)
        if place is not None:
            await self._change(SET_BUDGET, person, place, budget=budget)
            return
        async with self._db.transaction() as transaction:
            await transaction.one(SET_BUDGET_EVERYWHERE, {"person": person, "budget": budget})

    async def reset(self, person: int, place: int | None) -> None:
        """What they used of their budget there (None: everywhere) before now does not count."""
        if place is not None:
            await self._change(RESET, person, place, now=self._db.now())
            return
        async with self._db.transaction() as transaction:
            await transaction.one(RESET_EVERYWHERE, {"person": person, "now": self._db.now()})

    async def give(self, person: int, place: int | None, credits: float) -> None:
        """Extra credits for a day on top of their budget there (None: everywhere)."""
        values = {
            "person": person,
            "place": place,
            "credits": to_cents(credits),
            "now": self._db.now(),
        }
        async with self._db.transaction() as transaction:
            await transaction.one(GIVE, values)

    async def _change(self, sql: str, person: int, place: int, **values: int | None) -> Member:
        async with self._db.transaction() as transaction:
            row = await transaction.one(sql, {"person": person, "place": place, **values})
        assert row is not None  # every statement returns the row that it made or changed
        return self._keep(_of(row))

    def _keep(self, member: Member) -> Member:
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[member.person, member.place] = member
        return member


def _of(row: sqlite3.Row) -> Member:
    until = row["banned_until"]
    if until is not None:
        until = math.inf if until == FOR_GOOD else to_seconds(until)
    return Member(
        person=row["person"],
        place=row["place"],
        banned_until=until,
        budget=None if row["budget"] is None else to_credits(row["budget"]),
        reset_at=maybe_seconds(row["reset_at"]),
    )
