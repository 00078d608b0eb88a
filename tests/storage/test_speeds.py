"""The estimate of waiting comes from what this machine was seen to do."""

from __future__ import annotations

import pytest

from storage.database import Database
from storage.speeds import MOST_SIZES, WEIGHT, Speeds


async def test_nothing_is_estimated_before_anything_was_painted(db: Database) -> None:
    """No number is better than an invented one; another model says nothing about this one."""
    speeds = Speeds(db)
    assert await speeds.estimate("starter", 256, 256, False, 4, 1) is None
    await speeds.learn("other", 256, 256, False, 1.0, 1.0)
    assert await speeds.estimate("starter", 256, 256, False, 4, 1) is None


async def test_an_estimate_counts_steps_and_pictures(db: Database) -> None:
    """Steps per picture, the rest once per picture."""
    speeds = Speeds(db)
    await speeds.learn("starter", 256, 256, False, 0.5, 1.0)
    assert await speeds.estimate("starter", 256, 256, False, 4, 3) == pytest.approx(9.0)


async def test_newer_paintings_count_more(db: Database) -> None:
    """A machine that became slower is believed after a few pictures, also after a restart."""
    speeds = Speeds(db)
    await speeds.learn("starter", 256, 256, False, 1.0, 0.0)
    await speeds.learn("starter", 256, 256, False, 2.0, 0.0)
    assert await speeds.estimate("starter", 256, 256, False, 1, 1) == pytest.approx(1.3)
    for _ in range(20):
        await speeds.learn("starter", 256, 256, False, 2.0, 0.0)
    for known in (speeds, Speeds(db)):
        assert await known.estimate("starter", 256, 256, False, 1, 1) == pytest.approx(2, abs=0.01)


async def test_a_new_size_is_judged_by_the_nearest_one(db: Database) -> None:
    """Four times the area takes four times as long, guidance twice a step, until it is known."""
    speeds = Speeds(db)
    await speeds.learn("starter", 256, 256, False, 1.0, 1.0)
    assert await speeds.estimate("starter", 512, 512, False, 2, 1) == pytest.approx(12.0)
    assert await speeds.estimate("starter", 256, 256, True, 2, 1) == pytest.approx(5.0)
    await speeds.learn("starter", 512, 512, False, 3.0, 1.0)
    assert await speeds.estimate("starter", 512, 512, False, 2, 1) == pytest.approx(7.0)


async def test_whatever_sizes_people_bring_along_only_so_many_are_told_apart(db: Database) -> None:
    """Beyond them the nearest size learns; what is known grows no more, and neither does a look."""
    speeds = Speeds(db)
    for side in range(1, MOST_SIZES + 1):
        await speeds.learn("crisp-2", 10 * side, 10, False, float(side), 0.0)
    await speeds.learn("crisp-2", 10 * MOST_SIZES, 20, False, 4.0 * MOST_SIZES, 0.0)
    (row,) = await db.read("SELECT COUNT(*) AS many FROM speeds")
    assert row["many"] == MOST_SIZES
    for known in (speeds, Speeds(db)):  # twice the time for that area, which counts by WEIGHT
        found = await known.estimate("crisp-2", 10 * MOST_SIZES, 10, False, 1, 1)
        assert found == pytest.approx(MOST_SIZES * (1 + WEIGHT))
    await speeds.learn("other", 64, 64, False, 1.0, 0.0)
    assert await speeds.estimate("other", 64, 64, False, 1, 1) == pytest.approx(1.0)
