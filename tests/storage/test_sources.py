"""What people bring along is kept as long as somebody may need it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from storage.errors import NotFound, TooManyUploads
from storage.sources import Sources
from tests.storage.house import HOUR, House


@pytest.fixture
def sources(house: House, tmp_path: Path) -> Sources:
    return Sources(house.db, tmp_path / "sources")


async def brought(house: House, sources: Sources, data: bytes, name: str = "ada") -> str:
    house.clock.turn(1)
    source_id = await asyncio.to_thread(sources.write, data)
    person = await house.people.known("web", name)
    await sources.brought(source_id, person.id, len(data))
    return source_id


def age(folder: Path, seconds: float = 10_000) -> None:
    """Make the files look so old."""
    for file in folder.iterdir():
        then = file.stat().st_mtime - seconds
        os.utime(file, (then, then))


async def test_the_longest_unused_come_first(house: House, sources: Sources) -> None:
    """Using one keeps it for longer."""
    ids = [await brought(house, sources, bytes([n])) for n in range(3)]
    house.clock.turn(1)
    await sources.used(ids[0])
    assert [each.id for each in await sources.unused()] == [ids[1], ids[2], ids[0]]
    assert await sources.room() == 3


async def test_what_an_open_job_needs_is_not_unused(
    house: House, sources: Sources, tmp_path: Path
) -> None:
    """Neither in the list, nor swept if the job came in between."""
    source = await brought(house, sources, b"photo")
    found = await sources.unused()
    job = await house.enqueue(await house.order(source=f"upload:{source}"))
    assert await sources.unused() == []
    age(tmp_path / "sources")
    await sources.let_go(found)
    assert sources.read(source) == b"photo"
    await house.jobs.cancel(job.id)
    await sources.let_go(await sources.unused())
    with pytest.raises(NotFound):
        sources.read(source)
    assert await sources.room() == 0


async def test_what_is_used_meanwhile_stays(house: House, sources: Sources, tmp_path: Path) -> None:
    """Somebody starts from it between the look and the sweep."""
    source = await brought(house, sources, b"photo")
    found = await sources.unused()
    age(tmp_path / "sources")
    house.clock.turn(1)
    await sources.used(source)
    await sources.let_go(found)
    assert sources.read(source) == b"photo"


async def test_the_same_bytes_stay_until_nobody_has_them(
    house: House, sources: Sources, tmp_path: Path
) -> None:
    """Two people brought one file; it takes its room once, and goes with the second."""
    source = await brought(house, sources, b"photo")
    assert await brought(house, sources, b"photo", "bob") == source
    assert await sources.room() == 5
    ada, bob = [await house.people.known("web", name) for name in ("ada", "bob")]
    assert await sources.forget(ada.id) == 1
    assert sources.read(source) == b"photo"
    assert await sources.forget(bob.id) == 1
    with pytest.raises(NotFound):
        sources.read(source)


async def test_a_fresh_file_waits_for_its_row(
    house: House, sources: Sources, tmp_path: Path
) -> None:
    """Somebody brings the same bytes again while the old row is swept: the file stays."""
    source = await brought(house, sources, b"photo")
    found = await sources.unused()
    age(tmp_path / "sources")
    await asyncio.to_thread(sources.write, b"photo")
    await sources.let_go(found)
    assert sources.read(source) == b"photo"


async def test_files_without_a_row_are_found_when_they_are_old(
    house: House, sources: Sources, tmp_path: Path
) -> None:
    """From a death between file and row, or from a version that had no rows."""
    known = await brought(house, sources, b"known")
    stray = await asyncio.to_thread(sources.write, b"stray")
    assert await sources.orphans(older_than_s=100) == []
    age(tmp_path / "sources")
    assert [path.name for path in await sources.orphans(older_than_s=100)] == [stray]
    assert known != stray


async def test_one_person_brings_so_much_within_an_hour(house: House, tmp_path: Path) -> None:
    """Then the next is taken when the hour of the first is over; others are not held up."""
    sources = Sources(house.db, tmp_path / "sources", most_bytes=6)
    ada = (await house.people.known("web", "ada")).id
    for data in (b"one", b"two"):
        await sources.check(ada)
        await brought(house, sources, data)
    bob = (await house.people.known("web", "bob")).id
    with pytest.raises(TooManyUploads) as refused:
        await sources.check(ada)
    assert refused.value.again_at == house.clock.time - 1 + HOUR
    await sources.check(bob)
    house.clock.turn(HOUR - 1)
    await sources.check(ada)
