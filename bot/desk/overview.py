"""What an operator is shown: rows of the line, people, models, and how full the disk is.

Times are epoch seconds, spans seconds, amounts credits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.crowd import BanElsewhere
from storage.job import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """This moment: `oldest_s` is how long the one that waits longest has waited."""

    engine: str
    chats: Mapping[str, str]
    painting: bool
    waiting: int
    oldest_s: float | None
    disk_full: bool
    free_bytes: int
    pictures_today: int
    failed_today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job of the line; `position` 0 is being painted, `share` (0–1) of it is done."""

    id: str
    position: int
    eta_s: float | None
    share: float
    prompt: str
    private: bool
    person: int
    name: str
    platform: str
    model: str
    width: int
    height: int
    count: int
    cost: float
    deaths: int
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """Somebody in a list: what they used of their budget of a day, and whether they are banned.

    `banned_until` None while `banned` is for good; `own_budget` is theirs alone, if they have one.
    """

    id: int
    platform: str
    external: str
    name: str
    seen_at: float | None
    used: float
    budget: float
    own_budget: float | None
    waiting: int
    banned: bool
    banned_until: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """One of the latest jobs of somebody, without its words."""

    id: str
    state: JobState
    model: str
    at: float
    charge: float
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """Somebody closely; `bans` are those in single places."""

    row: PersonRow
    known_since: float
    pictures: int
    picture_bytes: int
    bans: tuple[BanElsewhere, ...]
    recent: tuple[Recent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model that is installed. `kind` is its family, "upscaler" or "broken" (`broken` says why).

    `seconds` is what a picture of its usual `size` and `steps` takes: `measured` here, or guessed.
    `pictures` and `failed` jobs are those of the last week. `resident`: it is in memory now;
    `load_s` is how long it took to get there.
    """

    name: str
    title: str
    kind: str
    licence: str = ""
    description: str = ""
    default: bool = False
    broken: str | None = None
    bytes: int = 0
    memory_bytes: int = 0
    resident: bool = False
    load_s: float | None = None
    size: tuple[int, int] | None = None
    steps: int = 0
    seconds: float | None = None
    measured: bool = False
    pictures: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One thing that takes room: what it takes, may take (None: no limit of its own), how many."""

    name: str
    bytes: int
    limit: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskView:
    """The disk of the data folder, and what of it is ours."""

    folder: str
    total: int
    free: int
    reserve: int
    full: bool
    rooms: tuple[Room, ...]
