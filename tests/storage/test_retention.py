"""What goes for want of room, in which order, and what never does."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.albums import Albums
from storage.database import FILE, Database
from storage.errors import NotFound, TooManyPins
from storage.files import free_bytes
from storage.pictures import PictureRow, Pictures
from storage.prompts import Prompts
from storage.retention import Kept, Retention
from storage.schema import shipped
from tests.storage.house import Clock, House


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.fixture
def pictures(house: House, folder: Path) -> Pictures:
    return Pictures(house.db, folder)


@pytest.fixture
def retention(house: House, pictures: Pictures, folder: Path) -> Retention:
    return Retention(house.db, pictures, folder)


async def stored(
    house: House, pictures: Pictures, *, name: str = "ada", told: bool = True, **beside: Any
) -> PictureRow:
    """A picture whose asker has been told, painted a second after the one before."""
    house.clock.turn(1)
    job = await house.running(name)
    new = await asyncio.to_thread(
        lambda: pictures.write(b"png", index=0, seed=1, width=8, height=8, **beside)
    )
    await house.jobs.finish(job.id, [new])
    if told:
        await house.jobs.mark_delivered(job.id)
    (row,) = await pictures.of_job(job.id)
    return row


def files(folder: Path) -> list[str]:
    return sorted(f.name for f in folder.rglob("*") if f.is_file())


async def test_the_oldest_come_first(
    house: House, pictures: Pictures, retention: Retention
) -> None:
    """In the order in which they were painted, batch after batch."""
    rows = [await stored(house, pictures) for _ in range(5)]
    first = await retention.expendable(limit=2)
    rest = await retention.expendable(first[-1], limit=10)
    assert [each.id for each in (*first, *rest)] == [row.id for row in rows]
    assert await retention.expendable(rest[-1]) == []


async def test_what_is_pinned_stays(house: House, pictures: Pictures, retention: Retention) -> None:
    """Also if it is pinned after it was found; let go, it may go."""
    kept, late, other = [await stored(house, pictures) for _ in range(3)]
    await pictures.pin(kept.id, True, 10)
    found = await retention.expendable()
    assert [each.id for each in found] == [late.id, other.id]
    await pictures.pin(late.id, True, 10)
    assert await retention.let_go(found) == 1
    assert (await pictures.get(late.id)).pinned
    await pictures.pin(late.id, False, 0)
    assert [each.id for each in await retention.expendable()] == [late.id]


async def test_nobody_pins_more_than_allowed(house: House, pictures: Pictures) -> None:
    """A pin too many is refused; one that is there already, or of somebody else, is not."""
    first, second = [await stored(house, pictures) for _ in range(2)]
    other = await stored(house, pictures, name="bob")
    await pictures.pin(first.id, True, 1)
    await pictures.pin(first.id, True, 1)
    await pictures.pin(other.id, True, 1)
    with pytest.raises(TooManyPins) as refused:
        await pictures.pin(second.id, True, 1)
    assert refused.value.limit == 1
    await pictures.delete(first.id)
    assert (await pictures.pin(second.id, True, 1)).pinned
    with pytest.raises(NotFound):
        await pictures.pin(first.id, True, 1)


async def test_nothing_goes_before_its_asker_was_told(
    house: House, pictures: Pictures, retention: Retention
) -> None:
    """However old it is: a chat may have been away for days."""
    row = await stored(house, pictures, told=False)
    assert await retention.expendable() == []
    await house.jobs.mark_delivered(row.job)
    assert [each.id for each in await retention.expendable()] == [row.id]


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_what_an_open_job_starts_from_stays(
    house: House, pictures: Pictures, retention: Retention, state: str
) -> None:
    """Until that job is over, also if it is asked for after the picture was found."""
    row = await stored(house, pictures, latent=b"latent")
    found = await retention.expendable()
    job = await house.enqueue(await house.order(source=f"picture:{row.id}"))
    if state == "running":
        await house.jobs.claim()
    assert await retention.expendable() == []
    assert await retention.let_go(found) == 0
    assert await retention.drop_latents(house.clock() + 1) == 0
    if state == "queued":
        await house.jobs.claim()
    await house.jobs.fail(job.id, "no")
    assert await retention.let_go(found) == 1


async def test_what_goes_takes_its_files_with_it(
    house: House, pictures: Pictures, retention: Retention, folder: Path
) -> None:
    """The picture, its thumbnail and its latents; the rows of jobs and budgets stay."""
    row = await stored(house, pictures, thumbnail=b"webp", latent=b"latent")
    assert len(await asyncio.to_thread(files, folder)) == 3
    assert await retention.let_go(await retention.expendable()) == 1
    assert await asyncio.to_thread(files, folder) == []
    with pytest.raises(NotFound):
        await pictures.get(row.id)
    assert await house.used() == 1.0


async def test_latents_go_after_their_time(
    house: House, pictures: Pictures, retention: Retention, folder: Path
) -> None:
    """Only they; whoever wants them then hears that they are gone."""
    old = await stored(house, pictures, latent=b"old", thumbnail=b"small")
    house.clock.turn(100)
    new = await stored(house, pictures, latent=b"newer")
    assert await pictures.latent(old.id) == b"old"
    found = await retention.old_latents(house.clock() - 50)
    assert (found.pictures, found.bytes) == (1, 3)
    assert await retention.drop_latents(house.clock() - 50) == 1
    assert await retention.drop_latents(house.clock() - 50) == 0
    assert await pictures.latent(new.id) == b"newer"
    with pytest.raises(NotFound) as missing:
        await pictures.latent(old.id)
    assert missing.value.what == "latent"
    assert (await pictures.get(old.id)).latent == 0
    assert len(await asyncio.to_thread(files, folder)) == 4


async def test_a_sweep_knows_what_stands_beside_pictures(
    house: House, pictures: Pictures, folder: Path
) -> None:
    """Thumbnails and latents of stored pictures stay; those that no row knows go."""
    row = await stored(house, pictures, thumbnail=b"small", latent=b"latent")
    bare = await stored(house, pictures)

    def litter() -> None:
        (folder / bare.file).with_suffix(".webp").write_bytes(b"no row knows me")

    await asyncio.to_thread(litter)
    assert await Pictures(house.db, folder).sweep() == 1
    assert pictures.thumbnail_path(row).read_bytes() == b"small"


async def test_a_thumbnail_made_later_counts_and_goes_with_its_picture(
    house: House, pictures: Pictures, retention: Retention, folder: Path
) -> None:
    """As for pictures of an older version; for one that was deleted meanwhile nothing stays."""
    row = await stored(house, pictures)
    await pictures.add_thumbnail(row, b"small")
    assert (await pictures.get(row.id)).thumbnail == 5
    assert (await retention.room()).bytes == 3 + 5
    await pictures.delete(row.id)
    with pytest.raises(NotFound):
        await pictures.add_thumbnail(row, b"late")
    assert await asyncio.to_thread(files, folder) == []


def test_free_room_is_that_of_the_disk(tmp_path: Path) -> None:
    """Also for a folder that is yet to be made."""
    assert free_bytes(tmp_path / "not" / "yet") > 0


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["paint", "delete", "sweep", "latents", "thumb"]), st.integers()),
        max_size=12,
    )
)
def test_the_sum_of_all_room_never_drifts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Whatever happens, it is what the living rows add up to."""
    folder = tmp_path_factory.mktemp("room")

    async def live() -> None:
        clock = Clock()
        db = await Database.open(folder, clock=clock)
        house, pictures = House(db, clock), Pictures(db, folder / "pictures")
        retention = Retention(db, pictures, folder / "pictures")
        living: list[PictureRow] = []
        for what, number in steps:
            if what == "paint":
                living.append(await stored(house, pictures, latent=b"x" * (number % 7)))
            elif what == "delete" and living:
                await pictures.delete(living.pop(number % len(living)).id)
            elif what == "latents":
                await retention.drop_latents(clock() + 1)
            elif what == "thumb" and living:
                await pictures.add_thumbnail(living[number % len(living)], b"y" * (number % 5))
            elif what == "sweep" and living:
                await retention.let_go(await retention.expendable(limit=1))
                living.pop(0)
            (row,) = await db.read(
                "SELECT COUNT(*), COALESCE(SUM(bytes + thumbnail + latent), 0) "
                "FROM pictures WHERE deleted_at IS NULL"
            )
            room = await retention.room()
            assert (room.pictures, room.bytes) == tuple(row)
        await db.close()

    asyncio.run(live())


