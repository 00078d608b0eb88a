"""The data folder stays within its limits, by itself and by `atelier gc`."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from bot.desk.keeping import DAY_S, Swept
from engine.request import Ask
from engine.thumbnails import SIDE
from storage.database import FILE, Database
from storage.errors import DiskFull, NotFound, NotYours, TooManyPins
from storage.jobs import Job
from tests.bot.desk import Desk, open_desk

ROOT = Path(__file__).parents[2]


class Clock:
    """The system's time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


async def painted(desk: Desk, prompt: str = "a fox", who: str = "ann", **ask: object) -> Job:
    """A job that is done and delivered."""
    job = await desk.outcome(await desk.order(prompt, who, **ask))

    async def told() -> bool:
        return (await desk.jobs.by_id(job.id)).delivered_at is not None

    await desk.until(told)
    return job


async def living(desk: Desk, who: str = "ann") -> list[str]:
    views = await desk.studio.pictures(await desk.asker(who))
    return [view.job.paint.prompt for view in views]


def counts(swept: list[Swept]) -> dict[str, int]:
    return {each.kind: each.count for each in swept}


def photo(width: int = 64, colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, 48), colour).save(out, "PNG")
    return out.getvalue()


async def test_pictures_go_when_they_are_too_old(tmp_path: Path) -> None:
    """But for the pinned; a look without doing tells the same and changes nothing."""
    clock = Clock()
    async with open_desk(tmp_path, clock=clock, keep_days=2, keep_gb=0) as desk:
        ann = await desk.asker()
        for prompt in ("one", "two", "three"):
            await painted(desk, prompt)
        two = (await desk.studio.pictures(ann))[1].picture
        await desk.studio.pin(ann, two.id)
        clock.ahead += 3 * DAY_S
        await painted(desk, "four")
        assert counts(await desk.keeper.tidy(dry=True))["pictures"] == 2
        assert await living(desk) == ["four", "three", "two", "one"]
        assert counts(await desk.keeper.tidy())["pictures"] == 2
        assert await living(desk) == ["four", "two"]
        assert counts(await desk.keeper.tidy())["pictures"] == 0


async def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    """Until the rest fits; what is younger than an hour is not touched for want of room."""
    clock = Clock()
    async with open_desk(tmp_path, clock=clock, keep_gb=1e-9) as desk:  # one byte
        ann = await desk.asker()
        for prompt in ("one", "two"):
            await painted(desk, prompt)
        await desk.studio.pin(ann, (await desk.studio.pictures(ann))[1].picture.id)
        assert counts(await desk.keeper.tidy())["pictures"] == 0
        clock.ahead += 2 * 3600
        await painted(desk, "three")
        assert counts(await desk.keeper.tidy())["pictures"] == 1
        assert await living(desk) == ["three", "one"]


async def test_no_more_goes_than_has_to(tmp_path: Path) -> None:
    """The total is met, not undercut by more than one picture."""
    clock = Clock()
    async with open_desk(tmp_path, clock=clock, keep_gb=0) as desk:
        for number in range(6):
            await painted(desk, f"fox {number}")
        sizes = [
            view.picture.bytes + view.picture.thumbnail + view.picture.latent
            for view in await desk.studio.pictures(await desk.asker())
        ]
    allowed = sum(sizes[:4]) + 1  # newest first
    clock.ahead += 2 * 3600
    async with open_desk(tmp_path, clock=clock, keep_gb=allowed / 1e9) as desk:
        assert counts(await desk.keeper.tidy())["pictures"] == 2
        assert await living(desk) == ["fox 5", "fox 4", "fox 3", "fox 2"]


async def test_uploads_go_when_nobody_used_them_for_long(tmp_path: Path) -> None:
    """Starting from one keeps it; so does bringing it again."""
    clock = Clock()
    async with open_desk(tmp_path, clock=clock, uploads_days=2) as desk:
        ann = await desk.asker()
        used, again, unused = [
            await desk.studio.upload(ann, photo(colour=colour))
            for colour in ("red", "green", "blue")
        ]
        clock.ahead += 1.5 * DAY_S
        await painted(desk, source=used, strength=0.5)
        await desk.studio.upload(ann, photo(colour="green"))
        clock.ahead += 1 * DAY_S
        for file in (tmp_path / "sources").iterdir():
            os.utime(file, (1, 1))
        assert counts(await desk.keeper.tidy())["uploads"] == 1
        left = {path.name for path in (tmp_path / "sources").iterdir()}
        assert left == {name.removeprefix("upload:") for name in (used, again)}
        assert unused.removeprefix("upload:") not in left


