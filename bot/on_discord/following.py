"""Owns one followed job and the lane of its channel: what is told next, and whose turn it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.desk.announcer import EventName
from bot.desk.telling import Telling
from bot.on_discord import layout
from bot.on_discord.posting import Enclosure
from bot.on_discord.where import Where, made_at

if TYPE_CHECKING:
    from discord import ui

    from storage.jobs import Job

LIVE_S = 600.0
"""So long after its making a message is edited live; who waits longer gets a new one."""
PREVIEW_S = 6.0
"""A job that takes at least this long shows what there is so far."""
PREVIEW_NAME = "preview.webp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast live edits follow one another; all in seconds."""

    lane_s: float = 1.25
    """Between two in one channel: less than Discord allows, so that a final one finds room."""
    step_s: float = 2.5
    """Between two of one message."""
    cut_s: float = 5.0
    """One that is under way has this long to come through before it is cut off."""
    lag_s: float = 3.0
    """One that was cut off arrives within this, or never."""


@dataclass(slots=True, kw_only=True, eq=False)
class Follow:
    """One job, its message, what was said last, and what is to be said next."""

    job: Job
    where: Where
    lane: Lane
    telling: Telling = field(default_factory=Telling)
    due: float = 0.0
    over: bool = False

    @property
    def news(self) -> bool:
        """Whether there is something to tell."""
        return self.telling.news and not self.over

    @property
    def nearness(self) -> int:
        """How near the job is to its end: 0 is being painted, then its place in the line."""
        return 0 if self.telling.event is None else self.telling.event.position

    @property
    def until(self) -> float:
        """The epoch seconds until which this message may be edited live."""
        until = made_at(self.where.message or 0) + LIVE_S
        return until if self.where.token_until is None else min(until, self.where.token_until)

    def render(self) -> tuple[ui.LayoutView, tuple[Enclosure, ...]]:
        """The newest state as a message."""
        event = self.telling.take()
        if event.name is EventName.queued:
            view = layout.waiting(
                self.job,
                self.where,
                position=event.position,
                eta_s=event.eta_s,
                warming=event.warming,
            )
            return view, ()
        preview = self.telling.preview if self.telling.whole_s >= PREVIEW_S else None
        files = () if preview is None else (Enclosure(PREVIEW_NAME, preview),)
        view = layout.painting(
            self.job,
            self.where,
            eta_s=event.eta_s,
            progress=event.progress,
            preview=PREVIEW_NAME if files else None,
        )
        return view, files


@dataclass(slots=True, eq=False)
class Lane:
    """The messages of one channel that are edited live."""

    follows: list[Follow] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    working: bool = False

    def next(self, now: float) -> Follow | None:
        """The one to edit now: what is painted first, then who is nearest to it."""
        ready = [follow for follow in self.follows if follow.news and follow.due <= now]
        return min(ready, key=lambda each: each.nearness, default=None)

    def rest(self, now: float) -> float | None:
        """The seconds until one may be edited; None if there is nothing to say."""
        return min((each.due - now for each in self.follows if each.news), default=None)
