"""The data folder is one process's, and a transaction happens whole or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest

from storage.database import FILE, Database, undisturbed
from storage.errors import AlreadyRunning, NewerDatabase, OldSQLite
from storage.schema import Migration, shipped

ROOT = Path(__file__).parents[2]

HOLD = """
import asyncio, sys
from pathlib import Path
from storage.database import Database

async def hold():
    await Database.open(Path(sys.argv[1]))
    print("open", flush=True)
    await asyncio.sleep(60)

asyncio.run(hold())
"""

TRY = """
import asyncio, sys
from pathlib import Path
from storage.database import Database
from storage.errors import AlreadyRunning

async def attempt():
    try:
        await Database.open(Path(sys.argv[1]))
    except AlreadyRunning as refused:
        print("refused", refused.pid)

asyncio.run(attempt())
"""

ADD = "INSERT INTO speeds VALUES (:name, 1, 1, 0, 1.0, 1.0)"


class CancelledAt:
    """Runs a coroutine and cancels it at its n-th suspension, whatever it waits for there."""

    def __init__(self, work: Coroutine[Any, Any, Any], moment: int) -> None:
        self.work = work
        self.moment = moment
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self.work.__await__()
        suspensions = 0
        resume: Callable[[], Any] = lambda: next(steps)  # noqa: E731 - it is replaced below
        while True:
            try:
                awaited = resume()
            except StopIteration as end:
                return end.value
            suspensions += 1
            if suspensions == self.moment:
                self.reached = True
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                value = yield awaited
            except BaseException as error:
                resume = _bound(steps.throw, error)
            else:
                resume = _bound(steps.send, value)


def _bound(call: Callable[[Any], Any], value: Any) -> Callable[[], Any]:
    return lambda: call(value)


async def names(db: Database) -> list[str]:
    return [row["model"] for row in await db.read("SELECT model FROM speeds ORDER BY model")]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_transaction_is_kept_when_it_ends_well(db: Database) -> None:
    """What a transaction wrote is there for every later reader."""
    async with db.transaction() as transaction:
        await transaction.one(ADD, {"name": "a"})
    assert await names(db) == ["a"]


async def test_a_transaction_leaves_nothing_when_it_fails(db: Database) -> None:
    """An exception inside takes everything back, and the next transaction works."""
    with pytest.raises(RuntimeError):
        async with db.transaction() as transaction:
            await transaction.one(ADD, {"name": "a"})
            raise RuntimeError
    async with db.transaction() as transaction:
        await transaction.one(ADD, {"name": "b"})
    assert await names(db) == ["b"]


async def test_readers_do_not_wait_for_a_writer(db: Database) -> None:
    """Somebody reads while a transaction is open, and sees the state before it."""
    async with db.transaction() as transaction:
        await transaction.one(ADD, {"name": "a"})
        assert await asyncio.wait_for(names(db), 5) == []


async def test_readers_cannot_write(db: Database) -> None:
    """The connection for reading refuses to change anything."""
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await db.read(ADD, {"name": "a"})


async def test_two_coroutines_do_not_mix_their_transactions(db: Database) -> None:
    """What one coroutine takes back does not take another's work along, nor keep its own."""

    async def good(name: str) -> None:
        async with db.transaction() as transaction:
            await transaction.one(ADD, {"name": name})
            await asyncio.sleep(0.002)
            await transaction.one(ADD, {"name": f"{name}2"})

    async def bad(name: str) -> None:
        async with db.transaction() as transaction:
            await transaction.one(ADD, {"name": name})
            await asyncio.sleep(0.002)
            raise RuntimeError

    results = await asyncio.gather(
        *(work for n in range(5) for work in (good(f"good{n}"), bad(f"bad{n}"))),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), RuntimeError] * 5
    assert await names(db) == sorted(f"good{n}{end}" for n in range(5) for end in ("", "2"))


