"""Keeps the message of a waiting or painted job moving: the position, then how far it is.

An edit waits for its turn first and is worded then, so that it says what is newest; the courier
ends a job's live edits before it makes the final one. In a busy group the message itself waits like
that: it comes when there is room for it, or never, if the result is there before.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog
from telegram.constants import ChatAction
from telegram.error import RetryAfter, TelegramError

from bot.desk.announcer import Event, EventName
from bot.desk.telling import Telling
from bot.on_telegram import captions, keyboards
from bot.on_telegram.pace import Turn, Urgency
from bot.on_telegram.posting import Fate, fate, summary

if TYPE_CHECKING:
    from telegram.ext import ExtBot

    from bot.desk.announcer import Announcer
    from bot.desk.answers import Ticket
    from bot.on_telegram.limiter import Limiter
    from bot.on_telegram.posting import Post
    from bot.on_telegram.where import Where
    from bot.on_telegram.whereabouts import Whereabouts
    from bot.on_telegram.wording import Said
    from storage.jobs import Job, Jobs

log = structlog.get_logger(__name__)

ANSWER_S = 20.0
"""A status message that is not known this long after the job was taken on will not come."""
LIVE_S = 48 * 3600.0
"""So long after its making Telegram lets a message be edited for certain."""
STEP_S, GROUP_STEP_S = 3.0, 6.0
"""Between two edits of one message, in a private chat and in a group."""
ACTION_S = 4.0
""" "Is sending a photo" is shown for five seconds."""
CUT_S = 5.0
"""An edit under way has this long to come through before it is cut off."""
REMEMBERED = 2000


@dataclass(slots=True, kw_only=True, eq=False)
class _Follow:
    """One job and its message; `task` lasts until the job is over."""

    job: Job
    where: Where
    first: Event | None = None
    """What the message is to say if nothing newer is known; None if it stands already."""
    telling: Telling = field(default_factory=Telling)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    painting: asyncio.Event = field(default_factory=asyncio.Event)
    editing: bool = False
    over: bool = False
    task: asyncio.Task[None] | None = None


class Status:
    """Edits status messages, at a pace the chat bears, with the latest state only."""

    def __init__(
        self,
        *,
        bot: ExtBot[Urgency | Turn],
        limiter: Limiter,
        post: Post,
        jobs: Jobs,
        whereabouts: Whereabouts,
        announcer: Announcer,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._bot = bot
        self._limiter = limiter
        self._post = post
        self._jobs = jobs
        self._whereabouts = whereabouts
        self._announcer = announcer
        self._clock = clock
        self._sleep = sleep
        self._follows: dict[str, _Follow] = {}
        self._posting: set[asyncio.Task[tuple[Where, bool]]] = set()
        self._began = clock()
        self._known: OrderedDict[str, None] = OrderedDict()
        """Jobs whose status message is known by now, or will never be."""

    async def follow(self, job: Job, where: Where, *, position: int = 0) -> None:
        """Tell under `where.message` what becomes of `job`; keeps it, and never raises.

        Call it as soon as the status message's id is known, or with None when it is clear that
        there is none: the courier waits for it. `position` is what the message says already.
        """
        try:
            kept, over = await self._stands(job, where.message)
            if not over and where.message is not None:
                self._begin(_Follow(job=job, where=kept), position)
        except Exception as error:
            log.warning("a job cannot be followed", job=job.public, error=summary(error))
        finally:
            self._settle(job.public)

    def has_room(self, chat: int) -> bool:
        """Whether a chat has room for one more status message now."""
        return self._limiter.pace.room(chat, Urgency.STATUS)

    def follow_later(self, ticket: Ticket, where: Where) -> None:
        """Tell what becomes of the job as soon as the chat has room for a message about it."""
        self._settle(ticket.job.public)
        name = EventName.queued if ticket.position else EventName.step
        first = Event(
            name=name,
            public=ticket.job.public,
            position=ticket.position,
            eta_s=ticket.eta_s,
            warming=ticket.warming,
        )
        self._begin(_Follow(job=ticket.job, where=where, first=first), ticket.position)

    async def resume(self) -> None:
        """After a start: go on under the messages of the jobs that still wait."""
        for job in await self._jobs.unfinished("telegram"):
            self._settle(job.public)
            with suppress(ValueError):
                where = await self._whereabouts.of(job)
                if where.message is not None:
                    self._begin(_Follow(job=job, where=where))

    def awaited(self, job: Job) -> bool:
        """Whether the message of a job is still on its way, so that the result should wait.

        What an earlier process had not sent is not sent any more.
        """
        if job.public in self._known or job.created_at < self._began:
            return False
        return self._clock() < job.created_at + ANSWER_S

    async def end(self, public: str) -> None:
        """No live edit of this job any more: to be called before the final one."""
        self._settle(public)
        follow = self._follows.pop(public, None)
        if follow is not None and follow.task is not None:
            if not follow.over:
                follow.task.cancel()
            await asyncio.wait({follow.task}, timeout=2 * CUT_S)

    async def close(self) -> None:
        """End all live edits."""
        following = [each.task for each in self._follows.values() if each.task is not None]
        for tasks in (following, self._posting):  # those wait a little for these
            for task in tuple(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _settle(self, public: str) -> None:
        self._known[public] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _stands(self, job: Job, message: int | None) -> tuple[Where, bool]:
        """Write down the status message of `job`; and whether that is over already."""
        kept = await self._whereabouts.change(job, lambda w: replace(w, message=message))
        now = await self._jobs.by_id(job.id)
        if message is not None and (now.delivered_at is not None or kept.sent):
            await self._post.remove(kept, message)  # it came after the result
        return kept, now.state.final

    def _begin(self, follow: _Follow, position: int = 0) -> None:
        job = follow.job
        old = self._clock() > job.created_at + LIVE_S
        if follow.where.shown or old or job.public in self._follows:
            return
        if position:
            follow.telling.know(position)
        self._follows[job.public] = follow
        follow.task = asyncio.create_task(self._watch(follow), name=f"follow {job.public}")
        follow.task.add_done_callback(lambda _: self._forget(follow))

    def _forget(self, follow: _Follow) -> None:
        if self._follows.get(follow.job.public) is follow:
            del self._follows[follow.job.public]

    async def _watch(self, follow: _Follow) -> None:
        """Take in what happens to one job until it is over, and tell it meanwhile."""
        public = follow.job.public
        telling = asyncio.create_task(self._tell(follow), name=f"tell {public}")
        acting = asyncio.create_task(self._act(follow), name=f"act {public}")
        try:
            async with self._announcer.subscribe(follow.job.public) as events:
                if (await self._jobs.by_id(follow.job.id)).state.final:
                    return
                async for event in events:
                    if event.name.final:
                        return
                    if event.name is EventName.queued:
                        follow.painting.clear()
                    else:
                        follow.painting.set()
                    if follow.telling.absorb(event):
                        follow.news.set()
        except Exception as error:
            log.warning("a job was lost from sight", job=follow.job.public, error=summary(error))
        finally:
            follow.over = True
            acting.cancel()
            if follow.editing:  # cut off, it could still arrive after the last one
                await asyncio.wait({telling}, timeout=CUT_S)
            telling.cancel()
            await asyncio.wait({telling, acting})

    async def _tell(self, follow: _Follow) -> None:
        try:
            while follow.first is not None:
                with suppress(RetryAfter):  # the turn waits for as long as the server wants
                    await self._say(follow, follow.first)
                    follow.first = None
            while not follow.over:
                await follow.news.wait()
                follow.news.clear()
                if follow.telling.news:
                    await self._reword(follow)
                    if not follow.over:
                        await self._sleep(STEP_S if follow.where.private else GROUP_STEP_S)
        except TelegramError as error:
            log.info("live edits end", job=follow.job.public, error=summary(error))

    async def _say(self, follow: _Follow, first: Event) -> None:
        """Post the status message when there is room."""
        where, job = follow.where, follow.job
        async with self._limiter.turn(where.chat, Urgency.STATUS) as turn:
            telling = follow.telling
            said = self._words(follow, telling.take() if telling.news else telling.event or first)
            posting = asyncio.create_task(self._put_up(job, where, said, turn))
            self._posting.add(posting)
            posting.add_done_callback(self._posting.discard)
            with _editing(follow):
                follow.where, over = await asyncio.shield(posting)
        follow.over = follow.over or over

    async def _put_up(self, job: Job, where: Where, said: Said, turn: Turn) -> tuple[Where, bool]:
        """Post a status message; also if nobody waits for it any more, since it has to go then."""
        message = await self._post.say(where, said, keyboards.under_way(job, where), turn=turn)
        return await self._stands(job, message)

    async def _reword(self, follow: _Follow) -> None:
        """Put what is newest into the status message when there is room."""
        where = follow.where
        assert where.message is not None
        async with self._limiter.turn(where.chat, Urgency.PROGRESS) as turn:
            said = self._words(follow, follow.telling.take())
            keyboard = keyboards.under_way(follow.job, where)
            try:
                with _editing(follow):
                    await self._post.reword(where, where.message, said, keyboard, turn=turn)
            except TelegramError as error:
                if fate(error) not in (Fate.AGAIN, Fate.HELD):
                    raise

    async def _act(self, follow: _Follow) -> None:
        """Show "is sending a photo" while the job is painted."""
        where = follow.where
        while True:
            await follow.painting.wait()
            with suppress(TelegramError):
                await self._bot.send_chat_action(
                    where.chat, ChatAction.UPLOAD_PHOTO, message_thread_id=where.thread
                )
            await self._sleep(ACTION_S)

    def _words(self, follow: _Follow, event: Event) -> Said:
        where = follow.where
        if event.name is EventName.queued:
            return captions.waiting(
                where, position=event.position, eta_s=event.eta_s, warming=event.warming
            )
        return captions.painting(
            where,
            eta_s=event.eta_s,
            progress=event.progress,
            paints=follow.job.paint.paints,
        )


@contextmanager
def _editing(follow: _Follow) -> Iterator[None]:
    """While a call for the status message is under way: cut off, it could still arrive."""
    follow.editing = True
    try:
        yield
    finally:
        follow.editing = False
