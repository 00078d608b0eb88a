"""Backups are whole, made while everything is in motion, and give everything back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage import backup
from storage.backup import BackupError
from storage.database import Database
from storage.errors import AlreadyRunning, NewerDatabase
from storage.jobs import Jobs
from storage.pictures import Pictures
from tests.storage.house import NOON, Clock, House

ROOT = Path(__file__).parents[2]


async def _painted(folder: Path, count: int = 3) -> list[str]:
    """A data folder with finished jobs in it; the ids of their pictures."""
    db = await Database.open(folder, clock=Clock())
    house, jobs, pictures = House(db, Clock()), Jobs(db), Pictures(db, folder / "pictures")
    ids = []
    for number in range(count):
        await house.running("ada")
        job = await jobs.running()
        assert job is not None
        data = f"picture {number}".encode()
        made = pictures.write(data, index=0, seed=number, width=1, height=1)
        await jobs.finish(job.id, [made])
        ids.append(made.id)
    await db.close()
    (folder / "web-secret").write_bytes(b"secret")
    (folder / "web-secret").chmod(0o600)
    (folder / "cache").mkdir(exist_ok=True)
    (folder / "cache" / "model.blob").write_bytes(b"can be made again")
    return ids


def _content(folder: Path) -> dict[str, bytes]:
    """The files below a folder, but for the database and what runs with it."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith(("atelier.sqlite", "lock", "backup.json"))
    }


async def _pictures(folder: Path) -> dict[str, bytes]:
    """Every picture of a data folder, read as the program reads it."""
    db = await Database.open(folder)
    pictures = Pictures(db, folder / "pictures")
    rows = await db.read("SELECT id FROM pictures WHERE deleted_at IS NULL")
    found = {row["id"]: pictures.path(await pictures.get(row["id"])).read_bytes() for row in rows}
    await db.close()
    return found


async def test_a_backup_gives_everything_back(tmp_path: Path) -> None:
    """Jobs, pictures and secrets, with their rights; what can be made again stays behind."""
    ids = await _painted(tmp_path / "data")
    target, made = backup.make(tmp_path / "data", tmp_path / "backups", now=lambda: NOON)
    assert target.name == "atelier-20270115T080000Z"
    assert (made.jobs, made.pictures, made.linked, made.gone) == (3, 3, 3, 0)
    restored, aside = backup.restore(target, tmp_path / "again")
    assert restored == made
    assert aside is None
    expected = _content(tmp_path / "data")
    del expected["cache/model.blob"]
    assert _content(tmp_path / "again") == expected
    assert (tmp_path / "again" / "web-secret").stat().st_mode & 0o777 == 0o600
    assert set(await _pictures(tmp_path / "again")) == set(ids)


async def test_pictures_are_shared_and_yet_independent(tmp_path: Path) -> None:
    """A link takes no room; deleting the picture in the data folder leaves it in the backup."""
    (first, *_) = await _painted(tmp_path / "data", 1)
    target, _ = backup.make(tmp_path / "data", tmp_path / "backups")
    file = next((tmp_path / "data" / "pictures").rglob("*.png"))
    assert file.stat().st_nlink == 2
    db = await Database.open(tmp_path / "data")
    await Pictures(db, tmp_path / "data" / "pictures").delete(first)
    await db.close()
    assert not file.exists()
    assert backup.verify(target).pictures == 1


