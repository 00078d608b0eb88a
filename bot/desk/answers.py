"""What goes in and out of the studio: who asks, the ticket they get, how a job looks to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.desk.announcer import Event, EventName
from storage.jobs import JobState

if TYPE_CHECKING:
    from engine.painter import Progress
    from engine.request import Note
    from storage.jobs import Job, Usage
    from storage.people import Person
    from storage.pictures import PictureRow
    from storage.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and where; made by `Studio.asker`. `address` is set for anonymous people only.

    `channel` is where in the place they ask, `channels` all that count as it (a thread's parent,
    too), `roles` are theirs there; all are ids of the platform. An `admin` decides about the
    place, a `moderator` about what others posted there, an `operator` about everything.
    """

    person: Person
    place: Place
    address: str | None = None
    operator: bool = False
    channel: str | None = None
    channels: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    admin: bool = False
    moderator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The answer to a request that was taken on.

    `position` 1 is next in line, 0 is painted already; `eta_s` None means it cannot be said;
    `warming`: the engine is still starting. `created` is False for a repeated key.
    """

    job: Job
    position: int
    eta_s: float | None
    warming: bool
    created: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as its owner sees it now; `pictures` are those that are not deleted."""

    job: Job
    position: int
    eta_s: float | None
    warming: bool
    progress: Progress | None
    pictures: tuple[PictureRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureView:
    """A picture in its owner's gallery, and the job that it came from."""

    picture: PictureRow
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What went when somebody was forgotten: how many of each."""

    jobs: int
    pictures: int
    uploads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """One job of the line as others may see it: `position` 0 is being painted.

    `prompt` is None where it is private or was asked for elsewhere, and `name` is empty then,
    unless it is the asker's own.
    """

    position: int
    public: str
    mine: bool
    here: bool
    name: str
    prompt: str | None
    eta_s: float | None
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """The head of the line, and how many wait altogether."""

    entries: tuple[QueueEntry, ...]
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Something a member wants moderators to see: whose it is, and where to tell about it.

    `log_channel` is the platform's id of the channel for it; None if the place has none. `again`:
    this person has reported this before.
    """

    job: Job
    pictures: tuple[PictureRow, ...]
    person: Person
    reporter: Person
    reason: str
    log_channel: str | None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How somebody stands in a place, as those see it who look after it.

    `budget` is their own there, in credits a day, if they have one. Bans end at these epoch
    seconds; infinity is for good, None is no ban.
    """

    person: Person
    usage: Usage
    budget: float | None
    banned_until: float | None
    banned_everywhere_until: float | None


def present(view: JobView) -> Event:
    """The event that tells the present state of a job to somebody who comes later."""
    public, state = view.job.public, view.job.state
    if state is JobState.QUEUED and view.position:
        return Event(
            name=EventName.queued,
            public=public,
            position=view.position,
            eta_s=view.eta_s,
            warming=view.warming,
        )
    if not state.final:
        return Event(name=EventName.step, public=public, progress=view.progress, eta_s=view.eta_s)
    return Event(
        name=EventName(state.value),
        public=public,
        pictures=tuple(picture.id for picture in view.pictures),
        code=view.job.error,
    )
