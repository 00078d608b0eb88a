"""Owns the picture files and their rows: written whole or not at all, found by a random id.

Beside a picture may stand two small files: its thumbnail, and for a while the latents that it was
decoded from. A file comes before its row and goes after it, so that a death in between leaves at
most a file nobody knows; `sweep` removes those. The ids grant nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from storage.database import Database
from storage.errors import NotFound, TooManyPins
from storage.files import TEMPORARY, names, remove, write_whole
from storage.ids import random_id
from storage.picture import NewPicture, PictureRow, Veil, files_of, picture_of

__all__ = ["NewPicture", "PictureRow", "Pictures", "Veil"]

_COLUMNS = """
SELECT pictures.*, jobs.place, jobs.private
FROM pictures
JOIN jobs ON jobs.id = pictures.job
"""

GET = f"""
{_COLUMNS}
WHERE pictures.id = :id
AND pictures.deleted_at IS NULL
AND pictures.veil < 2
"""

OF_JOB = f"""
{_COLUMNS}
WHERE pictures.job = :job
AND pictures.deleted_at IS NULL
AND pictures.veil < 2
ORDER BY pictures.nth
"""

DELETE = """
UPDATE pictures
SET deleted_at = :now
WHERE id = :id
AND deleted_at IS NULL
RETURNING file
"""

PIN = """
UPDATE pictures
SET pinned = :pinned
WHERE id = :id
AND deleted_at IS NULL
AND (
    :pinned <= pinned
    OR :limit > (
        SELECT COUNT(*)
        FROM pictures AS other
        WHERE other.person = pictures.person
        AND other.pinned = 1
        AND other.deleted_at IS NULL
    )
)
RETURNING id
"""

HAS_THUMBNAIL = """
UPDATE pictures
SET thumbnail = :bytes
WHERE id = :id
AND deleted_at IS NULL
RETURNING id
"""

KEPT_IN = """
SELECT file, thumbnail, latent
FROM pictures
WHERE id >= :shard
AND id < :shard || '~'
AND deleted_at IS NULL
"""


class Pictures:
    """The pictures in one folder, two characters of the id to a subfolder."""

    def __init__(self, db: Database, folder: Path, new_id: Callable[[], str] = random_id) -> None:
        self._db = db
        self._folder = folder
        self._new_id = new_id
        self._written: set[str] | None = set()  # by us, as long as a sweep may come

    def write(
        self,
        data: bytes,
        *,
        index: int,
        seed: int,
        width: int,
        height: int,
        thumbnail: bytes | None = None,
        latent: bytes | None = None,
        veil: Veil = Veil.OPEN,
    ) -> NewPicture:
        """Put the PNG `data` on the disk for good, with what goes beside it. Its row is made later.

        Blocks: for a thread. Raises `DiskFull`; then nothing stays behind.
        """
        picture_id = self._new_id()
        new = NewPicture(
            id=picture_id,
            index=index,
            seed=seed,
            file=f"{picture_id[:2]}/{picture_id}.png",
            width=width,
            height=height,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            thumbnail=len(thumbnail or b""),
            latent=len(latent or b""),
            veil=veil,
        )
        try:
            for file, content in zip(files_of(new.file), (data, thumbnail, latent), strict=True):
                if content:
                    self._write(file, content)
        except BaseException:
            self.discard([new])
            raise
        return new

    def discard(self, pictures: Iterable[NewPicture]) -> None:
        """Remove files that will get no row. Blocks: for a thread."""
        self.remove_files(picture.file for picture in pictures)

    async def get(self, picture_id: str) -> PictureRow:
        """The picture with this id. Raises `NotFound`, also for a deleted one."""
        row = await self._db.read_one(GET, {"id": picture_id})
        if row is None:
            raise NotFound("picture")
        return picture_of(row)

    async def of_job(self, job_id: int) -> list[PictureRow]:
        """The pictures of a job that are still there, in order."""
        return [picture_of(row) for row in await self._db.read(OF_JOB, {"job": job_id})]

    def path(self, picture: PictureRow) -> Path:
        """Where the file is."""
        return self._folder / picture.file

    def thumbnail_path(self, picture: PictureRow) -> Path:
        """Where its thumbnail is, if it has one."""
        return self._folder / files_of(picture.file)[1]

    async def add_thumbnail(self, picture: PictureRow, data: bytes) -> None:
        """Give one to a picture that has none. Raises `NotFound` if it was deleted meanwhile."""
        file = files_of(picture.file)[1]
        await asyncio.to_thread(self._write, file, data)
        async with self._db.transaction() as transaction:
            row = await transaction.one(HAS_THUMBNAIL, {"id": picture.id, "bytes": len(data)})
        if row is None:
            await asyncio.to_thread(remove, [self._folder / file])
            raise NotFound("picture")

    async def latent(self, picture_id: str) -> bytes:
        """What the picture was decoded from. Raises `NotFound`: it is kept for a while only."""
        row = await self.get(picture_id)
        if not row.latent:
            raise NotFound("latent")
        try:
            return await asyncio.to_thread((self._folder / files_of(row.file)[2]).read_bytes)
        except FileNotFoundError:
            raise NotFound("latent") from None

    async def pin(self, picture_id: str, pinned: bool, limit: int) -> PictureRow:
        """Keep a picture until somebody deletes it, or let it go like the others.

        Nobody has more than `limit` pinned. Raises `NotFound`, `TooManyPins`.
        """
        values = {"id": picture_id, "pinned": int(pinned), "limit": limit}
        async with self._db.transaction() as transaction:
            changed = await transaction.one(PIN, values)
        row = await self.get(picture_id)
        if changed is None:
            raise TooManyPins(limit)
        return row

    async def delete(self, picture_id: str) -> None:
        """Remove a picture; what it cost stays. Raises `NotFound`."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(DELETE, {"id": picture_id, "now": self._db.now()})
        if row is None:
            raise NotFound("picture")
        await asyncio.to_thread(self.remove_files, [row["file"]])

    def remove_files(self, files: Iterable[str]) -> None:
        """Remove the files of pictures, and what stands beside them. Blocks: for a thread."""
        for file in files:
            remove(self._folder / each for each in files_of(file))

    async def sweep(self) -> int:
        """Remove the files no row knows, once after the start; how many there were.

        They come from jobs and deletions that a death interrupted. What this process writes
        meanwhile is left alone.
        """
        removed = 0
        for shard in await asyncio.to_thread(names, self._folder):
            orphans = await self.orphans(shard)
            await asyncio.to_thread(remove, orphans)
            removed += len(orphans)
        self._written = None
        return removed

    async def orphans(self, shard: str) -> list[Path]:
        """The files of one subfolder that no row knows."""
        found = await asyncio.to_thread(names, self._folder / shard)
        known: set[str] = set()
        for row in await self._db.read(KEPT_IN, {"shard": shard}):
            picture, thumbnail, latent = files_of(row["file"])
            known.add(picture)
            known |= {thumbnail} if row["thumbnail"] else set()
            known |= {latent} if row["latent"] else set()
        ours = self._written or ()
        return [
            self._folder / shard / name
            for name in found
            if f"{shard}/{name}" not in known
            and f"{shard}/{name}".removesuffix(TEMPORARY) not in ours
        ]

    def _write(self, file: str, data: bytes) -> None:
        if self._written is not None:
            self._written.add(file)
        write_whole(self._folder / file, data)