async def test_damage_is_found(tmp_path: Path) -> None:
    """A picture changed, cut short or missing, a database changed or broken, no card: each is."""
    await _painted(tmp_path / "data")
    target, _ = backup.make(tmp_path / "data", tmp_path / "backups")
    picture = next((target / "pictures").rglob("*.png"))
    whole = picture.read_bytes()
    for bad in (b"x" * len(whole), whole[:-1]):
        picture.unlink()
        picture.write_bytes(bad)
        with pytest.raises(BackupError, match="is damaged"):
            backup.verify(target)
    picture.unlink()
    with pytest.raises(BackupError, match="is missing"):
        backup.verify(target)
    picture.write_bytes(whole)
    backup.verify(target)
    with closing(sqlite3.connect(target / "atelier.sqlite")) as db, db:
        db.execute("UPDATE jobs SET finished_at = finished_at + 1")
    with pytest.raises(BackupError, match="not the one"):
        backup.verify(target)
    content = bytearray((target / "atelier.sqlite").read_bytes())
    content[8192:12288] = b"\xff" * 4096
    (target / "atelier.sqlite").write_bytes(content)
    with pytest.raises(BackupError, match="damaged"):
        backup.restore(target, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    (target / "backup.json").unlink()
    with pytest.raises(BackupError, match="is no backup"):
        backup.verify(target)


async def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    """A data folder in use or with a database stays; replaced, it is kept aside, whole."""
    await _painted(tmp_path / "data")
    target, _ = backup.make(tmp_path / "data", tmp_path / "backups")
    await _painted(tmp_path / "data", 2)  # it goes on
    with pytest.raises(BackupError, match="--replace"):
        backup.restore(target, tmp_path / "data")
    db = await Database.open(tmp_path / "data")
    with pytest.raises(AlreadyRunning):
        backup.restore(target, tmp_path / "data", replace=True)
    await db.close()
    _, aside = backup.restore(target, tmp_path / "data", replace=True)
    assert aside is not None
    assert len(await _pictures(tmp_path / "data")) == 3
    assert len(await _pictures(aside)) == 5
    assert (tmp_path / "data" / "cache" / "model.blob").exists()
    again, _ = backup.make(tmp_path / "data", tmp_path / "later", now=lambda: NOON)
    assert not (again / aside.name).exists()


async def test_a_restore_that_was_interrupted_can_be_done_again(tmp_path: Path) -> None:
    """Killed between old and new, no server makes an empty database; the next try ends it."""
    await _painted(tmp_path / "data")
    target, _ = backup.make(tmp_path / "data", tmp_path / "backups")
    (tmp_path / "data" / "atelier.sqlite").rename(tmp_path / "elsewhere")
    (tmp_path / "data" / "restoring").mkdir()
    with pytest.raises(backup.Unfinished):
        backup.require_finished(tmp_path / "data")
    backup.restore(target, tmp_path / "data")
    backup.require_finished(tmp_path / "data")
    assert len(await _pictures(tmp_path / "data")) == 3


async def test_a_backup_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """An older program cannot read it and says so, before anything is touched."""
    await _painted(tmp_path / "data")
    target, _ = backup.make(tmp_path / "data", tmp_path / "backups")
    card = json.loads((target / "backup.json").read_text(encoding="utf-8"))
    (target / "backup.json").write_text(json.dumps(card | {"schema": 9999}), encoding="utf-8")
    with pytest.raises(NewerDatabase):
        backup.restore(target, tmp_path / "again")
    assert not (tmp_path / "again").exists()


async def test_old_backups_make_room(tmp_path: Path) -> None:
    """The newest stay, unfinished ones and other people's files are left alone."""
    await _painted(tmp_path / "data", 1)
    into = tmp_path / "backups"
    made = [
        backup.make(tmp_path / "data", into, now=lambda day=day: NOON + 86400 * day)[0]  # type: ignore[misc]
        for day in range(4)
    ]
    (into / "atelier-mine").mkdir()
    assert backup.thin_out(into, 2) == made[:2]
    assert sorted(path.name for path in into.iterdir()) == sorted(
        [made[2].name, made[3].name, "atelier-mine"]
    )


async def test_backups_inside_the_data_folder_are_no_part_of_it(tmp_path: Path) -> None:
    """In `backups` they are left alone by the next one and by a restore; elsewhere they are not."""
    data = tmp_path / "data"
    await _painted(data, 1)
    first, _ = backup.make(data, data / "backups", now=lambda: NOON)
    second, made = backup.make(data, data / "backups", now=lambda: NOON + 1)
    assert not (second / "backups").exists()
    assert made.files == backup.read(first).files
    _, aside = backup.restore(first, data, replace=True)
    assert aside is not None
    assert not (aside / "backups").exists()
    assert backup.verify(second) == made
    with pytest.raises(BackupError, match="backups"):
        backup.make(data, data / "pictures" / "safe")


def test_a_folder_without_a_database_is_no_data_folder(tmp_path: Path) -> None:
    """Nothing is made, not even the database that was looked for."""
    (tmp_path / "data").mkdir()
    with pytest.raises(BackupError, match="no database"):
        backup.make(tmp_path / "data", tmp_path / "backups")
    assert not any((tmp_path / "data").iterdir())
    assert not (tmp_path / "backups").exists()


async def _compared(folder: Path, accepted: list[str]) -> int:
    """A restored folder holds every job accepted before the backup, and is in itself right."""
    db = await Database.open(folder)
    jobs, pictures = Jobs(db), Pictures(db, folder / "pictures")
    (checked,) = (await db.read("PRAGMA integrity_check"))[0]
    assert checked == "ok"
    for public in accepted:
        await jobs.get(public)
    assert await pictures.sweep() == 0, "files that no row knows"
    await jobs.recover(3)
    for row in await db.read("SELECT * FROM jobs"):
        found = await pictures.of_job(row["id"])
        assert len(found) == (row["pictures"] if row["state"] == "done" else 0)
        for each in found:
            assert pictures.path(each).read_bytes() == b"png"
    ((charged,),) = await db.read("SELECT SUM(charge) FROM jobs")
    ((summed,),) = await db.read("SELECT SUM(charge) FROM place_sums")
    assert charged == summed
    ((count,),) = await db.read("SELECT COUNT(*) FROM jobs")
    await db.close()
    return int(count)


@pytest.mark.slow
async def test_backups_under_load_restore_to_something_whole(tmp_path: Path) -> None:
    """While another process orders, paints and cancels as fast as it can, each backup is whole."""
    command = [sys.executable, "-m", "tests.storage.busy_process", str(tmp_path / "data")]
    with subprocess.Popen(  # noqa: ASYNC220 - it starts at once
        command, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
            accepted: list[str] = []
            counts = []
            for number in range(5):
                for _ in range(20):
                    line = await asyncio.to_thread(process.stdout.readline)
                    accepted.append(line.split()[0])
                target, made = await asyncio.to_thread(
                    backup.make,
                    tmp_path / "data",
                    tmp_path / "backups",
                    now=lambda number=number: NOON + number,  # type: ignore[misc]
                )
                backup.restore(target, tmp_path / f"restored-{number}")
                counts.append(await _compared(tmp_path / f"restored-{number}", accepted))
                assert counts[-1] == made.jobs
            assert counts == sorted(counts)
            assert process.poll() is None
        finally:
            process.kill()
