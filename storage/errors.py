"""Every expected "no" of the storage, as facts; the sentences people read are made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import Refusal

Scope = Literal["person", "person_in_place", "place", "address"]
"""Whose budget: one person's everywhere, theirs in a place, all of a place, all of an address."""


@dataclass(slots=True, eq=False)
class OverBudget(Refusal):
    """The request costs more than is left of a budget, in credits.

    `frees_at` (epoch seconds) is when it would fit; None if it costs more than the whole budget.
    """

    scope: Scope
    used: float
    budget: float
    cost: float
    frees_at: float | None
    code = "over_budget"

    def __str__(self) -> str:
        return f"{self.cost:g} credits do not fit: {self.used:g} of {self.budget:g} are used"


@dataclass(slots=True, eq=False)
class QueueFull(Refusal):
    """The line has as many waiting jobs as the operator allows."""

    limit: int
    code = "queue_full"

    def __str__(self) -> str:
        return f"{self.limit} jobs are waiting already"


@dataclass(slots=True, eq=False)
class TooManyWaiting(Refusal):
    """This person has as many waiting jobs as the operator allows one person."""

    limit: int
    waiting: int
    code = "too_many_waiting"

    def __str__(self) -> str:
        return f"{self.waiting} of {self.limit} jobs of this person are waiting already"


@dataclass(slots=True, eq=False)
class Paused(Refusal):
    """The place takes no jobs for now."""

    code = "paused"

    def __str__(self) -> str:
        return "this place is paused"


@dataclass(slots=True, eq=False)
class Banned(Refusal):
    """The person may not ask until `until` (epoch seconds); None means for good."""

    until: float | None
    code = "banned"

    def __str__(self) -> str:
        return "this person is banned"


@dataclass(slots=True, eq=False)
class KeyReused(Refusal):
    """The idempotency key came before, from the same person, with another request."""

    code = "key_reused"

    def __str__(self) -> str:
        return "this idempotency key belongs to another request"


@dataclass(slots=True, eq=False)
class NotFound(Refusal):
    """There is no such thing, or no longer; `what` is "job", "picture", "source" and so on."""

    what: str
    code = "not_found"

    def __str__(self) -> str:
        return f"there is no such {self.what}"


@dataclass(slots=True, eq=False)
class NotYours(Refusal):
    """The thing is there, and belongs to somebody else."""

    code = "not_yours"

    def __str__(self) -> str:
        return "this belongs to somebody else"


@dataclass(slots=True, eq=False)
class AlreadyRunning(Refusal):
    """Another process uses the data folder; `pid` is its number, as far as it is known."""

    folder: Path
    pid: int | None
    code = "already_running"

    def __str__(self) -> str:
        who = "another process" if self.pid is None else f"process {self.pid}"
        return f"the data folder {self.folder} is in use by {who}"


@dataclass(slots=True, eq=False)
class NewerDatabase(Refusal):
    """The database was written by another version of this program, mostly by a newer one."""

    path: Path
    found: int
    known: int
    code = "newer_database"

    def __str__(self) -> str:
        do = (
            "install the newer Atelier again, or restore a backup from before it"
            if self.found > self.known
            else "the next start of the server brings it up to date"
        )
        return (
            f"the database {self.path} has version {self.found}; "
            f"this program knows {self.known}: {do}"
        )


@dataclass(slots=True, eq=False)
class OldSQLite(Refusal):
    """The SQLite that Python was built with lacks what is needed here."""

    found: str
    needed: str
    code = "old_sqlite"

    def __str__(self) -> str:
        return f"SQLite {self.needed} or later is needed; this Python has {self.found}"


@dataclass(slots=True, eq=False)
class DiskFull(Refusal):
    """There are `free` bytes left on the disk, and `reserve` of them are kept for what is there.

    With a reserve of 0 something really did not fit any more.
    """

    free: int
    reserve: int
    code = "disk_full"

    def __str__(self) -> str:
        kept = f", {self.reserve:,} are kept in reserve" if self.reserve else ""
        return f"the disk is full: {self.free:,} bytes are free{kept}"


@dataclass(slots=True, eq=False)
class TooManyUploads(Refusal):
    """Somebody brought so many pictures within an hour; the next is taken at `again_at`."""

    files: int
    bytes: int
    again_at: float
    code = "too_many_uploads"

    def __str__(self) -> str:
        return f"{self.files} pictures of {self.bytes / 1e6:.0f} MB were brought within an hour"


@dataclass(slots=True, eq=False)
class TooManyPins(Refusal):
    """This person keeps as many pictures for good as the operator allows."""

    limit: int
    code = "too_many_pins"

    def __str__(self) -> str:
        return f"{self.limit} pictures of this person are kept for good already"