OLD = """
INSERT INTO people (id, platform, external, name, created_at) VALUES (7, 'web', 'ada', '', 0);
INSERT INTO places (id, platform, external, name, created_at) VALUES (1, 'web', 'page', '', 0);
INSERT INTO jobs (
    id, public, person, place, ask, request, notes, model, width, height, guided, steps, pictures,
    cost, charge, turn, state, created_at, finished_at, delivered_at
) VALUES
(1, 'a', 7, 1, '{}', '{"prompt": "a red fox", "source": null}', '[]', 'm', 8, 8, 0, 1, 1,
    100, 100, 1, 'done', 0, 1, 1),
(2, 'b', 7, 1, '{}', '{"prompt": "a hare", "source": "picture:p1"}', '[]', 'm', 8, 8, 0, 1, 1,
    100, 100, 2, 'queued', 0, NULL, NULL);
INSERT INTO pictures (id, job, nth, seed, file, width, height, bytes, sha256, created_at)
VALUES ('p1', 1, 0, 1, 'p1/p1.png', 8, 8, 300, '', 5), ('p2', 1, 1, 1, 'p2.png', 8, 8, 40, '', 5);
UPDATE pictures SET deleted_at = 6 WHERE id = 'p2';
"""


async def test_what_an_older_version_left_is_known(tmp_path: Path) -> None:
    """Its pictures count, belong to somebody, can be found; what waits keeps what it needs."""
    db = await Database.open(tmp_path, migrations=shipped()[:2])
    await db.close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.executescript(OLD)
    connection.close()
    db = await Database.open(tmp_path)
    pictures, prompts = Pictures(db, tmp_path), Prompts(db)
    retention = Retention(db, pictures, tmp_path)
    assert await retention.room() == Kept(pictures=1, bytes=300)
    assert await retention.expendable() == []
    assert [row.id for row in await Albums(db, prompts).look(7)] == ["p1"]
    assert await db.read("SELECT rowid FROM prompts") == []
    assert await prompts.catch_up()
    assert [row.id for row in await Albums(db, prompts).look(7, search="fo")] == ["p1"]
    await db.close()
