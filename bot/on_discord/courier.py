"""Brings finished jobs to Discord: who may be delivered now, and what an answer is waited for.

How one is delivered is the business of its `Errand`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import discord

from bot.desk.delivery import Later, Undeliverable
from bot.on_discord.errand import Errand
from bot.on_discord.following import Pace

if TYPE_CHECKING:
    from bot.on_discord.parcel import Packer
    from bot.on_discord.posting import Post
    from bot.on_discord.status import Status
    from storage.jobs import Job, Jobs
    from storage.pictures import PictureRow

AT_ONCE_THERE = 2
"""So many deliveries go to one channel at once, so that a slow one leaves room for others."""
BUSY_S = 1.0


class DiscordCourier:
    """Delivers the jobs of Discord; safe to be asked twice for the same one."""

    platform = "discord"

    def __init__(
        self,
        *,
        post: Post,
        status: Status,
        jobs: Jobs,
        packer: Packer,
        titles: Callable[[], Mapping[str, str]],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pace: Pace | None = None,
    ) -> None:
        self._lag_s = (pace or Pace()).lag_s
        self._post = post
        self._status = status
        self._jobs = jobs
        self._packer = packer
        self._titles = titles
        self._clock = clock
        self._sleep = sleep
        self._busy: Counter[int] = Counter()

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Show how `job` ended. Raises `Undeliverable`, `Later`, or anything to be asked again."""
        try:
            where = await self._status.answer(job)
        except ValueError as error:
            raise Undeliverable(str(error)) from None
        if self._busy[where.channel] >= AT_ONCE_THERE:
            raise Later(BUSY_S)
        self._busy[where.channel] += 1
        try:
            cut = await self._status.end(job.public)
            await Errand(
                post=self._post,
                jobs=self._jobs,
                packer=self._packer,
                titles=self._titles,
                clock=self._clock,
                sleep=self._sleep,
                lag_s=self._lag_s,
                job=job,
                where=where,
                pictures=pictures,
            ).bring(twice=cut)
        except discord.RateLimited as error:
            raise Later(error.retry_after) from None
        finally:
            self._busy[where.channel] -= 1
            self._busy += Counter()  # forgets those at zero
