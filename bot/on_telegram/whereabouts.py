"""Reads and changes what is kept with a job of Telegram's, one change at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.on_telegram.where import Where

if TYPE_CHECKING:
    from storage.jobs import Job, Jobs


class Whereabouts:
    """The only writer of `Where`: what one part writes down, another never overwrites."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._lock = asyncio.Lock()

    async def of(self, job: Job) -> Where:
        """What is kept now. Raises `ValueError` if nothing readable is."""
        return _read(await self._jobs.by_id(job.id))

    async def change(self, job: Job, change: Callable[[Where], Where]) -> Where:
        """Keep what `change` makes of what is kept; returns it. Raises `ValueError`."""
        async with self._lock:
            kept = _read(await self._jobs.by_id(job.id))
            changed = change(kept)
            if changed != kept:
                await self._jobs.set_message(job.id, changed.to_json())
        return changed


def _read(job: Job) -> Where:
    if job.message is None:
        raise ValueError("nothing is kept of where it belongs")
    return Where.from_json(job.message)
