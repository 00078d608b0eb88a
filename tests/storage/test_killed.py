"""After kill -9 in the middle of everything, every accepted job and credit is accounted for."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from storage.database import Database
from storage.jobs import Jobs
from storage.pictures import Pictures

ROOT = Path(__file__).parents[2]


def run_and_kill(folder: Path, seconds: float) -> list[str]:
    """What a busy process said before it was killed, `seconds` after it was ready."""
    command = [sys.executable, "-m", "tests.storage.busy_process", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        said = process.stdout.read()
        assert process.wait() == -9
    whole, _, _ = said.rpartition("\n")
    return whole.splitlines()


def files(folder: Path) -> set[str]:
    return {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()}


async def balance(folder: Path, accepted: dict[tuple[str, str], str]) -> None:
    """Everything that must hold after a death, before and after recovery."""
    db = await Database.open(folder)
    jobs, pictures = Jobs(db), Pictures(db, folder / "pictures")
    (checked,) = (await db.read("PRAGMA integrity_check"))[0]
    assert checked == "ok"
    for public in accepted.values():
        await jobs.get(public)
    await pictures.sweep()
    await jobs.recover(3)
    assert await jobs.running() is None
    known = set()
    for row in await db.read("SELECT * FROM jobs"):
        rows = await pictures.of_job(row["id"])
        known |= {picture.file for picture in rows}
        assert len(rows) == (row["pictures"] if row["state"] == "done" else 0)
        if row["state"] == "failed":
            assert row["charge"] == 0
    assert await asyncio.to_thread(files, folder / "pictures") == known
    sums = "SELECT COUNT(*), COUNT(DISTINCT person || ' ' || key), SUM(charge) FROM jobs"
    ((count, keys, charged),) = await db.read(sums)
    assert count == keys
    ((summed,),) = await db.read("SELECT SUM(charge) FROM place_sums")
    assert summed == charged
    await db.close()


async def kill_repeatedly(folder: Path, times: int) -> None:
    accepted: dict[tuple[str, str], str] = {}
    for _ in range(times):
        for line in await asyncio.to_thread(run_and_kill, folder, random.uniform(0.02, 0.4)):
            public, person, key = line.split()
            assert accepted.setdefault((person, key), public) == public
        await balance(folder, accepted)
    assert accepted


async def test_nothing_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    """Accepted jobs are there, keys made one job each, no picture is missing or left over."""
    await kill_repeatedly(tmp_path, 4)


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_by_many_kills(tmp_path: Path) -> None:
    """The same, a dozen times on the same data."""
    await kill_repeatedly(tmp_path, 12)
