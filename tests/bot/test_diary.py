"""What an operator hears of later: overheard in the log, written down in batches."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from bot.desk.diary import LONGEST, MOST, Diary, Overhearing
from storage.database import Database
from storage.incidents import Incidents, Kind
from storage.people import People

log = structlog.wrap_logger(
    logging.getLogger("tests.diary"),
    processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    wrapper_class=structlog.stdlib.BoundLogger,
)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def diary(db: Database) -> AsyncIterator[Diary]:
    diary = Diary(Incidents(db), secrets=("s3cret",))
    handler = Overhearing(diary)
    logging.getLogger().addHandler(handler)
    yield diary
    logging.getLogger().removeHandler(handler)


async def test_failures_and_trouble_are_overheard(db: Database, diary: Diary) -> None:
    """An error that names a job is its failure; other warnings are trouble; the rest is no news."""
    person = (await People(db).known("web", "ann", "Ann")).id
    try:
        raise RuntimeError("the brush broke\nand more")
    except RuntimeError:
        log.exception("painting failed", job="abc", person=person)
    log.warning("a model cannot be used", model="torn", reason="it is torn")
    logging.getLogger("library").error("lost the %s", "connection")
    log.info("all is well", job="def")
    log.warning("interrupted; it waits again", job="def")
    log.warning("refused while painting", job="ghi", reason="its source is gone")
    await diary.write()
    found = await Incidents(db).latest()
    assert [(each.kind, each.code, each.detail) for each in found] == [
        (Kind.FAILED, "refused while painting", "reason: its source is gone"),
        (Kind.TROUBLE, "interrupted; it waits again", ""),
        (Kind.TROUBLE, "lost the connection", ""),
        (Kind.TROUBLE, "a model cannot be used", "model: torn, reason: it is torn"),
        (Kind.FAILED, "painting failed", "RuntimeError: the brush broke"),
    ]
    assert (found[4].job, found[4].person, found[4].name) == ("abc", person, "Ann")


async def test_secrets_and_long_words_do_not_get_there(db: Database, diary: Diary) -> None:
    """A token in an error is hidden, and an error without end is cut."""
    log.error("refused with s3cret", url="https://x/s3cret/y", why="x" * 10_000)
    await diary.write()
    found = (await Incidents(db).latest())[0]
    assert "s3cret" not in found.code + found.detail
    assert len(found.detail) == LONGEST


async def test_a_flood_costs_little(db: Database, diary: Diary) -> None:
    """The same is counted, and of many different things only so many are kept at once."""
    for _ in range(500):
        log.warning("again")
    for number in range(MOST * 3):
        log.warning(f"different {number}")
    await diary.write()
    found = await Incidents(db).latest(limit=10_000)
    assert len(found) == MOST + 1
    assert sum(each.times for each in found) == 500 + MOST * 3
    assert {each.code: each.times for each in found}["again"] == 500
    await diary.write()
    assert len(await Incidents(db).latest(limit=10_000)) == MOST + 1


async def test_what_cannot_be_written_down_stops_nobody(db: Database, diary: Diary) -> None:
    """With the database closed the note is lost, and nothing else."""
    log.warning("too late")
    await db.close()
    await diary.write()
