"""Owns the versions of the schema: which migrations ship, and bringing a database up to date.

A migration is applied whole or not at all, together with its number. Before an existing database
is changed, a copy of it is left beside it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import aiosqlite

from storage.errors import NewerDatabase

SCRIPT = """
BEGIN IMMEDIATE;
{sql}
PRAGMA user_version = {number};
COMMIT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step; `sql` is what changes, without the transaction around it."""

    number: int
    name: str
    sql: str


def shipped() -> tuple[Migration, ...]:
    """The migrations of this version of the program, in order; their numbers are 1, 2, 3 …"""
    scripts = [f for f in (files("storage") / "migrations").iterdir() if f.name.endswith(".sql")]
    return tuple(
        Migration(number=int(script.name[:4]), name=script.name, sql=script.read_text("utf-8"))
        for script in sorted(scripts, key=lambda script: script.name)
    )


async def version(connection: aiosqlite.Connection) -> int:
    """The number of the last migration applied to this database; 0 for a new one."""
    rows = await connection.execute_fetchall("PRAGMA user_version")
    return int(next(iter(rows))[0])


async def migrate(
    connection: aiosqlite.Connection, path: Path, migrations: Sequence[Migration]
) -> None:
    """Apply what is missing. Raises `NewerDatabase` before anything is touched."""
    found = await version(connection)
    known = migrations[-1].number
    if found > known:
        raise NewerDatabase(path, found, known)
    if 0 < found < known:
        await _copy(connection, path.with_name(f"{path.name}.before-{known:04}"))
    for migration in migrations:
        if migration.number > found:
            try:
                await connection.executescript(
                    SCRIPT.format(sql=migration.sql, number=migration.number)
                )
            except BaseException:
                await connection.rollback()
                raise


async def _copy(connection: aiosqlite.Connection, target: Path) -> None:
    """Write the whole database to `target`, which is there complete or not at all."""
    unfinished = target.with_name(f"{target.name}.tmp")
    unfinished.unlink(missing_ok=True)
    try:
        await connection.execute_fetchall("VACUUM INTO ?", (str(unfinished),))
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)  # a full disk has no room for half a copy
        raise