async def test_uploads_go_when_they_take_too_much_room(tmp_path: Path) -> None:
    """Those used longest ago; strays from elsewhere when they are a day old."""
    clock = Clock()
    async with open_desk(tmp_path, clock=clock, uploads_gb=1e-9) as desk:
        await desk.studio.upload(await desk.asker(), photo())
        (tmp_path / "sources" / ("0" * 32)).write_bytes(b"stray")
        assert counts(await desk.keeper.tidy())["uploads"] == 0
        for file in (tmp_path / "sources").iterdir():
            os.utime(file, (1, 1))
        clock.ahead += 2 * 3600
        assert counts(await desk.keeper.tidy())["uploads"] == 2
        assert not list((tmp_path / "sources").iterdir())


async def test_compiled_models_stay_within_their_room(tmp_path: Path) -> None:
    """The ones used longest ago go, but none that was used just now."""
    folder = tmp_path / "cache" / "openvino"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"{number}.blob").write_bytes(bytes(1000))
        os.utime(folder / f"{number}.blob", (1000 + number, 1000 + number))
    os.utime(folder / "0.blob")
    async with open_desk(tmp_path, cache_gb=2500e-9) as desk:
        assert counts(await desk.keeper.tidy(dry=True))["cache"] == 3
        assert counts(await desk.keeper.tidy())["cache"] == 3
    assert sorted(path.name for path in folder.iterdir()) == ["0.blob", "4.blob"]


async def test_old_copies_of_the_database_go(tmp_path: Path) -> None:
    """A migration leaves one; after a month it is of no use, and remembers the forgotten."""
    old, new = tmp_path / f"{FILE}.before-0002", tmp_path / f"{FILE}.before-0003"
    for file in (old, new):
        file.write_bytes(b"copy")
    os.utime(old, (1, 1))
    async with open_desk(tmp_path) as desk:
        assert counts(await desk.keeper.tidy())["copies"] == 1
    assert not old.exists()
    assert new.exists()


async def test_the_house_is_kept_without_being_asked(tmp_path: Path) -> None:
    """At the start what a death left behind goes; prompts are indexed; then it goes on."""
    async with open_desk(tmp_path, keep_latents_hours=0) as desk:
        await painted(desk)
    stray = tmp_path / "pictures" / "zz" / "zz0000000000.png"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"nobody knows me")
    async with open_desk(tmp_path, keep_latents_hours=0) as desk:
        keeping = asyncio.create_task(desk.keeper.run())
        await desk.until(lambda: not stray.exists())

        async def indexed() -> bool:
            db = await Database.beside(tmp_path)
            rows = await db.read("SELECT upto FROM searchable")
            await db.close()
            return bool(rows[0]["upto"])

        await desk.until(indexed)
        keeping.cancel()
        assert await living(desk) == ["a fox"]


async def test_a_full_disk_is_no_mistake_of_the_keeper(tmp_path: Path) -> None:
    """It is said in one line without a traceback; it goes on as soon as there is room."""
    async with open_desk(tmp_path) as desk:
        await painted(desk)
        tidied = asyncio.Event()

        async def tidy() -> None:
            tidied.set()
            raise DiskFull(free=0, reserve=0)

        with capture_logs() as lines:
            keeping = asyncio.create_task(desk.keeper._every(0.01, tidy))
            await desk.until(tidied.is_set)
            tidied.clear()
            await desk.until(tidied.is_set)
            keeping.cancel()
    assert {line["log_level"] for line in lines if "house" in line["event"]} == {"warning"}


async def test_thumbnails_are_small_and_made_once(tmp_path: Path) -> None:
    """With the picture; for one of an older version when it is looked at, by many at once."""
    async with open_desk(tmp_path) as desk:
        await painted(desk, width=48, height=32)
        ann = await desk.asker()
        (view,) = await desk.studio.pictures(ann)
        row, path = await desk.studio.thumbnail(ann, view.picture.id)
        with Image.open(path) as image:
            assert (image.format, image.size) == ("WEBP", (48, 32))
        assert row.thumbnail == path.stat().st_size
        path.unlink()
        db = await Database.beside(tmp_path)
        async with db.transaction() as transaction:
            await transaction.one("UPDATE pictures SET thumbnail = 0")
        await db.close()
        paths = await asyncio.gather(
            *(desk.studio.thumbnail(ann, view.picture.id) for _ in range(8))
        )
        assert {path for _, path in paths} == {path}
        assert path.stat().st_size == (await desk.pictures.get(row.id)).thumbnail
        with pytest.raises(NotFound):
            await desk.studio.thumbnail(await desk.asker("bob", "elsewhere"), row.id)
    assert SIDE == 384


