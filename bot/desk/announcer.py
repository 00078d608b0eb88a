"""Tells whoever watches a job what happens to it; keeps only what is newest.

It knows no platform: a page's event stream and a chat's status message subscribe alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from engine.painter import Progress
    from engine.request import Note


class EventName(StrEnum):
    """What can happen to a job, named as in the HTTP event stream."""

    queued = "queued"
    """It waits; its position or its estimate changed."""
    step = "step"
    """One more denoising step is done."""
    preview = "preview"
    """There is a newer small picture of what is being painted."""
    done = "done"
    """Its pictures are stored."""
    failed = "failed"
    """It will not be painted; its credits are back."""
    cancelled = "cancelled"
    """Somebody who may do so cancelled it."""

    @property
    def final(self) -> bool:
        """Whether nothing can happen after it."""
        return self in (EventName.done, EventName.failed, EventName.cancelled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to the job `public`; the fields that do not apply stay empty.

    `queued` carries `position` (1 is next), `eta_s` and `warming`; `step` carries `progress` and
    `eta_s` (no `progress` before the first step is done); `preview` carries `progress` with its
    WebP bytes; `done` the ids of its `pictures` and what the painter has to say in `notes`;
    `failed` the `code` of the reason.
    """

    name: EventName
    public: str
    position: int = 0
    eta_s: float | None = None
    warming: bool = False
    progress: Progress | None = None
    pictures: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    code: str | None = None


class Subscription:
    """One watcher of one job: `async with` it, `async for` the events; the final one ends it.

    Holds at most one event of each name, so that a watcher that falls behind gets the newest
    state and costs no memory.
    """

    def __init__(self, announcer: Announcer, public: str) -> None:
        self.public = public
        self._announcer = announcer
        self._pending: dict[EventName, Event] = {}
        self._news = asyncio.Event()
        self._last: EventName | None = None
        self._touched = False

    async def __aenter__(self) -> Self:
        self._announcer._add(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._announcer._remove(self)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self._last is not None and self._last.final:
            raise StopAsyncIteration
        while not self._pending:
            self._news.clear()
            await self._news.wait()
        event = self._pending.pop(next(iter(self._pending)))
        self._last = event.name
        return event

    def offer(self, event: Event) -> None:
        """Put `event` in the place of an older one of its name; a final one replaces all."""
        if self._last is not None and self._last.final:
            return
        if any(name.final for name in self._pending):
            return
        if event.name.final or event.name is EventName.queued:
            self._pending.clear()
        elif event.name is EventName.step:
            self._pending.pop(EventName.queued, None)
        self._pending[event.name] = event
        self._touched = True
        self._news.set()

    def begin(self, event: Event) -> None:
        """Offer the state that was read at the start, unless something newer was told already."""
        if not self._touched or event.name.final:
            self.offer(event)


class Announcer:
    """Hands every event to the watchers of its job, without ever waiting for one of them."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Subscription]] = {}
        self._latest: dict[str, dict[EventName, Event]] = {}

    def subscribe(self, public: str) -> Subscription:
        """Watch a job: `async with announcer.subscribe(id) as events: async for event in events`.

        If it is being painted, the latest step and preview come at once.
        """
        return Subscription(self, public)

    def publish(self, event: Event) -> None:
        """Tell the watchers of `event.public`; call it on the event loop."""
        if event.name.final or event.name is EventName.queued:
            self._latest.pop(event.public, None)
        else:
            self._latest.setdefault(event.public, {})[event.name] = event
        for watcher in tuple(self._watchers.get(event.public, ())):
            watcher.offer(event)

    def watched(self) -> frozenset[str]:
        """The public ids of the jobs that somebody watches now."""
        return frozenset(self._watchers)

    def _add(self, watcher: Subscription) -> None:
        self._watchers.setdefault(watcher.public, set()).add(watcher)
        for event in self._latest.get(watcher.public, {}).values():
            watcher.offer(event)

    def _remove(self, watcher: Subscription) -> None:
        watchers = self._watchers.get(watcher.public, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(watcher.public, None)
