"""What admins do with the jobs of their server: look at them, cancel one or all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.desk.texts import office as says
from bot.on_discord.commands import admin_panels as panels
from bot.on_discord.marks import MARKS
from storage.jobs import JobState

if TYPE_CHECKING:
    from discord import ui

    from bot.on_discord.commands.admin_visit import Visit

LISTED = 100


async def see(visit: Visit, *, everywhere: bool = False) -> None:
    """Show what is being painted and what waits."""
    await visit.show(await _panel(visit, everywhere=everywhere))


async def cancel(visit: Visit, public: str, *, everywhere: bool = False) -> None:
    """Cancel one job of this server; an operator: of any."""
    job = await visit.office.cancel(visit.asker, public)
    over = job.state in (JobState.DONE, JobState.FAILED)
    said = says.job_cancelled(f"`{job.public}`", visit.lang, over=over)
    await visit.done(await _panel(visit, said, everywhere=everywhere))


async def ask_all(visit: Visit, *, everywhere: bool = False) -> None:
    """Ask whether they are sure."""
    views = await visit.office.jobs(visit.asker, limit=LISTED, everywhere=everywhere)
    await visit.show(panels.cancel_all(len(views), visit.lang, everywhere=everywhere))


async def cancel_all(visit: Visit, *, everywhere: bool = False) -> None:
    """Cancel every job of this server, or of all."""
    n = await visit.office.cancel_all(visit.asker, everywhere=everywhere)
    said = says.cancelled_all(n, visit.lang)
    view = await _panel(visit, said, everywhere=everywhere)
    await visit.done(view, 0 if everywhere else 1)


async def _panel(visit: Visit, said: str = "", *, everywhere: bool = False) -> ui.LayoutView:
    views = await visit.office.jobs(visit.asker, limit=LISTED, everywhere=everywhere)
    shown = views[: panels.JOBS_SHOWN]
    people = [await visit.office.asked_by(visit.asker, view.job) for view in shown]
    names = [MARKS.person(person.external) for person in people]
    more = len(views) - len(shown)
    return panels.jobs(
        list(zip(shown, names, strict=True)), more, visit.lang, said=said, everywhere=everywhere
    )
