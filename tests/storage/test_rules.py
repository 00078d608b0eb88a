"""The rules of a place, the small facts, and the record of who did what."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.audit import Audit
from storage.database import Database
from storage.facts import Facts
from storage.places import HouseRules, Places
from tests.storage.house import NOON, House

FULL = HouseRules(
    channels=frozenset({"1", "2"}),
    roles=frozenset({"3"}),
    models=frozenset({"starter"}),
    model="starter",
    style="poster",
    negative="fog, ähm",
    words=("gore", "/a+/"),
    log_channel="9",
    role_budgets={"3": 50.0, "4": 5.5},
    role_waiting={"3": 2},
)


def test_rules_are_read_as_they_were_written() -> None:
    """All of them, or none; what a newer version wrote besides is passed over."""
    assert HouseRules.from_json(FULL.to_json()) == FULL
    assert HouseRules().to_json() == "{}"
    assert HouseRules.from_json('{"style": "poster", "later": 1}') == HouseRules(style="poster")


@pytest.mark.parametrize(
    ("roles", "budget", "waiting"),
    [((), None, None), (("5",), None, None), (("4", "5"), 5.5, None), (("4", "3"), 50.0, 2)],
)
def test_the_most_generous_role_counts(
    roles: tuple[str, ...], budget: float | None, waiting: int | None
) -> None:
    """Roles that name no number do not take any away."""
    assert (FULL.budget(roles), FULL.waiting(roles)) == (budget, waiting)


async def test_rules_of_a_place_are_kept_and_leave_its_budgets_alone(db: Database) -> None:
    """The next look finds them, remembered or read again."""
    places = Places(db)
    place = await places.known("discord", "7")
    assert place.rules == HouseRules()
    await places.save_limits(place.id, budget=2, place_budget=None)
    saved = await places.save_rules(place.id, FULL)
    assert (saved.rules, saved.budget) == (FULL, 2)
    assert await places.known("discord", "7") == saved == await Places(db).known("discord", "7")


async def test_facts_outlive_a_restart(tmp_path: Path) -> None:
    """The last value of a name is kept."""
    db = await Database.open(tmp_path)
    facts = Facts(db)
    assert await facts.get("commands") is None
    for value in ("one", "two"):
        await facts.put("commands", value)
    await db.close()
    db = await Database.open(tmp_path)
    assert await Facts(db).get("commands") == "two"
    await db.close()


async def test_the_audit_tells_who_did_what_newest_first(db: Database, house: House) -> None:
    """Per place or of all; under the name that the person has now."""
    audit = Audit(db)
    ada = await house.people.known("web", "ada", "Ada")
    one, two = [(await house.places.known("web", place)).id for place in ("one", "two")]
    await audit.add(place=one, person=ada.id, action="pause")
    await audit.add(place=two, person=ada.id, action="ban", subject="bob", detail="spam")
    await audit.add(place=None, person=ada.id, action="ban", subject="eve")
    await audit.add(place=one, person=ada.id, action="resume")
    assert [entry.action for entry in await audit.latest(one)] == ["resume", "pause"]
    (entry,) = await audit.latest(two)
    assert (entry.name, entry.subject, entry.detail, entry.at) == ("Ada", "bob", "spam", NOON)
    assert [entry.place for entry in await audit.latest(None, 3)] == [one, None, two]
