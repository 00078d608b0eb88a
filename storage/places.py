"""Owns the places: servers, chats and the page, their rules and budgets, and their pauses."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from storage.database import Database
from storage.errors import NotFound
from storage.ledger import to_cents, to_credits
from storage.rules import HouseRules

__all__ = ["HouseRules", "Place", "Places"]

KEPT = 10_000
"""How many places are remembered without asking the database."""

FIND = """
SELECT *
FROM places
WHERE platform = :platform
AND external = :external
"""

KNOWN = """
INSERT INTO places (platform, external, name, created_at)
VALUES (:platform, :external, :name, :now)
ON CONFLICT (platform, external) DO UPDATE
SET name = CASE excluded.name WHEN '' THEN name ELSE excluded.name END
RETURNING *
"""

BY_ID = """
SELECT *
FROM places
WHERE id = :id
"""

SAVE_LIMITS = """
UPDATE places
SET budget = :budget,
    place_budget = :place_budget
WHERE id = :id
RETURNING *
"""

SAVE_RULES = """
UPDATE places
SET rules = :rules
WHERE id = :id
RETURNING *
"""

PAUSE = """
UPDATE places
SET paused = :paused
WHERE id = :id
RETURNING *
"""

RETIRE = """
UPDATE places
SET external = external || '#' || id
WHERE platform = :platform
AND external = :to
AND id > (
    SELECT id
    FROM places
    WHERE platform = :platform
    AND external = :external
)
"""

RENAME = """
UPDATE OR IGNORE places
SET external = :to
WHERE platform = :platform
AND external = :external
RETURNING *
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where jobs are asked for and pictures are shown.

    `budget` is each person's here, `place_budget` that of all together, in credits a day; None
    means no limit of the place's own. A paused place takes no jobs.
    """

    id: int
    platform: str
    external: str
    name: str
    budget: float | None = None
    place_budget: float | None = None
    paused: bool = False
    rules: HouseRules = field(default_factory=HouseRules)


class Places:
    """Finds and changes places; remembers those seen lately: all changes pass through here."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[tuple[str, str], Place] = {}

    async def known(self, platform: str, external: str, name: str = "") -> Place:
        """This place, made now if it is new; a `name` that is given is kept."""
        kept = self._kept.get((platform, external))
        if kept is not None and name in ("", kept.name):
            return kept
        values = {"platform": platform, "external": external, "name": name}
        row = await self._db.read_one(FIND, values)
        if row is None or name not in ("", row["name"]):
            async with self._db.transaction() as transaction:
                row = await transaction.one(KNOWN, {**values, "now": self._db.now()})
        return self._keep(row)

    async def get(self, place_id: int) -> Place:
        """The place with this id. Raises `NotFound`."""
        return _place(await self._db.read_one(BY_ID, {"id": place_id}))

    async def save_limits(
        self, place_id: int, *, budget: float | None, place_budget: float | None
    ) -> Place:
        """Set both budgets, in credits a day; None for no limit."""
        values = {
            "id": place_id,
            "budget": None if budget is None else to_cents(budget),
            "place_budget": None if place_budget is None else to_cents(place_budget),
        }
        async with self._db.transaction() as transaction:
            row = await transaction.one(SAVE_LIMITS, values)
        return self._keep(row)

    async def save_rules(self, place_id: int, rules: HouseRules) -> Place:
        """Let these rules hold from now on; the budgets stay."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(SAVE_RULES, {"id": place_id, "rules": rules.to_json()})
        return self._keep(row)

    async def pause(self, place_id: int, paused: bool = True) -> Place:
        """Take no jobs from here for now, or take them again."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(PAUSE, {"id": place_id, "paused": int(paused)})
        return self._keep(row)

    async def rename(self, platform: str, external: str, to: str) -> Place:
        """The place is known to its platform as `to` from now on; its rules and jobs stay its own.

        One that was made under the new name by somebody who was early steps aside. Harmless to
        repeat. Returns the place that `to` names now.
        """
        values = {"platform": platform, "external": external, "to": to}
        async with self._db.transaction() as transaction:
            await transaction.one(RETIRE, values)
            row = await transaction.one(RENAME, values)
        self._kept.pop((platform, external), None)
        if row is None:
            return await self.known(platform, to)
        return self._keep(row)

    def _keep(self, row: sqlite3.Row | None) -> Place:
        place = _place(row)
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[place.platform, place.external] = place
        return place


def _place(row: sqlite3.Row | None) -> Place:
    if row is None:
        raise NotFound("place")
    budget, place_budget = row["budget"], row["place_budget"]
    return Place(
        id=row["id"],
        platform=row["platform"],
        external=row["external"],
        name=row["name"],
        budget=None if budget is None else to_credits(budget),
        place_budget=None if place_budget is None else to_credits(place_budget),
        paused=bool(row["paused"]),
        rules=HouseRules() if row["rules"] is None else HouseRules.from_json(row["rules"]),
    )
