"""Another version of the program on the same data: forward with a copy, never backward."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage import schema
from storage.database import Database
from tests.serving import ROOT, serving

pytestmark = pytest.mark.slow


def _older(data: Path) -> int:
    """A data folder as the version before this one left it, with a person; its version."""
    before = schema.shipped()[:-1]

    async def make() -> None:
        await (await Database.open(data, migrations=before)).close()

    asyncio.run(make())
    with closing(sqlite3.connect(data / "atelier.sqlite")) as db, db:
        db.execute(
            "INSERT INTO people (platform, external, name, created_at) VALUES (?, ?, ?, ?)",
            ("web", "from-before", "Ada", 0),
        )
    return before[-1].number


def _people(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as db:
        return [row[0] for row in db.execute("SELECT external FROM people")]


def test_an_upgrade_leaves_a_copy_of_what_was(tmp_path: Path) -> None:
    """The new version starts, knows everybody, and the old database stands beside, whole."""
    data = tmp_path / "data"
    old = _older(data)
    new = schema.shipped()[-1].number
    with serving(data) as server:
        assert server.stop() == 0
    assert _people(data / "atelier.sqlite") == ["from-before"]
    copy = data / f"atelier.sqlite.before-{new:04}"
    assert _people(copy) == ["from-before"]
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (old,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_older_version_refuses_a_newer_database_and_leaves_it_alone(tmp_path: Path) -> None:
    """One line that says what to do, exit code 1, and not a byte changed."""
    data = tmp_path / "data"
    _older(data)
    file = data / "atelier.sqlite"
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 9999")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "bot", "serve"],
        cwd=ROOT,
        env=os.environ | {"ATELIER_DATA": str(data), "ATELIER_WEB_PORT": "0"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "version 9999" in done.stderr
    assert "install the newer Atelier again" in done.stderr
    assert file.read_bytes() == before
    assert [each.name for each in data.glob("*.before-*")] == []