async def test_a_cancellation_at_any_await_leaves_all_or_nothing(db: Database) -> None:
    """Wherever a transaction is cancelled, both its rows are there or none, and work goes on."""

    async def both(name: str) -> None:
        async with db.transaction() as transaction:
            await transaction.one(ADD, {"name": f"{name}-1"})
            await transaction.one(ADD, {"name": f"{name}-2"})

    async def other(name: str) -> None:
        async with db.transaction() as transaction:
            await transaction.one(ADD, {"name": name})

    moment, reached = 0, True
    while reached:
        moment += 1
        watched = CancelledAt(both(f"m{moment}"), moment)

        async def run(watched: CancelledAt = watched) -> None:
            await watched

        task = asyncio.create_task(run())
        await asyncio.gather(other(f"o{moment}"), task, return_exceptions=True)
        reached = watched.reached
        assert task.cancelled() == reached
        found = await names(db)
        assert f"o{moment}" in found
        assert (f"m{moment}-1" in found) == (f"m{moment}-2" in found)
        assert reached or f"m{moment}-1" in found
    assert moment > 4  # BEGIN, two statements, COMMIT and the end


async def test_somebody_cancelled_while_waiting_for_the_turn_leaves_no_trace(db: Database) -> None:
    """A task cancelled before its transaction begins blocks nobody behind it."""

    async def write(name: str) -> None:
        async with db.transaction() as transaction:
            await transaction.one(ADD, {"name": name})

    async with db.transaction():
        waiting = asyncio.create_task(write("a"))
        behind = asyncio.create_task(write("b"))
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.wait_for(behind, 5)
    assert await names(db) == ["b"]


async def test_undisturbed_work_ends_before_the_cancellation_goes_on() -> None:
    """However often the caller is cancelled, the work is finished first, then it is told."""
    finished = []

    async def work() -> None:
        await asyncio.sleep(0.02)
        finished.append(True)

    task = asyncio.create_task(undisturbed(work()))
    for _ in range(3):
        await asyncio.sleep(0.002)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert finished == [True]


async def test_undisturbed_work_reports_its_own_failure() -> None:
    """Without a cancellation the result or the exception of the work comes through."""

    async def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        await undisturbed(fail())


async def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    """Closing and opening again finds the same facts."""
    db = await Database.open(tmp_path)
    async with db.transaction() as transaction:
        await transaction.one(ADD, {"name": "a"})
    await db.close()
    db = await Database.open(tmp_path)
    assert await names(db) == ["a"]
    await db.close()


async def test_closing_waits_for_the_transaction_and_can_be_repeated(tmp_path: Path) -> None:
    """A transaction that has begun is committed before the database closes."""
    db = await Database.open(tmp_path)

    async def write() -> None:
        async with db.transaction() as transaction:
            await asyncio.sleep(0.01)
            await transaction.one(ADD, {"name": "a"})

    writing = asyncio.create_task(write())
    await asyncio.sleep(0)
    await asyncio.gather(db.close(), db.close())
    await writing
    await db.close()
    db = await Database.open(tmp_path)
    assert await names(db) == ["a"]
    await db.close()


