"""The routes of jobs: ask, again, vary, enlarge, look, cancel, watch. Each asks the studio."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Response

from bot.desk.flags import parse
from bot.desk.studio import JobView, Ticket
from bot.on_web.events import EventStream, last_id
from bot.on_web.refusals import DOCUMENTED, documented
from bot.on_web.schemas import AskIn, HistoryOut, JobOut, UpscaleIn, VaryIn
from bot.on_web.views import job_out
from bot.on_web.visit import Here, PageSize, Search, Visit
from engine.request import Ask

router = APIRouter(prefix="/api", tags=["jobs"], responses=DOCUMENTED)

TAKEN = documented(409, 507)
LastId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=200)]
Key = Annotated[str | None, Header(min_length=1, max_length=200)]


@router.post("/jobs", status_code=202, responses=TAKEN)
async def ask(visit: Here, order: AskIn, idempotency_key: Key = None) -> JobOut:
    """Ask for pictures. A repeated Idempotency-Key gets the first job again, never a second."""
    wanted = typed_over(order.ask(), order.prompt) if order.flags else order.ask()
    ticket = await visit.studio.paint(
        visit.asker, wanted, key=idempotency_key, exact=not order.flags
    )
    return await taken(visit, ticket)


@router.get("/jobs")
async def history(
    visit: Here, search: Search = None, before: str | None = None, limit: PageSize = 20
) -> HistoryOut:
    """Your jobs, newest first; with `search`, those whose prompt has these words."""
    below = (await visit.studio.view(visit.asker, before)).job.id if before else None
    found = await visit.studio.history(visit.asker, before=below, limit=limit + 1, search=search)
    jobs = [job_out(visit, view) for view in found[:limit]]
    return HistoryOut(jobs=jobs, more=len(found) > limit)


@router.get("/jobs/{job}")
async def look(visit: Here, job: str) -> JobOut:
    """A job of yours as it stands now."""
    return job_out(visit, await visit.studio.view(visit.asker, job))


@router.post("/jobs/{job}/again", status_code=202, responses=TAKEN)
async def again(visit: Here, job: str, idempotency_key: Key = None) -> JobOut:
    """Ask for the same once more, with a new seed; Idempotency-Key as in `POST /api/jobs`."""
    return await taken(visit, await visit.studio.again(visit.asker, job, key=idempotency_key))


@router.post("/pictures/{picture}/vary", status_code=202, responses=TAKEN)
async def vary(visit: Here, picture: str, order: VaryIn, idempotency_key: Key = None) -> JobOut:
    """Ask for variations of a picture of yours; Idempotency-Key as in `POST /api/jobs`."""
    ticket = await visit.studio.vary(visit.asker, picture, strong=order.strong, key=idempotency_key)
    return await taken(visit, ticket)


@router.post("/pictures/{picture}/second-look", status_code=202, responses=TAKEN)
async def second_look(visit: Here, picture: str, idempotency_key: Key = None) -> JobOut:
    """Ask for a picture of yours once more, finer, without painting it again."""
    ticket = await visit.studio.second_look(visit.asker, picture, key=idempotency_key)
    return await taken(visit, ticket)


@router.post("/upscales", status_code=202, responses=TAKEN)
async def upscale(visit: Here, order: UpscaleIn, idempotency_key: Key = None) -> JobOut:
    """Ask for a larger picture; Idempotency-Key as in `POST /api/jobs`."""
    ticket = await visit.studio.upscale(
        visit.asker,
        order.source,
        scale=order.scale,
        upscaler=order.upscaler,
        creative=order.creative,
        key=idempotency_key,
    )
    return await taken(visit, ticket)


@router.post("/jobs/{job}/cancel")
async def cancel(visit: Here, job: str) -> JobOut:
    """Cancel a job; harmless when it is over. While it is painted this takes up to one step."""
    await visit.studio.cancel(visit.asker, job)
    return job_out(visit, await visit.studio.view(visit.asker, job))


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


def typed_over(form: Ask, text: str) -> Ask:
    """The request in `text`, its gaps filled by the form beside it: what was typed wins.

    A shape that was typed takes the place of the form's, and the form's shape and steps are those
    of its own model.
    """
    typed = parse(text)
    if typed.model is not None and typed.model != form.model:
        form = replace(form, width=None, height=None, aspect=None, steps=None, guidance=None)
    if typed.aspect is not None or typed.width is not None:
        form = replace(form, width=None, height=None, aspect=None)
    return parse(text, form)


async def taken(visit: Visit, ticket: Ticket) -> JobOut:
    """A job that was just taken on; its events come in the stream of all."""
    visit.web.streams.follow(visit.asker.person.id, ticket.job.public)
    if not (ticket.created and ticket.position):  # it is somewhere else than in the line
        return job_out(visit, await visit.studio.view(visit.asker, ticket.job.public))
    waiting = JobView(
        job=ticket.job,
        position=ticket.position,
        eta_s=ticket.eta_s,
        warming=ticket.warming,
        progress=None,
        pictures=(),
    )
    return job_out(visit, waiting)
