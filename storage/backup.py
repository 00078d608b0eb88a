"""Owns copies of a whole data folder: made while it is in use, verified, and put back.

A backup is a folder with the database as of one moment, everything that its rows speak of, and a
`backup.json` that was written last. Files that never change are shared with the data folder by
hard links where that is possible. All functions block and are meant for a process of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from storage import schema
from storage.database import FILE, take_lock
from storage.errors import NewerDatabase

CARD = "backup.json"
STAGE = "restoring"
"""Where a restore gathers everything; while it is there, no restore has come to its end."""
ASIDE = "replaced-{at}"
NAME = "atelier-%Y%m%dT%H%M%SZ"
INSIDE = "backups"
"""The one folder in a data folder that backups may be put into."""
OWN = ("cache", "lock", STAGE, INSIDE)
"""What belongs to the data folder's place rather than to its content, or can be made again."""
SHARED = ("pictures", "sources", "models")
"""Folders of files that are written once: a hard link keeps them as well as a copy does."""
PASSING = (".tmp", ".part", "-wal", "-shm", "-journal")
PATIENCE_MS = 5000


class BackupError(Exception):
    """A backup that cannot be made, or is not whole; the text says why, in one line."""


class Unfinished(BackupError):
    """A restore was interrupted; done again, it comes to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds: `gone` pictures were deleted by people while it was made."""

    made_at: float
    schema: int
    jobs: int
    pictures: int
    files: int
    bytes: int
    linked: int
    gone: int
    database_sha256: str


def make(data: Path, into: Path, *, now: Callable[[], float] = time.time) -> tuple[Path, Backup]:
    """Back the data folder up to a new folder in `into`, also while a server uses it.

    Raises `BackupError`, `OSError`; then nothing is left behind but an unfinished `….tmp`.
    """
    if not (data / FILE).is_file():
        raise BackupError(f"{data} holds no database")
    inner = into.absolute().relative_to(data.absolute()) if _within(into, data) else None
    if inner is not None and inner.parts[:1] != (INSIDE,):
        raise BackupError(f"inside {data}, backups go into {data / INSIDE}")
    made_at = now()
    target = into / time.strftime(NAME, time.gmtime(made_at))
    if target.exists():
        raise BackupError(f"{target} is there already")
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        _require_room(data, unfinished)
        # Files before the snapshot, and what is new in it once more after it: a row's file is
        # there before its row, so only what is deleted meanwhile can be missing.
        linked = _gather(data, unfinished)
        _snapshot(data / FILE, unfinished / FILE)
        linked += _gather(data, unfinished)
        gone = _forget_deleted(unfinished)
        _prune(unfinished)
        backup = _described(unfinished, made_at=made_at, linked=linked, gone=gone)
        _write(unfinished / CARD, json.dumps(asdict(backup), indent=2).encode())
        verify(unfinished)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    unfinished.rename(target)
    _sync(into)
    return target, backup


def verify(folder: Path, *, thorough: bool = True) -> Backup:
    """Whether a backup is whole: the database sound, every picture there as it was.

    `thorough` reads every picture and compares its sum. Raises `BackupError`.
    """
    backup = read(folder)
    pictures = _checked(folder)
    if thorough and _sum(folder / FILE) != backup.database_sha256:
        raise BackupError(f"the database of {folder} is not the one that was backed up")
    for file, size, checksum in pictures:
        path = folder / "pictures" / file
        if not path.is_file():
            raise BackupError(f"{path} is missing")
        if path.stat().st_size != size or (thorough and _sum(path) != checksum):
            raise BackupError(f"{path} is damaged")
    if len(pictures) != backup.pictures:
        raise BackupError(f"{folder} has {len(pictures)} pictures, not {backup.pictures}")
    return backup


