"""Owns what a soak leaves behind, as it is read from outside: the database, the log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHOWN = 5
"""So many examples stand behind a finding."""
JOBS = """
SELECT public,
    platform,
    external,
    state,
    delivered_at,
    error,
    ask,
    message,
    EXISTS (SELECT * FROM pictures WHERE job = jobs.id AND deleted_at IS NOT NULL) AS deleted
FROM jobs
JOIN people ON people.id = jobs.person
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One question, what was found, and whether that is well."""

    what: str
    told: str
    well: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job as the database has it."""

    public: str
    platform: str
    external: str
    state: str
    told: bool
    error: str | None
    message: str
    """What its courier wrote down, as it stands in the database."""
    forgotten: bool
    deleted: bool
    """Whether any of its pictures was deleted."""


def rows(data: Path) -> dict[str, Row]:
    """All jobs, by their public ids."""
    with closing(sqlite3.connect(data / "atelier.sqlite", timeout=20)) as db:
        db.row_factory = sqlite3.Row
        found = db.execute(JOBS).fetchall()
    return {
        row["public"]: Row(
            public=row["public"],
            platform=row["platform"],
            external=row["external"],
            state=row["state"],
            told=row["delivered_at"] is not None,
            error=row["error"],
            message=row["message"] or "",
            forgotten=row["ask"] == "{}",
            deleted=bool(row["deleted"]),
        )
        for row in found
    }


def unfinished(data: Path) -> int:
    """How many jobs are not final or whose asker was not told, and what Telegram still waits for.

    A refusal in a busy group comes when there is room for it.
    """
    with closing(sqlite3.connect(data / "atelier.sqlite", timeout=20)) as db:
        query = "SELECT COUNT(*) FROM jobs WHERE finished_at IS NULL OR delivered_at IS NULL"
        jobs = int(db.execute(query).fetchone()[0])
        kept = db.execute("SELECT value FROM facts WHERE name = 'telegram:inbox'").fetchone()
    return jobs + (0 if kept is None else len(json.loads(kept[0]).get("open", ())))


def sums(data: Path) -> dict[str, str]:
    """The SHA-256 of every stored picture."""
    with closing(sqlite3.connect(data / "atelier.sqlite", timeout=20)) as db:
        return dict(db.execute("SELECT id, sha256 FROM pictures").fetchall())


def dropped(log: Path) -> set[int]:
    """The updates of Telegram's that so many processes died with that nobody was told."""
    return {
        int(line.get("update", 0))
        for line in lines(log)
        if str(line.get("event", "")).startswith("not even a word about an update")
    }


def perhaps_lost(log: Path) -> set[str]:
    """The jobs whose picture may have arrived or not; a line says where it is."""
    return {
        str(line.get("job"))
        for line in lines(log)
        if str(line.get("event", "")).startswith("a picture may have got lost")
    }


def told_in(data: Path, place: int) -> list[tuple[float, float]]:
    """When each job of a group ended and when its asker was told, in seconds of the epoch."""
    with closing(sqlite3.connect(data / "atelier.sqlite", timeout=20)) as db:
        rows = db.execute(
            "SELECT finished_at, delivered_at FROM jobs JOIN places ON places.id = jobs.place"
            " WHERE places.platform = 'telegram' AND places.external = ?"
            " AND delivered_at IS NOT NULL ORDER BY finished_at",
            (str(place),),
        ).fetchall()
    return [(ended / 1000, told / 1000) for ended, told in rows]


def given_up(log: Path) -> set[str]:
    """The jobs whose pictures could not be brought to anybody, as the log says."""
    return {
        str(line.get("job"))
        for line in lines(log)
        if str(line.get("event", "")).startswith("given up;")
    }


def lines(log: Path) -> Iterable[dict[str, Any]]:
    """The lines of the log that are JSON."""
    for line in log.read_text(errors="replace", encoding="utf-8").splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def finding(what: str, wrong: list[str], told: str) -> Finding:
    return Finding(what=what, told=with_examples(told, wrong), well=not wrong)


def with_examples(told: str, wrong: list[str]) -> str:
    if not wrong:
        return told
    shown = "; ".join(wrong[:SHOWN]) + ("; …" if len(wrong) > SHOWN else "")
    return f"{told}: {len(wrong)} × {shown}" if told else f"{len(wrong)} × {shown}"
