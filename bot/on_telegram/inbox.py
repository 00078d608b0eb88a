"""Owns the updates that were fetched and not worked off yet: a death loses none of them.

Telegram forgets an update once the next fetch confirms it. So it is written down before, and comes
again at the next start; the keys of jobs make hearing it twice harmless.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from telegram import Update

from storage.errors import DiskFull

if TYPE_CHECKING:
    from telegram import Bot

    from storage.facts import Facts

log = structlog.get_logger(__name__)

FACT = "telegram:inbox"
TRIES = 3
"""An update that so many processes began and none finished is given up: it may be what kills."""
SEEN = 300
FLUSH_S = 0.25
"""Finished updates are written off together, no more often than this."""

Handle = Callable[[Update], Coroutine[Any, Any, None]]


class Inbox:
    """Takes updates in, runs each as its own task, and forgets it when that is over.

    `give_up` is for what is not tried any more: a word to whoever waits for it.
    """

    def __init__(self, facts: Facts, handle: Handle, give_up: Handle) -> None:
        self._facts = facts
        self._handle = handle
        self._give_up = give_up
        self._open: dict[int, dict[str, Any]] = {}
        self._tries: dict[int, int] = {}
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._taken = self._written = 0
        """How often something was taken in, and the last of these that is written down."""
        self.ready = False
        """What an earlier process left was taken up: until then it must not be written over."""

    async def begin(self, bot: Bot) -> None:
        """Take up what an earlier process left."""
        text = await self._facts.get(FACT) or "{}"
        self.ready = True
        try:
            kept = json.loads(text)
            left = [(each["update"], int(each["tries"])) for each in kept.get("open", ())]
            self._see(int(each) for each in kept.get("seen", ()))
        except (ValueError, TypeError, KeyError):
            log.exception("the updates of an earlier process cannot be read")
            return
        begun: list[tuple[Update, Handle]] = []
        for data, tries in left:
            update = Update.de_json(data, bot)
            if tries > TRIES:
                log.error("not even a word about an update survived", update=update.update_id)
                continue
            self._open[update.update_id] = data
            self._tries[update.update_id] = tries + 1
            if tries == TRIES:
                log.warning("an update was never finished and is given up", update=update.update_id)
                begun.append((update, self._give_up))
            else:
                begun.append((update, self._handle))
        try:
            await self._write()  # before: it may kill at once
        except DiskFull as full:
            log.warning("tries of updates could not be counted", error=str(full))
        finally:
            for update, do in begun:
                self._run(update, do)

    async def take(self, updates: Iterable[Update]) -> None:
        """Write these down and work them off, each beside the others; known ones are passed over.

        When this returns they are safe, or over: Telegram may forget them.
        """
        given = tuple(updates)
        fresh = [each for each in given if each.update_id not in self._seen]
        safe = self._written == self._taken or not any(u.update_id in self._open for u in given)
        if not fresh and safe:
            return
        for update in fresh:
            if update.inline_query is None:  # asked anew with every key that is pressed
                self._open[update.update_id] = update.to_dict()
                self._tries[update.update_id] = 1
        self._see(each.update_id for each in fresh)
        self._taken += bool(fresh)
        try:
            await self._write()
        finally:
            for update in fresh:
                self._run(update, self._handle)

    async def close(self, grace_s: float) -> None:
        """Let what is under way finish within `grace_s`; the rest comes again at the next start."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_s)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._flushing is not None:
            self._flushing.cancel()
            with suppress(asyncio.CancelledError):
                await self._flushing
        if self.ready:
            await self._write()

    def _run(self, update: Update, do: Handle) -> None:
        task = asyncio.create_task(self._work_off(update, do), name=f"update {update.update_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_off(self, update: Update, do: Handle) -> None:
        try:
            await do(update)
        except Exception:
            log.exception("an update failed", update=update.update_id)
        self._tries.pop(update.update_id, None)
        if self._open.pop(update.update_id, None) is not None and self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="telegram's inbox")

    async def _flush(self) -> None:
        try:
            await asyncio.sleep(FLUSH_S)
        finally:
            self._flushing = None
        try:
            await self._write()
        except DiskFull as full:  # they are written off with the next ones
            log.warning("finished updates could not be written off", error=str(full))
        except Exception:
            log.exception("finished updates could not be written off")

    def _see(self, ids: Iterable[int]) -> None:
        for each in ids:
            self._seen[each] = None
        while len(self._seen) > SEEN:
            self._seen.popitem(last=False)

    async def _write(self) -> None:
        async with self._lock:
            left = [
                {"update": data, "tries": self._tries.get(update_id, 1)}
                for update_id, data in self._open.items()
            ]
            text = json.dumps({"open": left, "seen": list(self._seen)}, ensure_ascii=False)
            taken = self._taken
            await self._facts.put(FACT, text)
            self._written = taken
