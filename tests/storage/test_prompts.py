"""One's own prompts are found by their words, newest first, and nobody else's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.albums import Albums
from storage.prompts import BATCH, MOST_BATCHES, Prompts, match
from tests.storage.house import House, pictures_of


async def asked(house: House, *prompts: str, name: str = "ada") -> int:
    """These jobs of somebody, done; who that is."""
    for prompt in prompts:
        await house.enqueue(await house.order(name, prompt=prompt))
        job = await house.jobs.claim()
        assert job is not None
        await house.jobs.finish(job.id, pictures_of(job))
    return (await house.people.known("web", name)).id


async def found(house: House, person: int, search: str, **more: int) -> list[str]:
    jobs = await Prompts(house.db).find(person, search, **more)
    return [job.paint.prompt for job in jobs]


@pytest.mark.parametrize(
    ("search", "prompts"),
    [
        ("fox", ["a fox, and a hare", "A Red Fox"]),
        ("FOX red", ["A Red Fox"]),
        ("fo", ["a fox, and a hare", "A Red Fox"]),
        ("f", ["a fox, and a hare", "A Red Fox"]),
        ("ox", []),
        ("fox wolf", []),
        ("café", ["a cafe at night"]),
        ("CAFÉ night", ["a cafe at night"]),
        ("fox-hare", ["a fox, and a hare"]),
        ("狐", ["夜の狐の絵"]),
        ("狐の", ["夜の狐の絵"]),
        ("の狐", ["夜の狐の絵"]),
        ("狐夜", []),
        ("สุนัข", ["ภาพสุนัขสีแดง"]),
        ("!!", []),
        ('"', []),
        ("fox OR cafe", []),
        ("NEAR(fox hare)", []),
        ("who:p1", []),
        ("words : fox", []),
        ("fox*", ["a fox, and a hare", "A Red Fox"]),
    ],
)
async def test_words_are_found(house: House, search: str, prompts: list[str]) -> None:
    """All of them, as beginnings, whatever their case and accents; nothing is an operator."""
    everything = ("A Red Fox", "a fox, and a hare", "a cafe at night", "夜の狐の絵", "ภาพสุนัขสีแดง")
    person = await asked(house, *everything)
    assert await found(house, person, search) == prompts


@given(search=st.text(max_size=30))
def test_no_search_is_an_error(search: str) -> None:
    """Whatever is typed makes a query that the index understands, or none."""
    import sqlite3

    query = match(1, search)
    if query is None:
        return
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE prompts USING fts5 (words, tokenize = 'ascii')")
    db.execute("SELECT rowid FROM prompts WHERE prompts MATCH ?", (query,)).fetchall()
    db.close()


async def test_nobody_finds_what_others_asked_for(house: House) -> None:
    """The same words, two people; also of one whose number begins like the other's."""
    people = [await asked(house, f"fox of {n}", name=f"n{n}") for n in range(11)]
    assert {1, 10, 11} <= set(people)
    for number, person in enumerate(people):
        assert await found(house, person, "fox") == [f"fox of {number}"]


async def test_pages_follow_each_other(house: House) -> None:
    """Newest first; each page goes on below the last one seen."""
    person = await asked(house, *(f"fox {number}" for number in range(7)))
    prompts = Prompts(house.db)
    seen: list[str] = []
    before = None
    while page := await prompts.find(person, "fox", before=before, limit=3):
        seen += [job.paint.prompt for job in page]
        before = page[-1].id
    assert seen == [f"fox {number}" for number in reversed(range(7))]


async def test_what_was_asked_a_moment_ago_is_found(house: House) -> None:
    """The index is brought up to date before a search, also if much is missing."""
    person = await asked(house, "first")
    assert await found(house, person, "first") == ["first"]
    await house.enqueue(await house.order(prompt="second"))
    assert await found(house, person, "second") == ["second"]


async def test_indexing_goes_on_batch_after_batch(house: House) -> None:
    """As far as it is asked to, and says whether that was all."""
    await asked(house, "zero")
    async with house.db.transaction() as transaction:
        await transaction.one(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
            "INSERT INTO jobs (id, public, person, place, ask, request, notes, model, width, "
            "height, guided, steps, pictures, cost, charge, turn, state, created_at, finished_at) "
            "SELECT i, 'j' || i, 1, 1, '{}', json_object('prompt', 'fox ' || i), '[]', 'm', 8, 8, "
            "0, 1, 1, 1, 0, 1, 'cancelled', 0, 0 FROM n",
            {"last": 2 * BATCH + 10},
        )
    prompts = Prompts(house.db)
    assert not await prompts.catch_up(2)
    assert await prompts.catch_up(2)
    rows = await house.db.read("SELECT COUNT(*) AS rows FROM prompts WHERE words LIKE '1·fox%'")
    assert rows[0]["rows"] == 2 * BATCH + 9
    assert MOST_BATCHES > 2


async def test_a_deleted_job_is_not_found(house: House) -> None:
    """Its words leave the index with it."""
    person = await asked(house, "a fox")
    assert await found(house, person, "fox") == ["a fox"]
    async with house.db.transaction() as transaction:
        await transaction.one("DELETE FROM pictures")
        await transaction.one("DELETE FROM jobs")
    rows = await house.db.read("SELECT COUNT(*) AS rows FROM prompts")
    assert rows[0]["rows"] == 0


async def test_an_album_shows_the_newest_job_first_and_its_pictures_in_order(
    house: House,
) -> None:
    """Page after page, whatever was deleted in between, without what others have."""
    person = await asked(house, "fox one")
    await house.enqueue(await house.order(prompt="fox two", count=3))
    job = await house.jobs.claim()
    assert job is not None
    await house.jobs.finish(job.id, pictures_of(job))
    await asked(house, "fox three")
    await asked(house, "fox of bob", name="bob")
    albums = Albums(house.db, Prompts(house.db))

    async def walk(search: str | None, limit: int) -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []
        before = None
        while page := await albums.look(person, search=search, before=before, limit=limit):
            assert len(page) <= limit
            seen += [(row.job, row.index) for row in page]
            before = page[-1].id
        return seen

    everything = [(3, 0), (2, 0), (2, 1), (2, 2), (1, 0)]
    for limit in (1, 2, 3, 10):
        assert await walk(None, limit) == everything
        assert await walk("fox", limit) == everything
    assert await walk("two", 2) == everything[1:4]
    assert await walk("bob", 2) == []
    assert await walk(" ", 10) == everything
    async with house.db.transaction() as transaction:
        await transaction.one(
            "UPDATE pictures SET deleted_at = 1 WHERE (job, nth) IN (VALUES (2, 1), (1, 0))"
        )
    for search in (None, "fo"):
        assert await walk(search, 2) == [(3, 0), (2, 0), (2, 2)]


async def test_an_album_shows_the_pinned_alone(house: House) -> None:
    """Searched or not; a picture that was never there is like none given."""
    person = await asked(house, "fox one", "hare", "fox two")
    async with house.db.transaction() as transaction:
        await transaction.one("UPDATE pictures SET pinned = 1 WHERE job IN (1, 2)")
    albums = Albums(house.db, Prompts(house.db))
    assert [row.job for row in await albums.look(person, pinned=True)] == [2, 1]
    assert [row.job for row in await albums.look(person, pinned=True, search="fox")] == [1]
    assert [row.job for row in await albums.look(person, before="nothing")] == [3, 2, 1]
    assert await albums.look(999, search="fox") == []
