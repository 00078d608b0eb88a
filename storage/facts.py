"""Owns the small things that must be remembered over a restart, each under a name."""

from __future__ import annotations

from storage.database import Database

GET = """
SELECT value
FROM facts
WHERE name = :name
"""

PUT = """
INSERT INTO facts (name, value)
VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE
SET value = excluded.value
"""


class Facts:
    """Text by name, such as the hash of the commands that were registered last."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, name: str) -> str | None:
        """What was put under this name, or None."""
        row = await self._db.read_one(GET, {"name": name})
        return None if row is None else str(row["value"])

    async def put(self, name: str, value: str) -> None:
        """Remember `value` under this name, instead of what was there."""
        async with self._db.transaction() as transaction:
            await transaction.one(PUT, {"name": name, "value": value})
