"""Owns what one job is: the order it was made from, its states, and how it is read from its row."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from engine.request import Note, Paint, Resolved
from storage.database import maybe_seconds, to_seconds
from storage.ledger import to_credits


class JobState(StrEnum):
    """Where a job is on its way; the last three are final."""

    QUEUED = "queued"
    """It waits for its turn; its cost is reserved."""
    RUNNING = "running"
    """It is being painted; at most one is."""
    DONE = "done"
    """All its pictures are stored; it has cost what it costs."""
    FAILED = "failed"
    """It could not be painted; it has cost nothing."""
    CANCELLED = "cancelled"
    """Somebody did not want it any more; it has cost the share that was painted."""

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request to be queued: who asks where, with what words, and what these came to.

    `address` stands for all anonymous people behind it; `key` makes repeating the order harmless.
    `filled_json` is the ask with what defaults filled in beside the request, if they did. A
    `private` order is shown to nobody else; `message` is what the courier needs to find it again,
    `parent` the public id of the job that it came from.
    """

    person: int
    place: int
    address: str | None = None
    ask_json: str
    resolved: Resolved
    key: str | None = None
    filled_json: str | None = None
    private: bool = False
    message: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An accepted order and what became of it; times are epoch seconds, costs credits.

    `charge` is what it weighs in the budgets now, `share` the part of it that was painted, `turn`
    its place in the order of service, `deaths` how often the process died painting it,
    `message` what its courier wrote down to find it again, `parent` the public id of the job that
    it came from. A `private` one is its asker's alone. `filled_json` is what was asked for with the
    style and the negative that applied, apart from the prompt that they became part of.
    """

    id: int
    public: str
    person: int
    place: int
    address: str | None
    ask_json: str
    filled_json: str
    paint: Paint
    notes: tuple[Note, ...]
    state: JobState
    cost: float
    charge: float
    turn: int
    deaths: int
    last_chance: bool
    share: float
    error: str | None
    message: str | None
    private: bool
    parent: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    delivered_at: float | None

    @property
    def forgotten(self) -> bool:
        """Whether only the bare row of it is left, since its person wanted to be forgotten."""
        return self.ask_json == "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """All that wait; `oldest_at` is when the first of them was asked for, None if nobody waits."""

    jobs: int
    oldest_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """`count` pictures of one kind that are to be painted before a job; `steps` is of each."""

    model: str
    width: int
    height: int
    guided: bool
    steps: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was found running at start: waiting again, or given up."""

    requeued: tuple[Job, ...] = ()
    failed: tuple[Job, ...] = ()


def job_of(row: sqlite3.Row) -> Job:
    """The job in a row of the table of jobs."""
    return Job(
        id=row["id"],
        public=row["public"],
        person=row["person"],
        place=row["place"],
        address=row["address"],
        ask_json=row["ask"],
        filled_json=row["filled"] or row["ask"],
        paint=Paint.from_json(row["request"]),
        notes=tuple(Note(**note) for note in json.loads(row["notes"])),
        state=JobState(row["state"]),
        cost=to_credits(row["cost"]),
        charge=to_credits(row["charge"]),
        turn=row["turn"],
        deaths=row["deaths"],
        last_chance=bool(row["last_chance"]),
        share=row["share"],
        error=row["error"],
        message=row["message"],
        private=bool(row["private"]),
        parent=row["parent"],
        created_at=to_seconds(row["created_at"]),
        started_at=maybe_seconds(row["started_at"]),
        finished_at=maybe_seconds(row["finished_at"]),
        delivered_at=maybe_seconds(row["delivered_at"]),
    )
