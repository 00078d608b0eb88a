"""What goes in and out of the studio: who asks, the ticket they get, how a job looks to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.desk.announcer import Event, EventName
from storage.jobs import JobState

if TYPE_CHECKING:
    from engine.painter import Progress
    from engine.request import Note
    from storage.jobs import Job
    from storage.people import Person
    from storage.pictures import PictureRow
    from storage.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and where; made by `Studio.asker`. `address` is set for anonymous people only."""

    person: Person
    place: Place
    address: str | None = None
    operator: bool = False


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
