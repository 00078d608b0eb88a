"""The routes that tell about the server and the visitor: models, styles, budget, health."""

from fastapi import APIRouter, Request

from bot.on_web.offers import (
    ForgottenOut,
    HealthOut,
    MeOut,
    ModelsOut,
    StyleOut,
    StylesOut,
    UpscalersOut,
)
from bot.on_web.refusals import DOCUMENTED
from bot.on_web.schemas import maybe_moment
from bot.on_web.views import model_out, upscaler_out
from bot.on_web.visit import Here, web_of
from engine.networks import SCALES
from engine.request import Limits
from engine.thread import EngineState

router = APIRouter(tags=["about"])

SICK = (EngineState.failed, EngineState.stopped)


@router.get("/api/models", responses=DOCUMENTED)
async def models(visit: Here) -> ModelsOut:
    """The models on offer, the default one first."""
    seconds = visit.studio.usual_seconds
    return ModelsOut(
        models=[
            model_out(model, default=number == 0, seconds=await seconds(model))
            for number, model in enumerate(visit.studio.models())
        ],
        most=Limits().max_count,
    )


@router.get("/api/styles", responses=DOCUMENTED)
async def styles(visit: Here) -> StylesOut:
    """The styles on offer."""
    return StylesOut(
        styles=[
            StyleOut(
                name=style.name, title=style.title, prompt=style.prompt, negative=style.negative
            )
            for style in visit.studio.styles()
        ]
    )


@router.get("/api/upscalers", responses=DOCUMENTED)
async def upscalers(visit: Here) -> UpscalersOut:
    """The networks that enlarge, the default one first; none at all if none is installed."""
    found = visit.studio.upscalers()
    return UpscalersOut(
        upscalers=[upscaler_out(each, default=number == 0) for number, each in enumerate(found)],
        scales=list(SCALES) if found else [],
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


@router.post("/api/forget", responses=DOCUMENTED)
async def forget(visit: Here) -> ForgottenOut:
    """Delete your pictures, prompts and uploads, for good, and stop what is being painted.

    What you have used of your budget stays, without words, until it would have come back.
    """
    gone = await visit.studio.forget(visit.asker)
    return ForgottenOut(jobs=gone.jobs, pictures=gone.pictures, uploads=gone.uploads)


@router.get("/healthz", response_model_exclude_none=True)
@router.head("/healthz", include_in_schema=False)
async def health(request: Request) -> HealthOut:
    """Whether the server answers, how far the engine is, and how the chats stand; for anyone."""
    web = web_of(request)
    state, chats = web.engine_state(), web.chats()
    return HealthOut(
        ok=state not in SICK,
        engine=state,
        discord=chats.get("discord"),
        telegram=chats.get("telegram"),
        disk="full" if web.studio.disk_full else "ok",
    )
