"""The routes of jobs: ask, look, cancel, watch. Each asks the studio and shows its answer."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from bot.desk.flags import parse
from bot.desk.studio import JobView
from bot.on_web.events import EventStream, last_id
from bot.on_web.refusals import DOCUMENTED
from bot.on_web.schemas import AskIn, HistoryOut, JobOut
from bot.on_web.views import job_out
from bot.on_web.visit import Here

router = APIRouter(prefix="/api", tags=["jobs"], responses=DOCUMENTED)

LastId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=200)]
Key = Annotated[str | None, Header(min_length=1, max_length=200)]
PageSize = Annotated[int, Query(ge=1, le=100)]


@router.post("/jobs", status_code=202)
async def ask(visit: Here, order: AskIn, idempotency_key: Key = None) -> JobOut:
    """Ask for pictures. A repeated Idempotency-Key gets the first job again, never a second."""
    wanted = parse(order.prompt, order.ask()) if order.flags else order.ask()
    ticket = await visit.studio.paint(
        visit.asker, wanted, key=idempotency_key, exact=not order.flags
    )
    visit.web.streams.follow(visit.asker.person.id, ticket.job.public)
    return job_out(visit.ear, await visit.studio.view(visit.asker, ticket.job.public))


@router.get("/jobs")
async def history(visit: Here, before: str | None = None, limit: PageSize = 20) -> HistoryOut:
    """Your jobs, newest first."""
    below = (await visit.studio.view(visit.asker, before)).job.id if before else None
    found = await visit.studio.history(visit.asker, before=below, limit=limit + 1)
    jobs = [job_out(visit.ear, view) for view in found[:limit]]
    return HistoryOut(jobs=jobs, more=len(found) > limit)


@router.get("/jobs/{job}")
async def look(visit: Here, job: str) -> JobOut:
    """A job of yours as it stands now."""
    return job_out(visit.ear, await visit.studio.view(visit.asker, job))


@router.post("/jobs/{job}/cancel")
async def cancel(visit: Here, job: str) -> JobOut:
    """Cancel a job; harmless when it is over. While it is painted this takes up to one step."""
    await visit.studio.cancel(visit.asker, job)
    return job_out(visit.ear, await visit.studio.view(visit.asker, job))


@router.get("/jobs/{job}/events", status_code=200, response_class=EventStream)
async def watch(visit: Here, job: str, last_event_id: LastId = None) -> Response:
    """Watch a job: `queued`, `step`, `preview`, and at last `done`, `failed` or `cancelled`.

    It begins with the present state and ends with the job. Whoever reconnects after the last
    event gets 204, which tells browsers to stay away.
    """
    await visit.studio.view(visit.asker, job)
    if last_event_id == last_id(job):
        return Response(status_code=204)
    return EventStream(visit, [job])


@router.get("/events", status_code=200, response_class=EventStream)
async def watch_all(visit: Here) -> Response:
    """Watch all your jobs in one stream, those to come included; it does not end by itself.

    Browsers open at most six connections to a server, which is why the page uses this one.
    """
    jobs: list[JobView] = await visit.studio.history(visit.asker, limit=100)
    unfinished = [view.job.public for view in jobs if not view.job.state.final]
    return EventStream(visit, unfinished, whole=True)
