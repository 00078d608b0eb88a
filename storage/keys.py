"""Owns the keys of programs: making one, recognizing it, taking it back. Only hashes are kept.

A key looks like "sk-atelier-k3v9x2ma4c7d-…": its public id and a secret that nobody can guess, so
that a plain hash is enough to keep it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from storage.database import Database, maybe_seconds, to_ms, to_seconds
from storage.errors import DiskFull
from storage.ids import ALPHABET, LENGTH, random_id
from storage.ledger import to_cents, to_credits
from storage.people import KNOWN

PLATFORM = "api"
"""The platform of the people that stand for keys; their id there is the key's public id."""
PREFIX = "sk-atelier-"
SEEN_AGAIN_S = 60.0
"""When a key was used last is written down no more often than this."""

_FORM = re.compile(rf"{PREFIX}([{ALPHABET}]{{{LENGTH}}})-[A-Za-z0-9_-]{{20,100}}", re.ASCII)

NAMED = """
SELECT id
FROM api_keys
WHERE name = :name
AND revoked_at IS NULL
"""

ADD = """
INSERT INTO api_keys (public, sha256, name, person, created_at)
VALUES (:public, :sha256, :name, :person, :now)
RETURNING *
"""

BUDGET = """
UPDATE people
SET budget = :budget
WHERE id = :person
"""

IN_USE = """
SELECT *
FROM api_keys
WHERE public = :public
AND revoked_at IS NULL
"""

USED = """
UPDATE api_keys
SET used_at = :now
WHERE id = :id
AND (used_at IS NULL OR used_at < :before)
"""

REVOKE = """
UPDATE api_keys
SET revoked_at = :now
WHERE (name = :called OR public = :called)
AND revoked_at IS NULL
RETURNING *
"""

ALL = """
SELECT api_keys.*, people.budget
FROM api_keys
JOIN people ON people.id = api_keys.person
ORDER BY api_keys.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A program's key without its secret; times are epoch seconds, `budget` its own, in credits."""

    id: int
    public: str
    name: str
    person: int
    created_at: float
    used_at: float | None
    revoked_at: float | None
    budget: float | None = None


class Keys:
    """All keys of a data folder."""

    def __init__(
        self,
        db: Database,
        *,
        new_id: Callable[[], str] = random_id,
        new_secret: Callable[[], str] = lambda: secrets.token_urlsafe(24),
    ) -> None:
        self._db = db
        self._new_id = new_id
        self._new_secret = new_secret

    async def add(self, name: str, budget: float | None = None) -> tuple[Key, str] | None:
        """A new key and its text, which is told this once; None if one in use has this name."""
        public = self._new_id()
        text = f"{PREFIX}{public}-{self._new_secret()}"
        now = self._db.now()
        person = {"platform": PLATFORM, "external": public, "name": name, "now": now}
        async with self._db.transaction() as transaction:
            if await transaction.one(NAMED, {"name": name}) is not None:
                return None
            known = await transaction.one(KNOWN, person)
            assert known is not None  # made or found
            values = {
                "public": public,
                "sha256": _digest(text),
                "name": name,
                "person": known["id"],
                "now": now,
            }
            row = await transaction.one(ADD, values)
            assert row is not None
            if budget is not None:
                await transaction.one(BUDGET, {"person": row["person"], "budget": to_cents(budget)})
        return _key(row, budget), text

    async def find(self, text: str) -> Key | None:
        """The key in use that this is the text of; that it was used is noted down."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        row = await self._db.read_one(IN_USE, {"public": match[1]})
        if row is None or not hmac.compare_digest(row["sha256"], _digest(text)):
            return None
        now = self._db.now()
        before = now - to_ms(SEEN_AGAIN_S)
        if row["used_at"] is None or row["used_at"] < before:
            with suppress(DiskFull):  # whoever only looks need not be refused for that
                async with self._db.transaction() as transaction:
                    await transaction.one(USED, {"id": row["id"], "now": now, "before": before})
        return _key(row)

    async def revoke(self, called: str) -> Key | None:
        """Take a key back, by its name or public id; None if none in use is called that."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(REVOKE, {"called": called, "now": self._db.now()})
        return None if row is None else _key(row)

    async def all(self) -> list[Key]:
        """Every key there ever was, the oldest first."""
        rows = await self._db.read(ALL)
        return [
            _key(row, None if row["budget"] is None else to_credits(row["budget"])) for row in rows
        ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _key(row: sqlite3.Row, budget: float | None = None) -> Key:
    return Key(
        id=row["id"],
        public=row["public"],
        name=row["name"],
        person=row["person"],
        created_at=to_seconds(row["created_at"]),
        used_at=maybe_seconds(row["used_at"]),
        revoked_at=maybe_seconds(row["revoked_at"]),
        budget=budget,
    )
