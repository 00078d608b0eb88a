"""The routes of somebody's own defaults: what fills the gaps of their requests."""

from dataclasses import fields

from fastapi import APIRouter
from pydantic import Field

from bot.on_web.refusals import DOCUMENTED
from bot.on_web.schemas import Exact, Whole
from bot.on_web.visit import Here
from engine.request import Ask

router = APIRouter(prefix="/api/defaults", tags=["about"], responses=DOCUMENTED)


class Defaults(Exact):
    """What fills the gaps of your requests; null leaves it to the model. As in `POST /api/jobs`."""

    negative: str | None = None
    model: str | None = None
    width: Whole | None = None
    height: Whole | None = None
    aspect: str | None = Field(default=None, max_length=40)
    steps: Whole | None = None
    guidance: float | None = None
    count: Whole | None = None
    style: str | None = Field(default=None, max_length=40)
    upscale: Whole | None = None
    upscaler: str | None = Field(default=None, max_length=100)
    creative: float | None = None
    scheduler: str | None = Field(default=None, max_length=40)


NAMES = frozenset(Defaults.model_fields)


@router.get("")
async def defaults(visit: Here) -> Defaults:
    """Your defaults; all null if you have none."""
    try:
        ask = Ask.from_json(visit.asker.person.defaults or "")
    except (ValueError, TypeError):  # none, or of another time
        return Defaults()
    return Defaults(**{f.name: getattr(ask, f.name) for f in fields(Ask) if f.name in NAMES})


@router.put("")
async def keep(visit: Here, order: Defaults) -> Defaults:
    """Set your defaults, all of them; what is not possible is refused as if it were asked for."""
    await visit.studio.save_defaults(visit.asker, Ask(prompt="", **order.model_dump()))
    return order


@router.delete("", status_code=204)
async def forget(visit: Here) -> None:
    """Have no defaults any more."""
    await visit.studio.save_defaults(visit.asker, None)
