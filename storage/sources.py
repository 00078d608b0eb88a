"""Owns the pictures people brought along to start from: each file named after its bytes.

A row says who brought it and when it was used last. What nobody used for long goes, and what is
there beyond a limit, the longest unused first; but nothing that an open job needs.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.database import Database, to_ms, to_seconds
from storage.errors import NotFound, TooManyUploads
from storage.files import names, write_whole

HOUR_S = 3600.0
MOST_FILES, MOST_BYTES = 500, 500_000_000
"""So much one person may bring within an hour, usually."""
FRESH_S = 600.0
"""A file this young may belong to somebody who is about to get a row for it."""

BROUGHT = """
INSERT INTO uploads (id, person, bytes, created_at, used_at)
VALUES (:id, :person, :bytes, :now, :now)
ON CONFLICT (id, person) DO UPDATE
SET used_at = excluded.used_at
"""

USED = """
UPDATE uploads
SET used_at = :now
WHERE id = :id
"""

UNUSED = """
SELECT id, used_at, bytes
FROM uploads
WHERE (used_at, id) > (:at, :id)
AND NOT EXISTS (
    SELECT 1
    FROM jobs
    WHERE jobs.needs = 'upload:' || uploads.id
    AND jobs.finished_at IS NULL
)
AND NOT EXISTS (
    SELECT 1
    FROM jobs
    WHERE jobs.mask = 'upload:' || uploads.id
    AND jobs.finished_at IS NULL
)
ORDER BY used_at, id
LIMIT :limit
"""

ROOM = """
SELECT COALESCE(SUM(bytes), 0) AS bytes
FROM (SELECT DISTINCT id, bytes FROM uploads)
"""

LET_GO = """
DELETE FROM uploads
WHERE id = :id
AND used_at <= :used_at
AND NOT EXISTS (
    SELECT 1
    FROM jobs
    WHERE jobs.needs = 'upload:' || uploads.id
    AND jobs.finished_at IS NULL
)
AND NOT EXISTS (
    SELECT 1
    FROM jobs
    WHERE jobs.mask = 'upload:' || uploads.id
    AND jobs.finished_at IS NULL
)
"""

LATELY = """
SELECT COUNT(*) AS files, COALESCE(SUM(bytes), 0) AS bytes, MIN(created_at) AS first
FROM uploads
WHERE person = :person
AND created_at > :since
"""

FORGET = """
DELETE FROM uploads
WHERE person = :person
RETURNING id
"""

KNOWN = """
SELECT id
FROM uploads
WHERE id = :id
UNION ALL
SELECT id
FROM jobs
WHERE needs = 'upload:' || :id
AND finished_at IS NULL
UNION ALL
SELECT id
FROM jobs
WHERE mask = 'upload:' || :id
AND finished_at IS NULL
LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """An upload that no open job needs, and when it was used last (as it is stored)."""

    id: str
    used_at: int
    bytes: int


class Sources:
    """The files of one folder and who brought them."""

    def __init__(
        self,
        db: Database,
        folder: Path,
        *,
        most_files: int = MOST_FILES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`most_files` and `most_bytes` are what one person may bring within an hour."""
        self._db = db
        self._folder = folder
        self._most_files, self._most_bytes = most_files, most_bytes

    def write(self, data: bytes) -> str:
        """Keep `data` and return its id; the same bytes have the same id. Blocks: for a thread.

        Its row comes next, by `brought`. Raises `DiskFull`.
        """
        source_id = hashlib.sha256(data).hexdigest()[:32]
        path = self._folder / source_id
        try:
            os.utime(path)  # whoever sweeps meanwhile sees that it is wanted
        except FileNotFoundError:
            write_whole(path, data)
        return source_id

    async def brought(self, source_id: str, person: int, size: int) -> None:
        """Write down who brought this file of `size` bytes."""
        values = {"id": source_id, "person": person, "bytes": size, "now": self._db.now()}
        async with self._db.transaction() as transaction:
            await transaction.one(BROUGHT, values)

    async def check(self, person: int) -> None:
        """Refuse what is too much of one person within an hour, before the disk is full of it.

        Raises `TooManyUploads`.
        """
        since = self._db.now() - round(HOUR_S * 1000)
        row = await self._db.read_one(LATELY, {"person": person, "since": since})
        assert row is not None  # a sum has always a row
        if row["files"] >= self._most_files or row["bytes"] >= self._most_bytes:
            raise TooManyUploads(row["files"], row["bytes"], to_seconds(row["first"]) + HOUR_S)

    async def used(self, source_id: str) -> None:
        """Somebody starts from it now, which keeps it for longer."""
        async with self._db.transaction() as transaction:
            await transaction.one(USED, {"id": source_id, "now": self._db.now()})

    def read(self, source_id: str) -> bytes:
        """The bytes kept under this id. Raises `NotFound`. Blocks: for a thread."""
        if not re.fullmatch("[0-9a-f]{32}", source_id):
            raise NotFound("source")
        try:
            return (self._folder / source_id).read_bytes()
        except FileNotFoundError:
            raise NotFound("source") from None

    async def room(self) -> int:
        """How many bytes the uploads take."""
        row = await self._db.read_one(ROOM)
        return 0 if row is None else int(row["bytes"])

    async def unused(self, after: Unused | None = None, limit: int = 200) -> list[Unused]:
        """What no open job needs, the longest unused first, behind `after`."""
        at, last = (-1, "") if after is None else (after.used_at, after.id)
        rows = await self._db.read(UNUSED, {"at": at, "id": last, "limit": limit})
        return [Unused(id=row["id"], used_at=row["used_at"], bytes=row["bytes"]) for row in rows]

    async def let_go(self, unused: Sequence[Unused]) -> None:
        """Remove uploads, unless they were used meanwhile."""
        async with self._db.transaction() as transaction:
            for each in unused:
                await transaction.one(LET_GO, {"id": each.id, "used_at": each.used_at})
        await self._remove_unknown([each.id for each in unused])

    async def forget(self, person: int) -> int:
        """Remove what only this person brought and no open job needs; how many they had brought."""
        async with self._db.transaction() as transaction:
            rows = await transaction.all(FORGET, {"person": person})
        await self._remove_unknown([row["id"] for row in rows], fresh_s=0.0)
        return len(rows)

    async def orphans(self, older_than_s: float) -> list[Path]:
        """Files without a row, as from a death or an older version, that are so old by now."""
        found = await asyncio.to_thread(names, self._folder)
        unknown = [name for name in found if not await self._known(name)]
        limit = time.time() - older_than_s  # files have the system's clock

        def old() -> list[Path]:
            paths = (self._folder / name for name in unknown)
            return [path for path in paths if path.exists() and path.stat().st_mtime < limit]

        return await asyncio.to_thread(old)

    async def _remove_unknown(self, ids: Sequence[str], fresh_s: float = FRESH_S) -> None:
        gone = [each for each in ids if not await self._known(each)]
        limit = time.time() - fresh_s

        def remove_old() -> None:
            for each in gone:
                path = self._folder / each
                if path.exists() and path.stat().st_mtime <= limit:
                    path.unlink(missing_ok=True)

        await asyncio.to_thread(remove_old)

    async def _known(self, source_id: str) -> bool:
        return await self._db.read_one(KNOWN, {"id": source_id}) is not None


def used_before(seconds: float) -> int:
    """Epoch seconds as `Unused.used_at` counts."""
    return to_ms(seconds)
