"""What every test of the storage starts from: a real database in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.storage.house import Clock, House


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def db(tmp_path: Path, clock: Clock) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "data", clock=clock)
    yield database
    await database.close()


@pytest.fixture
def house(db: Database, clock: Clock) -> House:
    return House(db, clock)
