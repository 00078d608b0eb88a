"""Owns the picture files and their rows: written whole or not at all, found by a random id.

A file comes before its row and goes after it, so that a death in between leaves at most a file
nobody knows; `sweep` removes those at the next start. The ids grant nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from storage.database import Database, maybe_seconds, to_seconds
from storage.errors import NotFound
from storage.ids import random_id

TEMPORARY = ".tmp"

_COLUMNS = """
SELECT pictures.*, jobs.person, jobs.place
FROM pictures
JOIN jobs ON jobs.id = pictures.job
"""

GET = f"""
{_COLUMNS}
WHERE pictures.id = :id
AND pictures.deleted_at IS NULL
"""

OF_JOB = f"""
{_COLUMNS}
WHERE pictures.job = :job
AND pictures.deleted_at IS NULL
ORDER BY pictures.nth
"""

DELETE = """
UPDATE pictures
SET deleted_at = :now
WHERE id = :id
AND deleted_at IS NULL
RETURNING file
"""

KEPT_IN = """
SELECT file
FROM pictures
WHERE id >= :shard
AND id < :shard || '~'
AND deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPicture:
    """A file that is written and waits for its row; `index` is 0 for a job's first picture."""

    id: str
    index: int
    seed: int
    file: str
    width: int
    height: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    """A stored picture: whose it is, where it was asked for, and its file within the folder."""

    id: str
    job: int
    person: int
    place: int
    index: int
    seed: int
    file: str
    width: int
    height: int
    bytes: int
    sha256: str
    created_at: float
    deleted_at: float | None


class Pictures:
    """The pictures in one folder, two characters of the id to a subfolder."""

    def __init__(self, db: Database, folder: Path, new_id: Callable[[], str] = random_id) -> None:
        self._db = db
        self._folder = folder
        self._new_id = new_id
        self._written: set[str] | None = set()  # by us, as long as a sweep may come

    def write(self, data: bytes, *, index: int, seed: int, width: int, height: int) -> NewPicture:
        """Put the PNG `data` on the disk for good. Blocks: for a thread. Its row is made later."""
        picture_id = self._new_id()
        file = f"{picture_id[:2]}/{picture_id}.png"
        if self._written is not None:
            self._written.add(file)
        write_whole(self._folder / file, data)
        return NewPicture(
            id=picture_id,
            index=index,
            seed=seed,
            file=file,
            width=width,
            height=height,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def discard(self, pictures: Iterable[NewPicture]) -> None:
        """Remove files that will get no row. Blocks: for a thread."""
        for picture in pictures:
            (self._folder / picture.file).unlink(missing_ok=True)

    async def get(self, picture_id: str) -> PictureRow:
        """The picture with this id. Raises `NotFound`, also for a deleted one."""
        row = await self._db.read_one(GET, {"id": picture_id})
        if row is None:
            raise NotFound("picture")
        return _picture(row)

    async def of_job(self, job_id: int) -> list[PictureRow]:
        """The pictures of a job that are still there, in order."""
        return [_picture(row) for row in await self._db.read(OF_JOB, {"job": job_id})]

    def path(self, picture: PictureRow) -> Path:
        """Where the file is."""
        return self._folder / picture.file

    async def delete(self, picture_id: str) -> None:
        """Remove a picture; what it cost stays. Raises `NotFound`."""
        async with self._db.transaction() as transaction:
            row = await transaction.one(DELETE, {"id": picture_id, "now": self._db.now()})
        if row is None:
            raise NotFound("picture")
        await asyncio.to_thread((self._folder / row["file"]).unlink, missing_ok=True)

    async def sweep(self) -> int:
        """Remove the files no row knows, once, at start; how many there were.

        They come from jobs and deletions that a death interrupted. What this process writes
        meanwhile is left alone.
        """
        removed = 0
        for shard in await asyncio.to_thread(_names, self._folder):
            found = await asyncio.to_thread(_names, self._folder / shard)
            rows = await self._db.read(KEPT_IN, {"shard": shard})
            known = {row["file"] for row in rows}
            orphans = [
                self._folder / shard / name
                for name in found
                if f"{shard}/{name}" not in known
                and f"{shard}/{name}".removesuffix(TEMPORARY) not in (self._written or ())
            ]
            await asyncio.to_thread(_unlink, orphans)
            removed += len(orphans)
        self._written = None
        return removed


class Sources:
    """The pictures people brought along to start from, each named after its bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, data: bytes) -> str:
        """Keep `data` and return its id; the same bytes have the same id. Blocks: for a thread."""
        source_id = hashlib.sha256(data).hexdigest()[:32]
        path = self._folder / source_id
        if not path.exists():
            write_whole(path, data)
        return source_id

    def read(self, source_id: str) -> bytes:
        """The bytes kept under this id. Raises `NotFound`. Blocks: for a thread."""
        if not re.fullmatch("[0-9a-f]{32}", source_id):
            raise NotFound("source")
        try:
            return (self._folder / source_id).read_bytes()
        except FileNotFoundError:
            raise NotFound("source") from None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there complete or not at all, also after a power cut."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        _sync_folder(path.parent.parent)
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A new name is safe only when its folder is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _picture(row: sqlite3.Row) -> PictureRow:
    return PictureRow(
        id=row["id"],
        job=row["job"],
        person=row["person"],
        place=row["place"],
        index=row["nth"],
        seed=row["seed"],
        file=row["file"],
        width=row["width"],
        height=row["height"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        created_at=to_seconds(row["created_at"]),
        deleted_at=maybe_seconds(row["deleted_at"]),
    )