def read(folder: Path) -> Backup:
    """What a backup says of itself. Raises `BackupError`."""
    try:
        return Backup(**json.loads((folder / CARD).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BackupError(f"{folder} is no backup: it has no {CARD}") from None
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{folder / CARD} cannot be read: {error}") from None


def restore(folder: Path, data: Path, *, replace: bool = False) -> tuple[Backup, Path | None]:
    """Put a backup in the place of the data folder's content; no server may use it.

    What was there is kept in a folder beside it, which is returned. Done again after an
    interruption, it goes on. Raises `BackupError`, `AlreadyRunning`, `NewerDatabase`, `OSError`.
    """
    backup = verify(folder)
    known = schema.shipped()[-1].number
    if backup.schema > known:
        raise NewerDatabase(folder / FILE, backup.schema, known)
    data.mkdir(parents=True, exist_ok=True)
    lock = take_lock(data)
    try:
        unfinished = (data / STAGE).exists()
        if (data / FILE).exists() and not replace and not unfinished:
            raise BackupError(f"{data} holds a database already; --replace puts it aside")
        return backup, _put_back(folder, data)
    finally:
        os.close(lock)


def require_finished(data: Path) -> None:
    """Raise `Unfinished` for a data folder that is neither what it was nor what it is to be.

    A server that started on it would find no database, and make an empty one.
    """
    if (data / STAGE).exists() and not (data / FILE).exists():
        raise Unfinished(f"a restore into {data} was interrupted; run `atelier restore` again")


def thin_out(into: Path, keep: int) -> list[Path]:
    """Remove all backups in a folder but the newest `keep`; those that went."""
    whole = sorted(path.parent for path in into.glob(f"atelier-*/{CARD}"))
    old = whole[: max(0, len(whole) - max(1, keep))]
    for folder in old:
        # Without its card it is no backup any more, however far the removal comes.
        (folder / CARD).unlink()
        shutil.rmtree(folder)
    return old


KEPT = """
SELECT file, bytes, sha256
FROM pictures
WHERE deleted_at IS NULL
ORDER BY file
"""

FORGET = """
UPDATE pictures
SET deleted_at = :now
WHERE file = :file
AND deleted_at IS NULL
"""


def _checked(folder: Path) -> list[tuple[str, int, str]]:
    """The pictures that a sound database speaks of: file, bytes and sum. Raises `BackupError`."""
    uri = f"{(folder / FILE).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as db:
            checked = [row[0] for row in db.execute("PRAGMA integrity_check(5)")]
            if checked != ["ok"]:
                raise BackupError(f"the database of {folder} is damaged: {checked[0]}")
            if db.execute("PRAGMA foreign_key_check").fetchone():
                raise BackupError(f"the database of {folder} has rows that belong to nothing")
            return db.execute(KEPT).fetchall()
    except sqlite3.DatabaseError as error:
        raise BackupError(f"the database of {folder} is damaged: {error}") from None


def _snapshot(source: Path, target: Path) -> None:
    """The database as of one moment. Readers hold up nobody who writes, so one go is best."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        live.execute("PRAGMA query_only = ON")
        live.backup(copy)
        # One file, which anybody can read without making others beside it. The next start of the
        # server makes it a journalled one again.
        copy.execute("PRAGMA journal_mode = DELETE")
    _sync(target)


def _gather(data: Path, target: Path) -> int:
    """Bring over every file that is not there yet; how many of them are links."""
    linked = 0
    for path in _files(data):
        there = target / path.relative_to(data)
        if there.exists():
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        try:
            if path.relative_to(data).parts[0] in SHARED:
                linked += _link(path, there)
            else:
                _copy(path, there)
        except FileNotFoundError:
            continue  # deleted in this moment
    return linked


def _files(data: Path) -> Iterator[Path]:
    for top in sorted(data.iterdir()):
        if top.name in OWN or top.name.startswith((FILE, ASIDE.format(at=""))):
            continue  # the database and its copies come by themselves
        found = (each for each in sorted(top.rglob("*")) if each.is_file())
        for path in found if top.is_dir() else [top]:
            if not path.name.endswith(PASSING):
                yield path


def _forget_deleted(folder: Path) -> int:
    """Pictures whose rows are in the snapshot, but whose files went before we came to them."""
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        missing = [
            file for file, _, _ in db.execute(KEPT) if not (folder / "pictures" / file).is_file()
        ]
        now = round(time.time() * 1000)
        db.executemany(FORGET, [{"file": file, "now": now} for file in missing])
    return len(missing)


def _prune(folder: Path) -> None:
    """Pictures that came after the snapshot have no row in it; a restore would sweep them away."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        known = {row[0] for row in db.execute(KEPT)}
    pictures = folder / "pictures"
    for path in _orphans(pictures, known):
        path.unlink()


def _orphans(pictures: Path, known: set[str]) -> list[Path]:
    """Only `.png` files are pictures by themselves; what lies beside one goes by its name."""
    stems = {file.rpartition(".")[0] for file in known}
    found = (path for path in pictures.rglob("*") if path.is_file())
    return [
        path
        for path in found
        if path.relative_to(pictures).as_posix() not in known
        and str(path.relative_to(pictures).parent / path.name.split(".")[0]) not in stems
    ]


def _described(folder: Path, *, made_at: float, linked: int, gone: int) -> Backup:
    files = [path for path in folder.rglob("*") if path.is_file()]
    with closing(sqlite3.connect(folder / FILE)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (jobs,) = db.execute("SELECT COUNT(*) FROM jobs").fetchone()
        pictures = len(db.execute(KEPT).fetchall())
    return Backup(
        made_at=made_at,
        schema=version,
        jobs=jobs,
        pictures=pictures,
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
        linked=linked,
        gone=gone,
        database_sha256=_sum(folder / FILE),
    )


def _put_back(folder: Path, data: Path) -> Path | None:
    """Gather everything beside the old, then exchange them, the database last."""
    stage = data / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path == folder / CARD:
            continue
        there = stage / path.relative_to(folder)
        there.parent.mkdir(parents=True, exist_ok=True)
        if path.relative_to(folder).parts[0] in SHARED:
            _link(path, there)
        else:
            _copy(path, there)
    old = [each for each in sorted(data.iterdir()) if each.name not in OWN]
    old = [each for each in old if not each.name.startswith(ASIDE.format(at=""))]
    aside = None
    if old:
        aside = data / ASIDE.format(at=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        aside.mkdir(exist_ok=True)
        for each in old:
            each.rename(aside / each.name)
    for each in sorted(stage.iterdir(), key=lambda path: path.name == FILE):
        each.rename(data / each.name)
    _sync(data)
    stage.rmdir()
    return aside


def _within(path: Path, folder: Path) -> bool:
    return path.absolute().is_relative_to(folder.absolute())


def _require_room(data: Path, target: Path) -> None:
    """Refuse before the work when the disk cannot hold what has to be copied."""
    same = data.stat().st_dev == target.stat().st_dev
    needed = (data / FILE).stat().st_size + sum(
        path.stat().st_size
        for path in _files(data)
        if not (same and path.relative_to(data).parts[0] in SHARED)
    )
    free = shutil.disk_usage(target).free
    if needed > free:
        raise BackupError(
            f"the backup needs {needed / 1e6:.0f} MB, {target.parent} has {free / 1e6:.0f} MB free"
        )


def _link(source: Path, target: Path) -> bool:
    """Share the file, or copy it where it cannot be shared; whether it is shared."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or one without hard links
        _copy(source, target)
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    shutil.copy2(source, target)
    _sync(target)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _sync(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
