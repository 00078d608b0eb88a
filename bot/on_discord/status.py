"""Keeps the message of a waiting or painted job moving: the position, then progress and preview.

Each channel has a lane: one edit at a time, at a pace it bears, always of the newest state. A slow
channel delays no other, and the courier ends a job's live edits before it makes the final one.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from bot.desk.delivery import Later
from bot.on_discord.following import Follow, Lane, Pace
from bot.on_discord.posting import Away, Fate, fate, summary
from bot.on_discord.where import Where

if TYPE_CHECKING:
    from bot.desk.announcer import Announcer
    from bot.on_discord.posting import Post
    from storage.jobs import Job, Jobs

log = structlog.get_logger(__name__)

ANSWER_S = 15.0
"""A first answer that is not known this long after the job was taken on will not come."""
MOMENT_S = 2.0
"""So long a delivery waits for the first answer before others go first."""
REMEMBERED = 2000


class Status:
    """Edits status messages while `run` is at work; the latest state only."""

    def __init__(
        self,
        *,
        post: Post,
        jobs: Jobs,
        announcer: Announcer,
        clock: Callable[[], float] = time.time,
        tick: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pace: Pace | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self._post = post
        self._jobs = jobs
        self._announcer = announcer
        self._clock = clock
        self._tick = tick
        self._sleep = sleep
        self._follows: dict[str, Follow] = {}
        self._edits: dict[str, asyncio.Task[None]] = {}
        self._lanes: dict[object, Lane] = {}
        self._arrived: list[Follow] = []
        self._arrival = asyncio.Event()
        self._answers: dict[str, asyncio.Event] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._silent: OrderedDict[str, None] = OrderedDict()

    async def run(self) -> None:
        """Edit until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._arrival.wait()
                self._arrival.clear()
                for follow in self._arrived:
                    if not follow.lane.working:
                        follow.lane.working = True
                        group.create_task(self._work(follow.lane), name="status lane")
                    group.create_task(self._watch(follow), name=f"status {follow.job.public}")
                self._arrived.clear()

    async def follow(self, job: Job, where: Where, *, position: int = 0) -> None:
        """Tell under `where.message` what becomes of `job`; returns at once and never raises.

        Call it as soon as the first answer's message id is known: the courier waits for it.
        `position` is what that answer said, if it said one.
        """
        try:
            await self._write_down(job, where)
        except Exception:
            log.exception("a message could not be remembered", job=job.public)
        if where.message is None:
            _remember(self._silent, job.public)
        self._answered(job.public)
        self._begin(job, where, position)

    async def resume(self) -> None:
        """Go on with the unfinished jobs whose messages are young, after a restart."""
        for job in await self._jobs.unfinished("discord"):
            with suppress(ValueError):
                if job.message is not None:
                    self._begin(job, Where.from_json(job.message), 0)

    async def answer(self, job: Job) -> Where:
        """What is kept of `job` once its first answer is known, or will not come any more.

        Raises `Later` while it may still come, `ValueError` if nothing readable is kept.
        """
        where = await self._kept(job)
        patience = job.created_at + ANSWER_S - self._clock()
        if where.message is not None or job.public in self._silent or patience <= 0:
            return where
        event = self._answers.setdefault(job.public, asyncio.Event())
        try:
            async with asyncio.timeout(min(patience, MOMENT_S)):
                await event.wait()
        except TimeoutError:
            raise Later(0.5) from None
        finally:
            self._answers.pop(job.public, None)
        return await self._kept(job)

    async def end(self, public: str) -> bool:
        """No live edit of this job any more: to be called before the final one.

        True if one was cut off, so that it may still arrive.
        """
        _remember(self._ended, public)
        follow, task = self._follows.get(public), self._edits.get(public)
        if follow is not None:
            self._drop(follow)
        # Its end may have been heard of already, with an edit still under way.
        if task is None:
            return False
        _, unfinished = await asyncio.wait({task}, timeout=self._pace.cut_s)
        if unfinished:
            task.cancel()
            await asyncio.wait({task})
        return bool(unfinished)

    async def _kept(self, job: Job) -> Where:
        now = await self._jobs.by_id(job.id)
        if now.message is None:
            raise ValueError("nothing is kept of where it belongs")
        return Where.from_json(now.message)

    async def _write_down(self, job: Job, where: Where) -> None:
        """Write the message's id down, beside what the courier may have written meanwhile."""
        try:
            kept = await self._kept(job)
        except ValueError:
            kept = where
        if kept.posting or kept.posted is not None:
            where = replace(kept, message=where.message)
        await self._jobs.set_message(job.id, where.to_json())

    def _answered(self, public: str) -> None:
        event = self._answers.get(public)
        if event is not None:
            event.set()

    def _begin(self, job: Job, where: Where, position: int) -> None:
        if where.message is None or job.public in self._ended or job.public in self._follows:
            return
        key = ("token", job.public) if where.by_token else where.channel
        follow = Follow(job=job, where=where, lane=self._lanes.get(key) or Lane())
        if follow.until <= self._clock():
            return
        self._lanes[key] = follow.lane
        if position:
            follow.telling.know(position)
        self._follows[job.public] = follow
        follow.lane.follows.append(follow)
        self._arrived.append(follow)
        self._arrival.set()

    def _drop(self, follow: Follow) -> None:
        follow.over = True
        self._follows.pop(follow.job.public, None)
        follow.lane.news.set()

    async def _watch(self, follow: Follow) -> None:
        """Take in what happens to one job, until it is over or its message too old."""
        patience = follow.until - self._clock()
        try:
            with suppress(TimeoutError):
                async with (
                    asyncio.timeout(max(0.0, patience)),
                    self._announcer.subscribe(follow.job.public) as events,
                ):
                    if (await self._jobs.by_id(follow.job.id)).state.final:
                        return
                    async for event in events:
                        if event.name.final or follow.over:
                            return
                        if follow.telling.absorb(event):
                            follow.lane.news.set()
        except Exception:
            log.exception("a job could not be followed", job=follow.job.public)
        finally:
            self._drop(follow)

    async def _work(self, lane: Lane) -> None:
        """Edit the messages of one channel in turn, until none is left."""
        while True:
            lane.news.clear()
            lane.follows = [follow for follow in lane.follows if not follow.over]
            if not lane.follows:
                break
            follow = lane.next(self._tick())
            if follow is not None:
                await self._edit(follow)
                await self._sleep(self._pace.lane_s)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(lane.rest(self._tick())):
                    await lane.news.wait()
        lane.working = False
        for key, known in tuple(self._lanes.items()):
            if known is lane:
                del self._lanes[key]

    async def _edit(self, follow: Follow) -> None:
        try:
            view, files = follow.render()
        except Exception:
            log.exception("a live message could not be made", job=follow.job.public)
            self._drop(follow)
            return
        follow.due = self._tick() + self._pace.step_s
        task = asyncio.create_task(self._post.edit(follow.where, view, files))
        self._edits[follow.job.public] = task
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            del self._edits[follow.job.public]
        error = None if task.cancelled() else task.exception()
        if error is None or isinstance(error, Away):
            return
        assert isinstance(error, Exception)
        if fate(error, by_token=follow.where.by_token) is not Fate.AGAIN:
            self._drop(follow)
        log.info("a live edit failed", job=follow.job.public, error=summary(error))


def _remember(known: OrderedDict[str, None], public: str) -> None:
    known[public] = None
    while len(known) > REMEMBERED:
        known.popitem(last=False)
