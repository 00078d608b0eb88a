"""Finds the message that a variation came from, for a link under its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.on_discord import layout
from bot.on_discord.where import Where
from storage.errors import NotFound

if TYPE_CHECKING:
    from storage.jobs import Job, Jobs


async def origin_of(job: Job, jobs: Jobs) -> str | None:
    """The address of the message of the job that `job` came from.

    None if there is none, or if those who see the one may not see the other.
    """
    if job.parent is None:
        return None
    try:
        parent = await jobs.get(job.parent)
        where = Where.from_json(parent.message or "")
    except (NotFound, ValueError):
        return None
    hidden = parent.private and not job.private
    return None if hidden or parent.place != job.place else layout.link(where)