async def test_people_pin_what_is_theirs(tmp_path: Path) -> None:
    """So many and no more; those who moderate a chat may let go what is posted there."""
    async with open_desk(tmp_path, pins=1) as desk:
        await painted(desk, count=2)
        ann, bob = await desk.asker(), await desk.asker("bob")
        first, second = [view.picture for view in await desk.studio.pictures(ann)]
        assert (await desk.studio.pin(ann, first.id)).pinned
        with pytest.raises(TooManyPins):
            await desk.studio.pin(ann, second.id)
        with pytest.raises(NotYours):
            await desk.studio.pin(bob, first.id, False)
        pinned = await desk.studio.pictures(ann, pinned=True)
        assert [view.picture.id for view in pinned] == [first.id]
        assert not (await desk.studio.pin(ann, first.id, False)).pinned
        assert await desk.studio.pictures(ann, pinned=True) == []


async def test_history_is_searched_in_ones_own_words(tmp_path: Path) -> None:
    """With what was skipped and a place to go on from, like the whole of it."""
    async with open_desk(tmp_path) as desk:
        for prompt in ("red fox", "blue fox", "red hare"):
            await painted(desk, prompt)
        await painted(desk, "red fox of bob", "bob")
        ann = await desk.asker()

        async def found(**query: object) -> list[str]:
            views = await desk.studio.history(ann, **query)  # type: ignore[arg-type]
            return [view.job.paint.prompt for view in views]

        assert await found(search="fox") == ["blue fox", "red fox"]
        assert await found(search="fox", skip=1) == ["red fox"]
        assert await found(search="re", limit=1) == ["red hare"]
        assert await found(search="re", skip=5) == []
        assert await found(search="  ") == ["red hare", "blue fox", "red fox"]
        assert [v.job.paint.prompt for v in await desk.studio.pictures(ann, search="bl")] == [
            "blue fox"
        ]


def gc(data: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"ATELIER_DATA": str(data)} | settings
    command = [sys.executable, "-m", "bot", "gc", *options]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", timeout=60
    )


async def test_gc_beside_a_running_server(tmp_path: Path) -> None:
    """It tells first, then does; the server goes on, and what it may be writing stays."""
    clock = Clock()
    clock.ahead = -3 * DAY_S
    async with open_desk(tmp_path, clock=clock) as desk:
        await painted(desk, "old")
        clock.ahead = 0
        await painted(desk, "new")
        stray = tmp_path / "pictures" / "zz"
        stray.mkdir()
        (stray / "zz.png").write_bytes(b"being written")
        told = await asyncio.to_thread(gc, tmp_path, "--dry-run", ATELIER_KEEP_DAYS="1")
        assert told.returncode == 0, told.stderr
        assert "would go" in told.stdout
        assert "A server uses this folder" in told.stdout
        assert await living(desk) == ["new", "old"]
        done = await asyncio.to_thread(gc, tmp_path, ATELIER_KEEP_DAYS="1")
        assert done.returncode == 0, done.stderr
        assert await living(desk) == ["new"]
        assert (stray / "zz.png").exists()
        await painted(desk, "newer")
    alone = await asyncio.to_thread(gc, tmp_path)
    assert "files nothing knows" in alone.stdout
    assert not (stray / "zz.png").exists()


def test_gc_without_a_database_is_one_line(tmp_path: Path) -> None:
    """Nothing is made in a folder that is none of ours."""
    done = gc(tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert not list(tmp_path.iterdir())


async def test_gc_leaves_an_older_database_alone(tmp_path: Path) -> None:
    """It says what brings it up to date."""
    from storage.schema import shipped

    await (await Database.open(tmp_path, migrations=shipped()[:2])).close()
    done = await asyncio.to_thread(gc, tmp_path)
    assert done.returncode == 1
    assert "atelier serve" in done.stderr


async def test_a_full_disk_refuses_uploads_and_says_so(tmp_path: Path) -> None:
    """And the page's health tells it, too."""
    from storage.errors import DiskFull

    free = 10**12
    async with open_desk(tmp_path, free=lambda _: free, disk_reserve="20MB") as desk:
        ann = await desk.asker()
        assert not desk.studio.disk_full
        free = 19_999_999
        assert desk.studio.disk_full
        for work in (
            desk.studio.upload(ann, photo()),
            desk.studio.paint(ann, Ask(prompt="a fox")),
        ):
            with pytest.raises(DiskFull):
                await work
