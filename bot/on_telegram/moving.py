"""Follows a group that becomes a supergroup: it has a new id, its rules and jobs stay its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from bot.on_telegram.whereabouts import Whereabouts
    from storage.jobs import Jobs
    from storage.places import Places

log = structlog.get_logger(__name__)


class Moving:
    """Writes the new id wherever the old one stands; harmless to repeat."""

    def __init__(self, *, jobs: Jobs, places: Places, whereabouts: Whereabouts) -> None:
        self._jobs = jobs
        self._places = places
        self._whereabouts = whereabouts

    async def follow(self, old: int, new: int) -> None:
        """The group `old` is the supergroup `new` from now on."""
        await self._places.rename("telegram", str(old), str(new))
        moved = 0
        unfinished = await self._jobs.unfinished("telegram")
        for job in (*unfinished, *await self._jobs.undelivered("telegram")):
            try:
                where = await self._whereabouts.of(job)
            except ValueError:
                continue
            if where.chat == old:
                await self._whereabouts.change(job, lambda w: w.moved(new))
                moved += 1
        log.info("a group has become a supergroup", old=old, new=new, jobs=moved)
