"""The keys of programs: recognized by their text alone, told once, taken back for good."""

from __future__ import annotations

from pathlib import Path

from storage.database import FILE, Database
from storage.jobs import Jobs
from storage.keys import PLATFORM, Keys
from storage.ledger import Rules
from storage.people import People
from tests.storage.house import Clock

RULES = Rules(budget=50, waiting_per_person=5, queue_limit=100)


async def test_a_key_is_found_by_its_text_and_by_nothing_like_it(tmp_path: Path) -> None:
    """Another secret, a cut one, another id, a revoked key: nobody."""
    db = await Database.open(tmp_path)
    keys = Keys(db)
    made = await keys.add("blog")
    assert made is not None
    key, text = made
    found = await keys.find(text)
    assert found is not None
    assert (found.public, found.name) == (key.public, "blog")
    other = "b" if text[-1] == "a" else "a"
    for wrong in (text[:-1], text[:-1] + other, text.upper(), "", "sk-atelier-", f"{text} ", "é"):
        assert await keys.find(wrong) is None
    another = await keys.add("another")
    assert another is not None
    mixed = another[1].replace(another[0].public, key.public)
    assert await keys.find(mixed) is None
    await db.close()


async def test_only_a_hash_is_kept(tmp_path: Path) -> None:
    """Whoever reads the database file learns no key."""
    db = await Database.open(tmp_path)
    made = await Keys(db, new_secret=lambda: "correct-horse-battery-staple").add("blog")
    assert made is not None and made[1].endswith("correct-horse-battery-staple")
    await db.close()
    assert b"horse" not in (tmp_path / FILE).read_bytes()


async def test_a_name_is_free_again_once_its_key_is_revoked(tmp_path: Path) -> None:
    """Two keys in use never share a name; the old one is nobody from then on, the new one is."""
    db = await Database.open(tmp_path)
    keys = Keys(db)
    first = await keys.add("blog")
    assert first is not None
    assert await keys.add("blog") is None
    assert [row["n"] for row in await db.read("SELECT COUNT(*) AS n FROM people")] == [1]
    assert await keys.revoke("nobody") is None
    revoked = await keys.revoke("blog")
    assert revoked is not None and revoked.revoked_at is not None
    assert await keys.revoke(first[0].public) is None
    second = await keys.add("blog")
    assert second is not None
    assert await keys.find(first[1]) is None
    assert await keys.find(second[1]) is not None
    assert [key.public for key in await keys.all()] == [first[0].public, second[0].public]
    await db.close()


async def test_a_budget_of_its_own_is_that_of_its_person(tmp_path: Path) -> None:
    """Without one, a key has what everybody has."""
    db = await Database.open(tmp_path)
    keys, people, jobs = Keys(db), People(db), Jobs(db)
    for name, budget, expected in (("rich", 500.0, 500.0), ("plain", None, 50.0)):
        made = await keys.add(name, budget)
        assert made is not None
        person = await people.known(PLATFORM, made[0].public)
        assert person.id == made[0].person
        assert (await jobs.usage(person.id, RULES)).budget == expected
    assert [key.budget for key in await keys.all()] == [500.0, None]
    await db.close()


async def test_when_it_was_used_last_is_known_to_the_minute(tmp_path: Path) -> None:
    """Not every request writes; a listing still says whether a key is in use at all."""
    clock = Clock()
    db = await Database.open(tmp_path, clock=clock)
    keys = Keys(db)
    made = await keys.add("blog")
    assert made is not None
    assert (await keys.all())[0].used_at is None
    for _ in range(3):
        clock.turn(40)
        await keys.find(made[1])
        used = (await keys.all())[0].used_at
        assert used is not None and clock() - used <= 60
    await db.close()
