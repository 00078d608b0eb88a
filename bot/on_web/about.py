"""The routes that tell about the server and the visitor: models, budget, health."""

from fastapi import APIRouter, Request

from bot.on_web.refusals import DOCUMENTED
from bot.on_web.schemas import HealthOut, MeOut, ModelsOut, maybe_moment
from bot.on_web.views import model_out
from bot.on_web.visit import Here, web_of
from engine.thread import EngineState

router = APIRouter(tags=["about"])

SICK = (EngineState.failed, EngineState.stopped)


@router.get("/api/models", responses=DOCUMENTED)
async def models(visit: Here) -> ModelsOut:
    """The models on offer, the default one first."""
    found = visit.studio.models()
    return ModelsOut(
        models=[model_out(model, default=number == 0) for number, model in enumerate(found)]
    )


@router.get("/api/me", responses=DOCUMENTED)
async def me(visit: Here) -> MeOut:
    """What you have used of your budget, and how many of your jobs wait."""
    usage = await visit.studio.usage(visit.asker)
    return MeOut(
        budget=usage.budget,
        used=usage.used,
        left=round(max(0.0, usage.budget - usage.used), 2),
        frees_at=maybe_moment(usage.frees_at),
        waiting=usage.waiting,
        waiting_limit=usage.waiting_limit,
    )


@router.get("/healthz")
@router.head("/healthz", include_in_schema=False)
async def health(request: Request) -> HealthOut:
    """Whether the server answers, and how far the engine is; for anyone."""
    state = web_of(request).engine_state()
    return HealthOut(ok=state not in SICK, engine=state)