async def test_a_cancelled_closing_closes_all_the_same(tmp_path: Path) -> None:
    """Neither connections nor the lock are left behind by somebody in a hurry."""
    db = await Database.open(tmp_path)
    closing = asyncio.create_task(db.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await (await Database.open(tmp_path)).close()


async def test_a_second_opening_in_the_same_process_is_refused(tmp_path: Path) -> None:
    """The folder is locked as long as it is open, and free afterwards."""
    db = await Database.open(tmp_path)
    with pytest.raises(AlreadyRunning) as refused:
        await Database.open(tmp_path)
    assert refused.value.pid == os.getpid()
    await db.close()
    await (await Database.open(tmp_path)).close()


async def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """Another process that opens the folder is told who has it."""
    db = await Database.open(tmp_path)
    said = await asyncio.to_thread(
        subprocess.check_output,
        [sys.executable, "-c", TRY, str(tmp_path)],
        encoding="utf-8",
        cwd=ROOT,
    )
    await db.close()
    assert said.split() == ["refused", str(os.getpid())]


async def test_a_killed_process_leaves_the_folder_free(tmp_path: Path) -> None:
    """After kill -9 nothing has to be cleaned up by hand."""
    holder = subprocess.Popen(  # noqa: ASYNC220 - only started here
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
    )
    with holder:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == "open\n"
        with pytest.raises(AlreadyRunning) as refused:
            await Database.open(tmp_path)
        assert refused.value.pid == holder.pid
        assert str(holder.pid) in str(refused.value)
        holder.send_signal(signal.SIGKILL)
        await asyncio.to_thread(holder.wait)
        await (await Database.open(tmp_path)).close()


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A program older than the database says so and changes nothing."""
    await (await Database.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(NewerDatabase) as refused:
        await Database.open(tmp_path)
    assert (refused.value.found, refused.value.known) == (999, len(shipped()))
    assert (tmp_path / FILE).read_bytes() == before


async def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python built with too old an SQLite is told which one is needed."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    with pytest.raises(OldSQLite, match=r"3\.37"):
        await Database.open(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_shipped_migrations_are_numbered_without_gaps_and_give_their_reason() -> None:
    """Migration files are 0001, 0002 …, and each opens with why it is there."""
    migrations = shipped()
    assert [m.number for m in migrations] == list(range(1, len(migrations) + 1))
    assert all(m.sql.startswith("-- Reason: ") for m in migrations)


NEXT = Migration(
    number=len(shipped()) + 1,
    name="0099_shelf.sql",
    sql="CREATE TABLE shelf (id INTEGER) STRICT;",
)
BROKEN = Migration(
    number=NEXT.number + 1,
    name="0100_broken.sql",
    sql="CREATE TABLE half (id INTEGER) STRICT; SELECT nonsense;",
)


async def test_a_migration_leaves_a_copy_of_the_database_before_it(tmp_path: Path) -> None:
    """An existing database is copied, complete and as it was, before it is changed."""
    db = await Database.open(tmp_path)
    async with db.transaction() as transaction:
        await transaction.one(ADD, {"name": "a"})
    await db.close()
    db = await Database.open(tmp_path, migrations=(*shipped(), NEXT))
    assert await db.read("SELECT * FROM shelf") == []
    await db.close()
    copy = sqlite3.connect(tmp_path / f"{FILE}.before-{NEXT.number:04}")
    assert copy.execute("SELECT model FROM speeds").fetchall() == [("a",)]
    assert copy.execute("PRAGMA user_version").fetchone() == (NEXT.number - 1,)
    assert copy.execute("SELECT * FROM sqlite_master WHERE name = 'shelf'").fetchall() == []
    copy.close()
    assert names_in(tmp_path) == [FILE, f"{FILE}.before-{NEXT.number:04}", "lock"]


async def test_a_new_database_needs_no_copy(tmp_path: Path) -> None:
    """The first start leaves the database and nothing beside it that looks like a copy."""
    await (await Database.open(tmp_path)).close()
    assert names_in(tmp_path) == [FILE, "lock"]


async def test_a_failing_migration_leaves_nothing_half_made(tmp_path: Path) -> None:
    """The good migration before it stays, the failing one leaves no trace, the next start works."""
    await (await Database.open(tmp_path)).close()
    with pytest.raises(sqlite3.OperationalError):
        await Database.open(tmp_path, migrations=(*shipped(), NEXT, BROKEN))
    db = await Database.open(tmp_path, migrations=(*shipped(), NEXT))
    tables = {row["name"] for row in await db.read("SELECT name FROM sqlite_master")}
    assert "shelf" in tables
    assert "half" not in tables
    await db.close()
