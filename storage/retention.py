"""Owns how pictures go for want of room: what may go, oldest first, and how it goes.

Kept are the pinned, those that an open job starts from, and those nobody has been told about yet.
Everything happens in small batches, so that nobody waits long for a turn to write.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.database import Database, to_ms
from storage.files import remove
from storage.picture import files_of
from storage.pictures import Pictures

BATCH = 50

ROOM = """
SELECT pictures, bytes
FROM picture_sums
WHERE id = 0
"""

EXPENDABLE = """
SELECT
    pictures.id,
    pictures.created_at,
    pictures.bytes + pictures.thumbnail + pictures.latent AS bytes
FROM pictures
CROSS JOIN jobs ON jobs.id = pictures.job
WHERE pictures.deleted_at IS NULL
AND pictures.pinned = 0
AND (pictures.created_at, pictures.id) > (:at, :id)
AND jobs.delivered_at IS NOT NULL
AND NOT EXISTS (
    SELECT 1
    FROM jobs AS other
    WHERE other.needs = 'picture:' || pictures.id
    AND other.finished_at IS NULL
)
ORDER BY pictures.created_at, pictures.id
LIMIT :limit
"""

LET_GO = """
UPDATE pictures
SET deleted_at = :now
WHERE id IN (SELECT value FROM json_each(:ids))
AND deleted_at IS NULL
AND pinned = 0
AND NOT EXISTS (
    SELECT 1
    FROM jobs AS other
    WHERE other.needs = 'picture:' || pictures.id
    AND other.finished_at IS NULL
)
RETURNING file
"""

OLD_LATENTS = """
SELECT id, file, latent
FROM pictures
WHERE deleted_at IS NULL
AND latent > 0
AND created_at < :before
AND NOT EXISTS (
    SELECT 1
    FROM jobs
    WHERE jobs.needs = 'picture:' || pictures.id
    AND jobs.finished_at IS NULL
)
ORDER BY created_at, id
LIMIT :limit
"""

DROP_LATENTS = """
UPDATE pictures
SET latent = 0
WHERE id IN (SELECT value FROM json_each(:ids))
"""

LATENTS_ROOM = """
SELECT COUNT(*) AS count, COALESCE(SUM(latent), 0) AS bytes
FROM pictures
WHERE deleted_at IS NULL
AND latent > 0
AND created_at < :before
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many pictures are kept, and how many bytes they take with what stands beside them."""

    pictures: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expendable:
    """A picture that may go; `created_at` as it is stored."""

    id: str
    created_at: int
    bytes: int


class Retention:
    """Lets pictures and latents go."""

    def __init__(self, db: Database, pictures: Pictures, folder: Path) -> None:
        self._db = db
        self._pictures = pictures
        self._folder = folder

    async def room(self) -> Kept:
        """What is kept now."""
        row = await self._db.read_one(ROOM)
        assert row is not None  # the migration made it
        return Kept(pictures=row["pictures"], bytes=row["bytes"])

    async def expendable(
        self, after: Expendable | None = None, limit: int = BATCH
    ) -> list[Expendable]:
        """What may go, oldest first, behind `after`."""
        at, last = (-1, "") if after is None else (after.created_at, after.id)
        rows = await self._db.read(EXPENDABLE, {"at": at, "id": last, "limit": limit})
        return [Expendable(**dict(row)) for row in rows]

    async def let_go(self, expendable: Sequence[Expendable]) -> int:
        """Delete these, unless they became needed meanwhile; how many went."""
        ids = json.dumps([each.id for each in expendable])
        async with self._db.transaction() as transaction:
            rows = await transaction.all(LET_GO, {"ids": ids, "now": self._db.now()})
        await asyncio.to_thread(self._pictures.remove_files, [row["file"] for row in rows])
        return len(rows)

    async def old_latents(self, before: float) -> Kept:
        """How many latents there are of pictures from before that moment (epoch seconds)."""
        row = await self._db.read_one(LATENTS_ROOM, {"before": to_ms(before)})
        assert row is not None  # a sum has always a row
        return Kept(pictures=row["count"], bytes=row["bytes"])

    async def drop_latents(self, before: float, limit: int = BATCH) -> int:
        """Drop the oldest latents of pictures from before that moment; how many went."""
        rows = await self._db.read(OLD_LATENTS, {"before": to_ms(before), "limit": limit})
        if not rows:
            return 0
        files = [self._folder / files_of(row["file"])[2] for row in rows]
        async with self._db.transaction() as transaction:
            ids = json.dumps([row["id"] for row in rows])
            await transaction.one(DROP_LATENTS, {"ids": ids})
        await asyncio.to_thread(remove, files)
        return len(rows)
