"""The use case of being forgotten: stop what is open, delete what was made, blank what was said.

It is noted down first. What cannot be done at once, or is interrupted, is done by `resume`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from bot.desk.answers import Forgotten

if TYPE_CHECKING:
    from bot.desk.worker import Worker
    from storage.forgetting import Forgetting, Wish
    from storage.people import People
    from storage.pictures import Pictures
    from storage.sources import Sources

log = structlog.get_logger(__name__)

LOOKS_S = 0.1
STOPPING_LOOKS = 100
"""A painting stops within a step; what takes longer is left to `resume`."""
TELLING_LOOKS = 50
"""How long chats have to say that something was cancelled, before they cannot find it any more."""


class Farewell:
    """Forgets people, one after the other."""

    def __init__(
        self,
        *,
        forgetting: Forgetting,
        people: People,
        pictures: Pictures,
        sources: Sources,
        worker: Worker,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._forgetting = forgetting
        self._people = people
        self._pictures = pictures
        self._sources = sources
        self._worker = worker
        self._sleep = sleep
        self._one_by_one = asyncio.Lock()

    async def forget(self, person: int) -> Forgotten:
        """Forget what this person asked for until now; bare rows stay while budgets count them."""
        wish = await self._forgetting.ask(person)
        log.info("somebody wants to be forgotten", person=person)
        return await self._carry_out(wish)

    async def resume(self) -> int:
        """Go on with what was not finished; for how many people."""
        wishes = await self._forgetting.undone()
        for wish in wishes:
            await self._carry_out(wish)
        return len(wishes)

    async def _carry_out(self, wish: Wish) -> Forgotten:
        async with self._one_by_one:
            stopped = await self._stop(wish)
            await self._until(TELLING_LOOKS, lambda: self._forgetting.untold(wish))
            pictures = 0
            while files := await self._forgetting.delete_pictures(wish):
                await asyncio.to_thread(self._pictures.remove_files, files)
                pictures += len(files)
            uploads = await self._sources.forget(wish.person)
            jobs, last = 0, 0
            while blanked := await self._forgetting.blank_jobs(wish, last):
                jobs, last = jobs + len(blanked), blanked[-1]
            await self._people.forget(wish.person)
            if stopped:
                await self._forgetting.finish(wish)
                log.info("forgotten", person=wish.person, jobs=jobs, pictures=pictures)
            return Forgotten(jobs=jobs, pictures=pictures, uploads=uploads)

    async def _stop(self, wish: Wish) -> bool:
        """Cancel what waits or is painted; whether nothing is any more."""
        for job in await self._forgetting.open_jobs(wish):
            await self._worker.cancel(job)

        async def still_open() -> int:
            return len(await self._forgetting.open_jobs(wish))

        return await self._until(STOPPING_LOOKS, still_open)

    async def _until(self, looks: int, left: Callable[[], Awaitable[int]]) -> bool:
        for _ in range(looks):
            if not await left():
                return True
            await self._sleep(LOOKS_S)
        return False
