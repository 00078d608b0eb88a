"""Whoever wants to be forgotten is: words, pictures, files go; bare rows stay for the budgets."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path

import pytest
from PIL import Image

from bot.desk.keeping import DAY_S, WINDOW_S
from engine.request import Ask
from storage.database import FILE, Database
from storage.errors import Banned, NotFound
from storage.forgetting import Forgetting
from storage.jobs import JobState
from tests.bot.desk import Desk, open_desk

SECRET = "zanzibar"
"""A word that must stand nowhere afterwards."""


class Clock:
    """The system's time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (48, 32), "red").save(out, "PNG")
    return out.getvalue()


async def words(data: Path) -> list[str]:
    """Every table in which the word still stands."""
    db = await Database.beside(data)
    tables = await db.read("SELECT name FROM sqlite_master WHERE type = 'table'")
    found = []
    for table in tables:
        rows = await db.read(f"SELECT * FROM {table['name']}")
        if any(SECRET in str(tuple(row)) for row in rows):
            found.append(table["name"])
    await db.close()
    return found


async def lived(desk: Desk) -> None:
    """Ann has asked, brought, enlarged, set, reported; bob has asked, too."""
    ann = await desk.studio.asker("test", "ann", place="room", name=f"Ann {SECRET}")
    await desk.studio.save_defaults(ann, Ask(prompt="", negative=SECRET))
    upload = await desk.studio.upload(ann, photo())
    await desk.outcome(await desk.order(f"a {SECRET}", count=2))
    await desk.outcome(await desk.order(f"like this {SECRET}", source=upload, strength=0.5))
    own = (await desk.studio.pictures(ann))[0].picture
    await desk.studio.pin(ann, own.id)
    ticket = await desk.studio.upscale(ann, f"upload:{upload.removeprefix('upload:')}", scale=2)
    await desk.outcome(ticket.job)
    theirs = await desk.outcome(await desk.order("a hare", "bob"))
    await desk.office.report(ann, theirs.public, f"ugly {SECRET}")
    assert await desk.studio.history(ann, search=SECRET)


async def test_nothing_that_was_said_or_made_is_left(tmp_path: Path) -> None:
    """In no table and no file; what others have stays, and so does what was used."""
    async with open_desk(tmp_path) as desk:
        await lived(desk)
        ann, bob = await desk.asker(), await desk.asker("bob")
        used = (await desk.studio.usage(ann)).used
        assert await words(tmp_path)
        gone = await desk.studio.forget(ann)
        assert (gone.jobs, gone.pictures, gone.uploads) == (3, 4, 1)
        await desk.keeper.round()
        assert await words(tmp_path) == []
        assert not list((tmp_path / "sources").iterdir())
        (hare,) = await desk.studio.pictures(bob)
        files = sorted(p.name for p in (tmp_path / "pictures").rglob("*") if p.is_file())
        assert all(name.startswith(hare.picture.id) for name in files)
        assert (await desk.studio.usage(ann)).used == used > 0
        assert await desk.studio.pictures(ann) == []
        assert await desk.studio.history(ann, search="a") == []
        assert await desk.studio.history(ann) == []
        again = await desk.asker()
        assert (again.person.name, again.person.defaults) == ("", None)
        nothing = await desk.studio.forget(ann)
        assert (nothing.pictures, nothing.uploads) == (0, 0)
        assert (await desk.outcome(await desk.order("back again"))).state is JobState.DONE
        assert len(await desk.studio.pictures(ann)) == 1


async def test_what_is_open_is_stopped_first(tmp_path: Path) -> None:
    """What waits, and what is being painted; its chat is told before its place is forgotten."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        desk.painter.hold()
        jobs = [await desk.order(f"{SECRET} {number}") for number in range(3)]
        await desk.until(lambda: desk.line.painting is not None)
        forgetting = asyncio.create_task(desk.studio.forget(ann))
        await desk.until(lambda: desk.line.painting and desk.line.painting.cancelled)
        desk.painter.release()
        assert (await forgetting).jobs == 3
        states = [(await desk.jobs.by_id(job.id)).state for job in jobs]
        assert states == [JobState.CANCELLED] * 3
        assert len(desk.courier.delivered) == 3
        assert await words(tmp_path) == []


async def test_it_is_finished_after_a_death(tmp_path: Path) -> None:
    """Noted down first: whoever starts next goes on from there."""
    async with open_desk(tmp_path) as desk:
        await lived(desk)
        person = (await desk.asker()).person.id
    db = await Database.open(tmp_path)
    await Forgetting(db).ask(person)  # and here the process dies
    await db.close()
    async with open_desk(tmp_path) as desk:
        assert await words(tmp_path)
        assert await desk.farewell.resume() == 1
        await desk.keeper.round()
        assert await words(tmp_path) == []
        assert await desk.farewell.resume() == 0


async def test_bare_rows_go_when_no_budget_counts_them(tmp_path: Path) -> None:
    """Not before; what was asked for since stays, and so does a ban."""
    clock = Clock()
    async with open_desk(tmp_path, clock=clock) as desk:
        await lived(desk)
        ann = await desk.asker()
        await desk.people.ban(ann.person.id, clock() + 30 * DAY_S)
        await desk.studio.forget(ann)
        forgetting = Forgetting(await Database.beside(tmp_path, clock=clock))
        assert await forgetting.expire(clock() - WINDOW_S) == 0
        clock.ahead += WINDOW_S + 60
        assert await forgetting.expire(clock() - WINDOW_S) == 3
        assert await forgetting.expire(clock() - WINDOW_S) == 0
        assert await desk.studio.history(ann) == []
        assert len(await desk.studio.history(await desk.asker("bob"))) == 1
        with pytest.raises(Banned):
            await desk.order("still banned")
        await forgetting._db.close()


async def test_what_was_forgotten_is_not_found_by_others(tmp_path: Path) -> None:
    """Its id leads nowhere, also for those in the same chat and for who starts from it."""
    async with open_desk(tmp_path) as desk:
        job = await desk.outcome(await desk.order("a fox"))
        ann, bob = await desk.asker(), await desk.asker("bob")
        picture = (await desk.studio.pictures(ann))[0].picture
        await desk.studio.forget(ann)
        with pytest.raises(NotFound):
            await desk.studio.picture(bob, picture.id)
        with pytest.raises(NotFound):
            await desk.studio.view(bob, job.public)
    assert (tmp_path / FILE).exists()
