"""The routes that the admin view asks: how things stand, and what the operator decides."""

import hmac
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field

from bot.desk.keeping import Swept
from bot.desk.oversight import LONGEST_BAN_S, Oversight
from bot.desk.overview import DiskView, ModelRow, Now, PersonRow, PersonView, Row
from bot.desk.texts.changes import change
from bot.desk.texts.office import Marks
from bot.on_web.refusals import DOCUMENTED
from bot.on_web.visit import web_of
from bot.on_web.words import Ear
from storage.hours import Hour
from storage.incidents import Incident, Kind

ASKED_BY = "x-atelier-admin"
"""A header that the scripts send: no form and no picture of another site can."""
RANGES = {"day": 24, "week": 7 * 24, "month": 30 * 24, "year": 365 * 24}


async def oversight_of(request: Request, response: Response) -> Oversight:
    """What the operator may do; 401 for everybody else."""
    web = web_of(request)
    if web.door is None or web.oversight is None:
        raise HTTPException(404, "not_found")
    if not hmac.compare_digest(request.headers.get(ASKED_BY, "").encode(), b"1"):
        raise HTTPException(403, "other_site")
    if not web.door.is_open(request.headers.get("cookie", "")):
        raise HTTPException(401, "sign_in_needed")
    response.headers["Cache-Control"] = "no-store"
    return web.oversight


Over = Annotated[Oversight, Depends(oversight_of)]
Number = Annotated[int, Path(ge=1, le=2**53)]
router = APIRouter(prefix="/admin/api", include_in_schema=False, responses=DOCUMENTED)


class CountOut(BaseModel):
    """How many it were."""

    count: int


class PeopleOut(BaseModel):
    people: list[PersonRow]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Something an admin or the operator decided, as a sentence."""

    at: float
    words: str


class LogOut(BaseModel):
    incidents: list[Incident]
    more: bool


class BanIn(BaseModel):
    """For how long; null is for good."""

    seconds: float | None = Field(gt=0, le=LONGEST_BAN_S)


class GiftIn(BaseModel):
    credits: float = Field(gt=0, le=1_000_000)


class BudgetIn(BaseModel):
    """Credits a day; null is what everybody has."""

    credits: float | None = Field(ge=0, le=1_000_000)


@router.get("/now")
async def now(over: Over) -> Now:
    return await over.now()


@router.get("/queue")
async def queue(over: Over) -> list[Row]:
    return await over.queue()


@router.post("/queue/cancel")
async def cancel_all(over: Over) -> CountOut:
    return CountOut(count=await over.cancel_all())


@router.post("/jobs/{job}/cancel", status_code=204)
async def cancel(over: Over, job: str) -> None:
    await over.cancel(job)


@router.post("/jobs/{job}/{place}", status_code=204)
async def move(over: Over, job: str, place: Literal["first", "last"]) -> None:
    await over.move(job, first=place == "first")


@router.get("/people")
async def people(
    over: Over,
    words: Annotated[str, Query(max_length=200)] = "",
    banned: bool = False,
    skip: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> PeopleOut:
    found, more = await over.people(words, banned=banned, skip=skip)
    return PeopleOut(people=found, more=more)


@router.get("/people/{number}")
async def person(over: Over, number: Number) -> PersonView:
    return await over.person(number)


@router.post("/people/{number}/ban")
async def ban(over: Over, number: Number, order: BanIn) -> PersonView:
    await over.ban(number, order.seconds)
    return await over.person(number)


@router.post("/people/{number}/unban")
async def unban(over: Over, number: Number) -> PersonView:
    await over.unban(number)
    return await over.person(number)


@router.post("/people/{number}/give")
async def give(over: Over, number: Number, order: GiftIn) -> PersonView:
    await over.give(number, order.credits)
    return await over.person(number)


@router.post("/people/{number}/budget")
async def set_budget(over: Over, number: Number, order: BudgetIn) -> PersonView:
    await over.set_budget(number, order.credits)
    return await over.person(number)


@router.post("/people/{number}/reset")
async def reset(over: Over, number: Number) -> PersonView:
    await over.reset(number)
    return await over.person(number)


@router.post("/people/{number}/cancel")
async def cancel_of(over: Over, number: Number) -> CountOut:
    return CountOut(count=await over.cancel_of(number))


@router.get("/models")
async def models(over: Over) -> list[ModelRow]:
    return await over.models()


@router.get("/disk")
async def disk(over: Over) -> DiskView:
    return await over.disk()


@router.post("/disk/tidy")
async def tidy(over: Over, dry: bool = False) -> list[Swept]:
    return await over.tidy(dry=dry)


@router.get("/hours")
async def hours(over: Over, span: Literal["day", "week", "month", "year"] = "day") -> list[Hour]:
    return await over.hours(RANGES[span])


@router.get("/log")
async def incidents(
    over: Over, kind: Kind | None = None, before: Annotated[int | None, Query(ge=0)] = None
) -> LogOut:
    found, more = await over.incidents(kind, before)
    return LogOut(incidents=found, more=more)


@router.get("/decisions")
async def decisions(over: Over, request: Request) -> list[Decision]:
    language = Ear.of(request.headers).language
    entries, names = await over.decisions()
    marks = Marks(person=lambda external: names.get(external, external))
    return [Decision(at=each.at, words=change(each, language, marks=marks)) for each in entries]
