"""Picture files are written whole or not at all, belong to rows, and go when they are deleted."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import NotFound
from storage.files import write_whole
from storage.ids import ALPHABET, random_id
from storage.pictures import NewPicture, PictureRow, Pictures
from storage.sources import Sources
from tests.storage.house import House


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.fixture
def pictures(house: House, folder: Path) -> Pictures:
    return Pictures(house.db, folder)


def write(pictures: Pictures, data: bytes = b"png", index: int = 0) -> NewPicture:
    return pictures.write(data, index=index, seed=7 + index, width=256, height=192)


def files(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


async def stored(house: House, pictures: Pictures, data: bytes = b"png") -> PictureRow:
    job = await house.running()
    await house.jobs.finish(job.id, [await asyncio.to_thread(write, pictures, data)])
    (row,) = await pictures.of_job(job.id)
    return row


def test_ids_are_random_and_easy_to_read() -> None:
    """Twelve characters without i, l, o and u; no two alike."""
    ids = {random_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 12 and set(one) <= set(ALPHABET) for one in ids)
    assert not set(ALPHABET) & set("ilou")


def test_a_written_picture_is_a_whole_file(pictures: Pictures, folder: Path) -> None:
    """The bytes are there under their own name, nothing else is, and the facts are right."""
    new = write(pictures, b"some png")
    assert files(folder) == [new.file]
    assert (folder / new.file).read_bytes() == b"some png"
    assert (new.bytes, new.sha256) == (8, hashlib.sha256(b"some png").hexdigest())
    assert (new.index, new.seed, new.width, new.height) == (0, 7, 256, 192)


def test_a_write_that_fails_leaves_nothing(folder: Path) -> None:
    """Neither half a file nor a temporary one stays behind."""
    with pytest.raises(TypeError):
        write_whole(folder / "ab" / "abc.png", "not bytes")  # type: ignore[arg-type]
    assert files(folder) == []


def test_discarded_pictures_are_gone(pictures: Pictures, folder: Path) -> None:
    """Files of a job that was cancelled meanwhile are removed, twice without harm."""
    new = write(pictures)
    pictures.discard([new])
    pictures.discard([new])
    assert files(folder) == []


async def test_a_stored_picture_is_found_with_its_owner_and_place(
    house: House, pictures: Pictures
) -> None:
    """Who asked is told about whoever wants to see it; the id itself grants nothing."""
    row = await stored(house, pictures, b"data")
    assert await pictures.get(row.id) == row
    job = await house.jobs.by_id(row.job)
    assert (row.person, row.place, row.created_at) == (job.person, job.place, house.clock())
    assert await asyncio.to_thread(pictures.path(row).read_bytes) == b"data"


async def test_a_deleted_picture_is_gone_and_its_job_stays(
    house: House, pictures: Pictures, folder: Path
) -> None:
    """The file is removed, the id is not found any more, what it cost stays."""
    row = await stored(house, pictures)
    await pictures.delete(row.id)
    assert await asyncio.to_thread(files, folder) == []
    assert await pictures.of_job(row.job) == []
    for again in (pictures.get, pictures.delete):
        with pytest.raises(NotFound) as missing:
            await again(row.id)
        assert missing.value.what == "picture"
    assert (await house.jobs.by_id(row.job)).state == "done"
    assert await house.used() == 1.0


async def test_an_unknown_picture_is_not_found(pictures: Pictures) -> None:
    """Whatever is given as an id."""
    with pytest.raises(NotFound):
        await pictures.get("../../etc/passwd")


async def test_sweeping_removes_what_a_death_left_behind(
    house: House, pictures: Pictures, folder: Path
) -> None:
    """Files without a row, half-written ones, and deleted ones go; stored pictures stay."""
    kept = [await stored(house, pictures) for _ in range(3)]
    gone = await stored(house, pictures)
    await pictures.delete(gone.id)

    def litter() -> None:
        write(Pictures(house.db, folder))
        (folder / kept[0].file).with_suffix(".png.tmp").write_bytes(b"half")
        (folder / gone.file).write_bytes(b"deleted before its file was")
        write_whole(folder / "~~" / "stranger", b"")

    await asyncio.to_thread(litter)
    assert await Pictures(house.db, folder).sweep() == 4
    assert await asyncio.to_thread(files, folder) == sorted(row.file for row in kept)


async def test_sweeping_leaves_alone_what_is_written_meanwhile(
    pictures: Pictures, folder: Path
) -> None:
    """A picture of this process that has no row yet is not an orphan."""
    new = await asyncio.to_thread(write, pictures)
    assert await pictures.sweep() == 0
    assert await asyncio.to_thread(files, folder) == [new.file]


async def test_sweeping_before_the_first_picture_finds_nothing(pictures: Pictures) -> None:
    """The folder need not exist."""
    assert await pictures.sweep() == 0


def test_a_source_is_kept_once_and_read_back(db: Database, tmp_path: Path) -> None:
    """The same bytes have the same id, different bytes another."""
    sources = Sources(db, tmp_path / "sources")
    first = sources.write(b"photo")
    assert sources.write(b"photo") == first
    assert sources.write(b"other") != first
    assert sources.read(first) == b"photo"
    assert len(files(tmp_path / "sources")) == 2


@pytest.mark.parametrize("name", ["0" * 32, "", "../lock", "A" * 32, "0" * 31 + "\n"])
def test_an_unknown_source_is_not_found(db: Database, tmp_path: Path, name: str) -> None:
    """Also a name that would lead somewhere else."""
    with pytest.raises(NotFound) as missing:
        Sources(db, tmp_path).read(name)
    assert missing.value.what == "source"
