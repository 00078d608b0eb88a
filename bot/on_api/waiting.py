"""Owns the requests that wait for their pictures: until these are there, or nobody listens.

A job belongs to the request that waits for it: when that hangs up or has lived too long, the job is
cancelled, unless the caller can come back for it with the same Idempotency-Key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from bot.desk.announcer import EventName
from bot.on_api import errors
from engine.errors import Refusal
from storage.job import JobState

if TYPE_CHECKING:
    from fastapi import Request

    from bot.desk.answers import Asker, JobView, Ticket
    from bot.desk.studio import Studio
    from engine.painter import Progress
    from engine.request import Note

log = structlog.get_logger(__name__)

MOST_HELD = 32
"""So many requests of one person are held back at once, beside those whose jobs wait in line."""
LOOK_AGAIN_S = 5.0
"""Whoever is held back looks again after this long, also when nothing was told."""


@dataclass(slots=True, kw_only=True, eq=False)
class Ongoing:
    """A job that a request waits for, and the newest that was told of it."""

    public: str
    progress: Progress | None = None
    preview: bytes | None = None
    eta_s: float | None = None
    notes: tuple[Note, ...] = ()


@dataclass(slots=True, kw_only=True)
class Waiting:
    """All requests that wait; a request may live for `limit_s` seconds.

    `closing` is set when the server is about to end.
    """

    studio: Studio
    closing: asyncio.Event
    limit_s: float
    _ongoing: dict[int, list[Ongoing]] = field(default_factory=dict)
    _held: dict[int, set[asyncio.Event]] = field(default_factory=dict)

    def left(self, since: float) -> float:
        """The seconds that a request still has to live which came at that moment of the loop."""
        return self.limit_s - (asyncio.get_running_loop().time() - since)

    async def for_room(self, person: int, request: Request, since: float, refusal: Refusal) -> None:
        """Hold a request back until one more of this person's jobs may be in the line.

        It may be too early: then it is asked again. Raises `refusal` where too many are held
        back already, or it took too long; `Unserved`.
        """
        held, left = self._held.setdefault(person, set()), self.left(since)
        if len(held) >= MOST_HELD or left <= 0:
            raise refusal
        freed = asyncio.Event()
        held.add(freed)
        waits = (freed.wait(), _gone(request), self.closing.wait())
        tasks = [asyncio.create_task(each, name="api, held back") for each in waits]
        _, gone, closing = tasks
        try:
            rest = min(left, LOOK_AGAIN_S)
            await asyncio.wait(tasks, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise errors.hung_up()
            if closing.done():
                raise errors.stopping()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            held.discard(freed)
            if not held:
                self._held.pop(person, None)

    def _free(self, person: int) -> None:
        """One of their jobs does not wait any more."""
        for each in self._held.get(person, ()):
            each.set()

    def ongoing(self, person: int) -> list[Ongoing]:
        """What requests of this person wait for, the oldest first."""
        return list(self._ongoing.get(person, ()))

    async def until_over(
        self,
        asker: Asker,
        ticket: Ticket,
        request: Request,
        *,
        since: float,
        kept: bool,
        on_news: Callable[[Ongoing], None] | None = None,
    ) -> tuple[JobView, tuple[Note, ...]]:
        """The job once it is done, and what the painter noted.

        `since` is when the request came, as the loop counts; `kept`: it stays when nobody waits
        any more. Raises `Unserved`.
        """
        public, left = ticket.job.public, self.left(since)
        if not kept and ticket.eta_s is not None and ticket.eta_s > left:
            await self._give_up(asker, public, kept)
            raise errors.line_too_long(ticket.eta_s, self.limit_s)
        mine = Ongoing(public=public, eta_s=ticket.eta_s)
        self._ongoing.setdefault(asker.person.id, []).append(mine)
        watching = asyncio.create_task(self._watch(asker, mine, on_news), name=f"api {public}")
        gone = asyncio.create_task(_gone(request), name=f"api {public}, hung up")
        closing = asyncio.create_task(self.closing.wait(), name=f"api {public}, closing")
        tasks = (watching, gone, closing)
        over = False
        try:
            async with asyncio.timeout(left):
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            over = watching.done()
        except TimeoutError:
            over = watching.done()
            if not over:
                raise errors.not_in_time(self.limit_s) from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._forget(asker.person.id, mine)
            if not over:
                await self._give_up(asker, public, kept)
        if not over:
            raise errors.hung_up() if gone.done() and not gone.cancelled() else errors.stopping()
        watching.result()
        return await self._result(asker, mine)

    async def _result(self, asker: Asker, mine: Ongoing) -> tuple[JobView, tuple[Note, ...]]:
        view = await self.studio.view(asker, mine.public)
        if view.job.state is JobState.CANCELLED:
            raise errors.stopped(mine.public)
        if view.job.state is not JobState.DONE:
            raise errors.failed(mine.public, view.job.error)
        return view, mine.notes

    async def _watch(
        self, asker: Asker, mine: Ongoing, on_news: Callable[[Ongoing], None] | None
    ) -> None:
        async with self.studio.watch(asker, mine.public) as events:
            async for event in events:
                if event.progress is not None:
                    mine.progress = event.progress
                    mine.preview = event.progress.preview or mine.preview
                if event.name in (EventName.queued, EventName.step):
                    mine.eta_s = event.eta_s
                if event.name is not EventName.queued:
                    self._free(asker.person.id)
                mine.notes += event.notes
                if on_news is not None:
                    on_news(mine)

    async def _give_up(self, asker: Asker, public: str, kept: bool) -> None:
        if kept:
            return
        try:
            await self.studio.cancel(asker, public)
        except Refusal as error:  # it was forgotten meanwhile
            log.info("nothing to cancel", job=public, reason=error.code)

    def _forget(self, person: int, mine: Ongoing) -> None:
        self._free(person)
        left = [each for each in self._ongoing.get(person, ()) if each is not mine]
        if left:
            self._ongoing[person] = left
        else:
            self._ongoing.pop(person, None)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
