"""Every statement is served by an index made for it: none gets slow as the tables grow."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest

from storage import (
    albums,
    audit,
    crowd,
    facts,
    forgetting,
    hours,
    incidents,
    keys,
    members,
    people,
    pictures,
    places,
    prompts,
    retention,
    sources,
    statements,
)
from storage.schema import shipped

MODULES = (
    statements,
    people,
    places,
    pictures,
    members,
    facts,
    audit,
    albums,
    forgetting,
    prompts,
    retention,
    sources,
    keys,
    hours,
    incidents,
    crowd,
)
ALL = {
    f"{module.__name__}.{name}": sql
    for module in MODULES
    for name, sql in vars(module).items()
    if name.isupper() and not name.startswith("_") and isinstance(sql, str) and "\n" in sql
} | {f"frees.{scope}": sql for scope, sql in statements.FREES.items()}

HOT = [
    "storage.statements.STANDING",
    "storage.statements.ENQUEUE",
    "storage.statements.CLAIM",
    "storage.statements.HEAD",
    "storage.statements.FIRST_OF_MODEL",
    "storage.statements.POSITION",
]
WHOLE_TABLES = re.compile(
    r"SCAN (jobs|other|line_sums|place_sums|people|places|pictures|members|gifts|facts|audit"
    r"|uploads|hours|incidents)\b"
)

NOW_AND_THEN = ["storage.sources.ROOM"]
"""This looks at all uploads, every ten minutes; they are as many as the room for them allows."""
QUICK = [name for name in ALL if name not in NOW_AND_THEN]


@pytest.fixture(scope="module")
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for migration in shipped():
        connection.executescript(migration.sql)
    yield connection
    connection.close()


def plan(db: sqlite3.Connection, sql: str) -> list[str]:
    values = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    return [detail for *_, detail in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def test_there_are_statements_to_look_at() -> None:
    """The names above still find the statements."""
    assert len(ALL) > 30
    assert set(HOT) <= set(ALL)


@pytest.mark.parametrize("name", QUICK)
def test_no_statement_reads_a_whole_table(db: sqlite3.Connection, name: str) -> None:
    """Each finds its rows by a key or an index."""
    assert [step for step in plan(db, ALL[name]) if WHOLE_TABLES.search(step)] == []


@pytest.mark.parametrize("name", [name for name in QUICK if name != "storage.statements.AHEAD"])
def test_no_statement_sorts(db: sqlite3.Connection, name: str) -> None:
    """Rows come in the order of an index. (What is ahead is summed per kind from few rows.)"""
    assert [step for step in plan(db, ALL[name]) if "TEMP B-TREE" in step] == []


@pytest.mark.parametrize(
    "name", [*HOT, "storage.statements.AHEAD", *(n for n in ALL if "fre" in n)]
)
def test_whatever_looks_at_many_jobs_reads_only_an_index(db: sqlite3.Connection, name: str) -> None:
    """Sums and counts over jobs never fetch the rows themselves."""
    steps = [step for step in plan(db, ALL[name]) if re.match(r"SEARCH (jobs|other) ", step)]
    assert steps
    for step in steps:
        assert "COVERING INDEX" in step or "PRIMARY KEY" in step or "jobs_running" in step


def test_a_request_is_checked_once(db: sqlite3.Connection) -> None:
    """The facts a request is decided on are computed a single time, not once per condition."""
    steps = plan(db, statements.ENQUEUE)
    for table in ("people", "members"):
        assert len([step for step in steps if step.startswith(f"SEARCH {table} ")]) == 1
