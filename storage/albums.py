"""Owns the way through one person's living pictures, newest first: all, the pinned, the searched.

A job's pictures stay in their order. What was deleted costs nothing on the way.
"""

from __future__ import annotations

from storage.database import Database
from storage.picture import PictureRow, picture_of
from storage.prompts import Prompts, match

PLACE_OF = """
SELECT job, nth
FROM pictures
WHERE id = :id
"""

ALL = """
SELECT pictures.*, jobs.place, jobs.private
FROM pictures
CROSS JOIN jobs ON jobs.id = pictures.job
WHERE pictures.person = :person
AND pictures.deleted_at IS NULL
AND pictures.veil < 2
AND pictures.job <= :job
AND NOT (pictures.job = :job AND pictures.nth <= :nth)
ORDER BY pictures.job DESC, pictures.nth
LIMIT :limit
"""

PINNED = """
SELECT pictures.*, jobs.place, jobs.private
FROM pictures
CROSS JOIN jobs ON jobs.id = pictures.job
WHERE pictures.person = :person
AND pictures.deleted_at IS NULL
AND pictures.veil < 2
AND pictures.pinned = 1
AND pictures.job <= :job
AND NOT (pictures.job = :job AND pictures.nth <= :nth)
ORDER BY pictures.job DESC, pictures.nth
LIMIT :limit
"""

OLDEST = """
SELECT MIN(job) AS job
FROM pictures
WHERE person = :person
AND deleted_at IS NULL
"""
"""Retention takes the oldest: a search need not look at what was asked for before this."""

FOUND = """
SELECT pictures.*, jobs.place, jobs.private
FROM prompts
CROSS JOIN pictures ON pictures.job = prompts.rowid
CROSS JOIN jobs ON jobs.id = pictures.job
WHERE prompts MATCH :match
AND prompts.rowid <= :job
AND prompts.rowid >= :oldest
AND pictures.deleted_at IS NULL
AND pictures.veil < 2
AND pictures.pinned >= :pinned
AND NOT (pictures.job = :job AND pictures.nth <= :nth)
ORDER BY prompts.rowid DESC
LIMIT :limit
"""


class Albums:
    """Looks through the pictures of people."""

    def __init__(self, db: Database, prompts: Prompts) -> None:
        self._db = db
        self._prompts = prompts

    async def look(
        self,
        person: int,
        *,
        search: str | None = None,
        before: str | None = None,
        pinned: bool = False,
        limit: int = 50,
    ) -> list[PictureRow]:
        """This person's pictures behind the one with the id `before`, newest first.

        Without that, or if there never was such a one, from the newest on.
        """
        job, nth = await self._place_of(before)
        values = {"person": person, "job": job, "nth": nth, "limit": limit}
        if search is None or not search.strip():
            rows = await self._db.read(PINNED if pinned else ALL, values)
            return [picture_of(row) for row in rows]
        wanted = match(person, search)
        oldest = await self._db.read_one(OLDEST, {"person": person})
        if wanted is None or oldest is None or oldest["job"] is None:
            return []
        await self._prompts.catch_up()
        values |= {"oldest": oldest["job"], "pinned": int(pinned)}
        rows = await self._db.read(FOUND, values | {"match": wanted})
        return [picture_of(row) for row in rows]

    async def _place_of(self, picture_id: str | None) -> tuple[int, int]:
        row = await self._db.read_one(PLACE_OF, {"id": picture_id}) if picture_id else None
        return (2**62, 0) if row is None else (row["job"], row["nth"])
