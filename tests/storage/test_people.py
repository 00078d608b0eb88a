"""People and places are made when they are first met, and remembered as they were changed."""

from __future__ import annotations

import asyncio
import math

import pytest

from storage.database import Database
from storage.errors import NotFound
from storage.people import People
from storage.places import Places


async def test_a_person_is_the_same_every_time(db: Database) -> None:
    """Platform and id there make the person, also after a restart and all at once."""
    people = People(db)
    met = await asyncio.gather(*(people.known("web", "1", "Ada") for _ in range(5)))
    assert len(set(met)) == 1
    assert await People(db).known("web", "1") == met[0]
    assert (await people.known("discord", "1")).id != met[0].id
    assert await people.get(met[0].id) == met[0]


async def test_a_new_name_is_kept(db: Database) -> None:
    """Who changes their name is called by the new one; a missing name changes nothing."""
    people = People(db)
    ada = await people.known("web", "1", "Ada")
    renamed = await people.known("web", "1", "Countess")
    assert (renamed.id, renamed.name) == (ada.id, "Countess")
    assert await people.known("web", "1") == renamed
    assert await People(db).known("web", "1") == renamed


async def test_defaults_are_kept_and_cleared(db: Database) -> None:
    """The next look finds them, remembered or read again."""
    people = People(db)
    ada = await people.known("web", "1")
    saved = await people.save_defaults(ada.id, '{"steps": 8}')
    assert saved.defaults == '{"steps": 8}'
    assert await people.known("web", "1") == saved == await People(db).known("web", "1")
    await people.save_defaults(ada.id, None)
    assert (await people.known("web", "1")).defaults is None


async def test_a_ban_is_seen_at_once(db: Database) -> None:
    """Until its time, for good, or no longer."""
    people = People(db)
    ada = await people.known("web", "1")
    await people.ban(ada.id, 2e9)
    assert (await people.known("web", "1")).banned_until == 2e9
    await people.ban(ada.id, math.inf)
    assert (await People(db).known("web", "1")).banned_until == math.inf
    await people.unban(ada.id)
    assert (await people.known("web", "1")).banned_until is None


async def test_a_place_is_the_same_every_time(db: Database) -> None:
    """Like a person; and a new name is kept."""
    places = Places(db)
    met = await asyncio.gather(*(places.known("discord", "7", "Café") for _ in range(5)))
    assert len(set(met)) == 1
    assert await Places(db).known("discord", "7") == met[0] == await places.get(met[0].id)
    assert (await places.known("discord", "7", "Bar")).name == "Bar"


async def test_limits_and_pauses_of_a_place_are_kept(db: Database) -> None:
    """The next look finds them, remembered or read again."""
    places = Places(db)
    place = await places.known("discord", "7")
    assert (place.budget, place.place_budget, place.paused) == (None, None, False)
    await places.save_limits(place.id, budget=2.5, place_budget=100)
    changed = await places.pause(place.id)
    assert (changed.budget, changed.place_budget, changed.paused) == (2.5, 100, True)
    assert await places.known("discord", "7") == changed == await Places(db).known("discord", "7")
    await places.save_limits(place.id, budget=None, place_budget=None)
    assert await places.pause(place.id, False) == place


async def test_a_place_keeps_its_rules_under_a_new_name(db: Database) -> None:
    """A group that gets another id stays what it was, also if somebody was there before."""
    places = Places(db)
    group = await places.known("telegram", "-7", "Foxes")
    await places.save_limits(group.id, budget=5.0, place_budget=None)
    early = await places.known("telegram", "-1007")
    for _ in range(2):  # both the old and the new chat tell of it
        moved = await places.rename("telegram", "-7", "-1007")
        assert (moved.id, moved.external, moved.budget) == (group.id, "-1007", 5.0)
    assert (await places.known("telegram", "-1007")).id == group.id
    assert (await places.get(early.id)).external != "-1007"
    late = await places.known("telegram", "-7")  # a press of a button under an old message
    assert late.id not in (group.id, early.id)
    assert (await places.rename("telegram", "-7", "-1007")).id == group.id


async def test_nobody_is_not_found(db: Database) -> None:
    """Unknown numbers are a refusal that says what was looked for."""
    for find, what in ((People(db).get, "person"), (Places(db).get, "place")):
        with pytest.raises(NotFound) as missing:
            await find(99)
        assert missing.value.what == what
    with pytest.raises(NotFound):
        await People(db).save_defaults(99, None)
