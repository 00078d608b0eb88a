"""Owns the SQLite file of a data folder: the lock on the folder, the connections, transactions.

It knows no table. One connection writes, one transaction at a time; another one only reads, so
that nobody who reads waits for a write. After a power cut the last moments before it may be
missing (`synchronous = NORMAL`), but never half a transaction; a killed process loses nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from storage import schema
from storage.errors import AlreadyRunning, DiskFull, NewerDatabase, OldSQLite
from storage.files import FULL, free_bytes

FILE = "atelier.sqlite"
LOCK = "lock"
NEEDED = (3, 37)
"""STRICT tables came with SQLite 3.37."""

JOURNAL_PAGES = "wal_autocheckpoint = 8000"
"""32 MiB. Whoever commits when it is full waits for it to be worked in: now one in a thousand, not
one in eighty."""

NO_ROOM = 100_000
"""Bytes with which a database can do nothing."""

ERASE = "secure_delete = FAST"
"""What was blanked or deleted is overwritten in the file where that costs no more writing."""

Values = Mapping[str, Any] | Sequence[Any]
T = TypeVar("T")


class Transaction:
    """Runs statements inside one transaction.

    Each result is fetched whole: no cursor stays open over the commit or a cancellation.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def all(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Run a statement and return all its rows."""
        return list(await self._connection.execute_fetchall(sql, values))

    async def one(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """Run a statement and return its first row, or None."""
        return next(iter(await self.all(sql, values)), None)


class Database:
    """The open database of one data folder; made by `open`, ended by `close`."""

    def __init__(
        self,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        lock: int | None,
        clock: Callable[[], float],
        folder: Path,
    ) -> None:
        self._writer = writer
        self.reading = Transaction(reader)  # here every statement is one of its own
        self._connections = (reader, writer)  # the writer goes last: it tidies up the journal
        self._writing = asyncio.Lock()
        self._lock = lock
        self._clock = clock
        self._folder = folder
        self._closed = False

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        migrations: Sequence[schema.Migration] | None = None,
    ) -> Self:
        """Make or open the database in `folder` and bring it up to date.

        Raises `AlreadyRunning` if another process uses the folder, `NewerDatabase`, `OldSQLite`,
        `DiskFull`.
        """
        if sqlite3.sqlite_version_info < NEEDED:
            raise OldSQLite(sqlite3.sqlite_version, ".".join(map(str, NEEDED)))
        path = folder / FILE
        opened: list[aiosqlite.Connection] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - once, at start
            lock = take_lock(folder)
        except OSError as error:
            _raise_full(error, folder)
            raise
        try:
            opened.append(writer := await _connect(path.absolute().as_uri()))
            await schema.migrate(writer, path, migrations or schema.shipped())
            await _run(writer, "PRAGMA foreign_keys = ON")
            opened.append(reader := await _connect(f"{path.absolute().as_uri()}?mode=ro"))
        except BaseException as error:
            for connection in opened:
                await undisturbed(connection.close())
            os.close(lock)
            _raise_full(error, folder)
            raise
        return cls(writer, reader, lock, clock, folder)

    @classmethod
    async def beside(cls, folder: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Open the database of a folder that another process may be using.

        For what is said in single guarded statements. Raises `NewerDatabase` for any version but
        ours, an older one, too: nothing is migrated under anybody's feet.
        """
        path = folder / FILE
        opened: list[aiosqlite.Connection] = []
        try:
            opened.append(writer := await _connect(f"{path.absolute().as_uri()}?mode=rw"))
            found, known = await schema.version(writer), schema.shipped()[-1].number
            if found != known:
                raise NewerDatabase(path, found, known)
            await _run(writer, "PRAGMA foreign_keys = ON")
            opened.append(reader := await _connect(f"{path.absolute().as_uri()}?mode=ro"))
        except BaseException:
            for connection in opened:
                await undisturbed(connection.close())
            raise
        return cls(writer, reader, None, clock, folder)

    def now(self) -> int:
        """The time as it is stored: whole milliseconds since 1970."""
        return to_ms(self._clock())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """All statements inside happen together or not at all, and nobody's come in between.

        Left by an exception, cancellation included, everything is rolled back. A connection works
        off its statements in order, also one whose caller was cancelled; so the rollback, queued
        behind it, always comes last. (A cancellation that arrives during the commit comes too
        late to undo it.) Raises `DiskFull`.
        """
        async with self._writing:
            try:
                # Inside the `try`: somebody cancelled while waiting here has begun all the same.
                await _run(self._writer, "BEGIN IMMEDIATE")
                yield Transaction(self._writer)
                await undisturbed(self._writer.commit())
            except BaseException as error:
                await undisturbed(self._writer.rollback())
                _raise_full(error, self._folder)
                raise

    async def read(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """The rows of a query, as of the last commit."""
        return await self.reading.all(sql, values)

    async def read_one(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """The first row of a query, as of the last commit, or None."""
        return await self.reading.one(sql, values)

    async def close(self) -> None:
        """Wait for the running transaction, close, and give the folder free."""
        await undisturbed(self._close())

    async def _close(self) -> None:
        async with self._writing:
            if self._closed:
                return
            self._closed = True
            try:
                for connection in self._connections:
                    await connection.close()
            finally:
                if self._lock is not None:
                    os.close(self._lock)


async def undisturbed(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` to its end even when cancelled meanwhile; the cancellation comes after it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        failure = None if task.cancelled() else task.exception()
        raise cancelled from failure
    return task.result()


def to_ms(seconds: float) -> int:
    """Epoch seconds as they are stored."""
    return round(seconds * 1000)


def to_seconds(ms: int) -> float:
    """Epoch seconds from how they are stored."""
    return ms / 1000


def maybe_seconds(ms: int | None) -> float | None:
    """`to_seconds`, where nothing stays nothing."""
    return None if ms is None else to_seconds(ms)


def _raise_full(error: BaseException, folder: Path) -> None:
    """Say `DiskFull` where that is behind an error; SQLite calls it an I/O error at times."""
    if isinstance(error, sqlite3.Error):
        code, free = getattr(error, "sqlite_errorcode", 0), free_bytes(folder)
        faulty = code & 0xFF == sqlite3.SQLITE_IOERR and free < NO_ROOM
        if code == sqlite3.SQLITE_FULL or faulty:
            raise DiskFull(free=free, reserve=0) from error
    elif isinstance(error, OSError) and error.errno in FULL:
        raise DiskFull(free=free_bytes(folder), reserve=0) from error


def take_lock(folder: Path) -> int:
    """Lock the folder until the returned descriptor is closed, at the latest by our death."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.truncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    except BlockingIOError:
        holder = os.read(lock, 32).strip()
        os.close(lock)
        raise AlreadyRunning(folder, int(holder) if holder.isdigit() else None) from None
    except BaseException:
        os.close(lock)
        raise
    return lock


async def _connect(uri: str) -> aiosqlite.Connection:
    connection = aiosqlite.connect(uri, uri=True, isolation_level=None)
    await connection
    try:
        connection.row_factory = sqlite3.Row
        for pragma in ("busy_timeout = 5000", "cache_size = -16000"):
            await _run(connection, f"PRAGMA {pragma}")
        if "mode=ro" not in uri:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", JOURNAL_PAGES, ERASE):
                await _run(connection, f"PRAGMA {pragma}")
    except BaseException:
        await undisturbed(connection.close())
        raise
    return connection


async def _run(connection: aiosqlite.Connection, sql: str, values: Iterable[Any] = ()) -> None:
    await connection.execute_fetchall(sql, values)
