"""Owns the event streams: what the announcer tells of jobs, as server-sent events.

A stream always begins with the present state, so that reconnecting loses nothing and needs no
memory of what was sent before.
"""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.desk.announcer import Event, EventName
from bot.desk.texts import waiting
from bot.on_web import views
from bot.on_web.schemas import PreviewOut, ProgressOut, QueuedOut, StepOut
from engine.errors import Refusal
from engine.painter import Stage

if TYPE_CHECKING:
    from bot.on_web.visit import Visit
    from bot.on_web.words import Ear

RETRY_MS = 2000
REMEMBERED = 100


Shared = tuple[int, "Ear", str, EventName]
"""Whose pages hear an event alike: one person's, in one language."""


class Streams:
    """The open streams that show everything of one person, so that new jobs join them."""

    def __init__(self, *, keep_alive_s: float = 15.0) -> None:
        self.keep_alive_s = keep_alive_s
        self._open: dict[int, set[EventStream]] = {}
        self._told: OrderedDict[Shared, tuple[Event, asyncio.Task[str]]] = OrderedDict()
        self.closing = asyncio.Event()

    def follow(self, person: int, public: str) -> None:
        """Show the new job `public` in the open streams of its owner."""
        for stream in tuple(self._open.get(person, ())):
            stream.follow(public)

    def add(self, person: int, stream: "EventStream") -> None:
        self._open.setdefault(person, set()).add(stream)

    def remove(self, person: int, stream: "EventStream") -> None:
        streams = self._open.get(person, set())
        streams.discard(stream)
        if not streams:
            self._open.pop(person, None)

    async def data(self, visit: "Visit", event: Event) -> str:
        """What `event` tells this visitor, as JSON; worked out once for all pages they have open.

        Only the very same event is told alike: it was announced to all of them at one moment.
        """
        if len(self._open.get(visit.asker.person.id, ())) < 2:
            return await _data(visit, event)
        key = (visit.asker.person.id, visit.ear, event.public, event.name)
        same, task = self._told.get(key, (None, None))
        if task is None or same is not event:
            task = asyncio.create_task(_data(visit, event), name=f"telling of {event.public}")
            self._told[key] = event, task
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        return await asyncio.shield(task)

    def close(self) -> None:
        """End all streams: the server is about to stop and would wait for them. Pages return."""
        self.closing.set()


class EventStream(Response):
    """The events of `jobs` until the last of them is over; with `whole`, of all jobs to come too.

    Every subscription keeps only the newest, and all write into a queue of one, so that a slow
    reader gets the newest state and costs no memory.
    """

    media_type = "text/event-stream"

    def __init__(self, visit: "Visit", jobs: Iterable[str], *, whole: bool = False) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._visit = visit
        self._jobs = tuple(jobs)
        self._whole = whole
        self._followed: set[str] = set()
        self._pumps: asyncio.TaskGroup | None = None
        self._events: asyncio.Queue[Event] = asyncio.Queue(maxsize=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        streams = self._visit.web.streams
        ends = [
            asyncio.create_task(self._talk(send), name="event-stream"),
            asyncio.create_task(_gone(receive), name="event-stream-gone"),
            asyncio.create_task(streams.closing.wait(), name="event-stream-closing"),
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            talked, *_ = await asyncio.gather(*ends, return_exceptions=True)
        if isinstance(talked, Exception):
            raise talked
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def follow(self, public: str) -> None:
        """Show one more job."""
        if self._pumps is not None and public not in self._followed:
            self._followed.add(public)
            self._pumps.create_task(self._pump(public), name=f"events of {public}")

    async def _talk(self, send: Send) -> None:
        person, streams = self._visit.asker.person.id, self._visit.web.streams
        async with asyncio.TaskGroup() as self._pumps:
            if self._whole:
                streams.add(person, self)
            try:
                for public in self._jobs:
                    self.follow(public)
                await _say(send, f"retry: {RETRY_MS}\n\n")
                while self._whole or self._followed:
                    await _say(send, await self._next())
            finally:
                streams.remove(person, self)

    async def _next(self) -> str:
        try:
            async with asyncio.timeout(self._visit.web.streams.keep_alive_s):
                event = await self._events.get()
        except TimeoutError:
            return ": still here\n\n"
        if event.name.final:
            self._followed.discard(event.public)
        mark = f"id: {last_id(event.public)}\n" if event.name.final else ""
        data = await self._visit.web.streams.data(self._visit, event)
        return f"{mark}event: {event.name}\ndata: {data}\n\n"

    async def _pump(self, public: str) -> None:
        try:
            async with self._visit.studio.watch(self._visit.asker, public) as events:
                async for event in events:
                    await self._events.put(event)
        except Refusal:  # it is not there (any more)
            self._followed.discard(public)


def last_id(public: str) -> str:
    """The event id after which nothing comes: whoever reconnects with it need not stay."""
    return f"{public}.final"


async def _data(visit: "Visit", event: Event) -> str:
    return (await told(visit, event)).model_dump_json()


async def told(visit: "Visit", event: Event) -> BaseModel:
    """The data of an event as the API tells it; a final one tells the whole job."""
    progress = event.progress
    if event.name is EventName.queued:
        return QueuedOut(
            id=event.public,
            position=event.position,
            eta_s=views.rounded(event.eta_s),
            warming=event.warming,
            message=waiting(event.position, event.eta_s, visit.ear.language, warming=event.warming),
        )
    if event.name is EventName.step:
        done = ProgressOut.of(progress) if progress else await _begun(visit, event.public)
        return StepOut(id=event.public, eta_s=views.rounded(event.eta_s), **done.model_dump())
    if event.name is EventName.preview and progress and progress.preview:
        image = base64.b64encode(progress.preview).decode("ascii")
        return PreviewOut(
            id=event.public, index=progress.index, image=f"data:image/webp;base64,{image}"
        )
    view = await visit.studio.view(visit.asker, event.public)
    return views.job_out(visit, view, notes=event.notes)


async def _begun(visit: "Visit", public: str) -> ProgressOut:
    """The progress of a painting before its first step."""
    paint = (await visit.studio.view(visit.asker, public)).job.paint
    finishing = Stage.developing if paint.latents_of else Stage.upscaling
    return ProgressOut(
        index=0,
        count=paint.count,
        step=0,
        steps=paint.working_steps,
        share=0,
        stage=Stage.painting if paint.paints else finishing,
        stages=1 if paint.upscale is None or not paint.paints else 2,
    )


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
