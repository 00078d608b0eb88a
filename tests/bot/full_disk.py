"""Fills the disk of a data folder while people wait: run by a test, on a small disk of its own.

`python -m tests.bot.full_disk FOLDER` prints what happened as JSON. Where there is no small disk,
`--pretend` refuses to write instead, as the system would.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.database import FILE, Database
from storage.errors import DiskFull
from storage.files import free_bytes
from tests.bot.desk import Desk, open_desk

RESERVE = "10MB"


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Somebody else has used up the disk to its last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
    assert free_bytes(folder) < 4096
    yield
    ballast.unlink()


@contextmanager
def pretended(_: Path) -> Iterator[None]:
    """Nothing reaches the disk any more."""
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    os.fsync = refuse  # type: ignore[assignment]
    yield
    os.fsync = fsync


async def refused(desk: Desk) -> bool:
    """Whether a new request gets a clear no."""
    try:
        await desk.order("one more")
    except DiskFull:
        return True
    return False


async def start(data: Path, *, pretend: bool) -> str:
    """What a start with no room at all comes to."""
    if pretend:
        return "DiskFull"
    with filled(data):
        try:
            await (await Database.open(data)).close()
        except DiskFull:
            return "DiskFull"
    return "started"


async def live(data: Path, *, pretend: bool) -> dict[str, object]:
    """Three jobs are taken on, the disk fills up while the first is painted, and is emptied."""
    said: dict[str, object] = {}
    async with open_desk(data, disk_reserve=RESERVE) as desk:
        watching = asyncio.create_task(desk.disk.watch(desk.worker.wake))
        before = await desk.outcome(await desk.order("before"))
        desk.painter.hold()
        jobs = [await desk.order(f"fox {number}") for number in range(3)]
        await desk.until(lambda: desk.line.painting is not None)
        with pretended(data) if pretend else filled(data):
            desk.painter.release()
            await desk.until(lambda: desk.disk.full)
            await desk.until(lambda: desk.line.painting is None)
            said["refused"] = await refused(desk)
            states = [(await desk.jobs.by_id(job.id)).state for job in jobs]
            said["open"] = all(not state.final for state in states)
            said["left"] = [p.name for p in (data / "pictures").rglob("*.tmp")]
        said["over"] = [(await desk.outcome(job)).state.value for job in jobs]
        said["before"] = before.state.value
        await desk.until(lambda: len(desk.courier.delivered) >= 4)
        said["delivered"] = sorted(job.id for job, _ in desk.courier.delivered)
        said["used"] = (await desk.studio.usage(await desk.asker())).used
        said["taken_on"] = not await refused(desk)
        watching.cancel()
    said["start"] = await start(data, pretend=pretend)
    with sqlite3.connect(data / FILE) as db:
        said["integrity"] = db.execute("PRAGMA integrity_check").fetchone()[0]
        said["pictures"] = db.execute("SELECT COUNT(*) FROM pictures").fetchone()[0]
    return said


if __name__ == "__main__":
    folder, *options = sys.argv[1:]
    found = asyncio.run(live(Path(folder) / "data", pretend="--pretend" in options))
    print(json.dumps(found))
