"""The routes of the A1111 API about what is here and what goes on: models, options, progress."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response

from bot.on_api.asking import ADJUSTED, model_called
from bot.on_api.calling import Call, Here
from bot.on_api.nearest import LABELS, Adjusted, label_of, told
from bot.on_api.pictures import from_base64, small_png, to_base64
from bot.on_api.sdapi_forms import (
    CHECKPOINT,
    DOCUMENTED,
    A1111ProgressOut,
    PngInfoIn,
    PngInfoOut,
    StateOut,
    checkpoint_in,
)
from engine import metadata
from engine.images import open_picture
from engine.request import SCHEDULERS, Ask

if TYPE_CHECKING:
    from bot.on_api.waiting import Ongoing

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"], responses=DOCUMENTED)

NOTHING: tuple[str, ...] = (
    "loras",
    "hypernetworks",
    "sd-vae",
    "face-restorers",
    "realesrgan-models",
    "latent-upscale-modes",
    "script-info",
)
"""Lists that programs ask for to fill their menus; here they are empty."""


@router.get("/sd-models")
async def models(call: Here) -> list[dict[str, Any]]:
    """The models on offer, the default one first."""
    return [
        {
            "title": model.name,
            "model_name": model.name,
            "hash": None,
            "sha256": None,
            "filename": model.name,
            "config": None,
        }
        for model in call.studio.models(call.asker)
    ]


@router.get("/samplers")
async def samplers(call: Here) -> list[dict[str, Any]]:
    """The schedulers that some model here offers; without any there is but the default."""
    return [
        {"name": label, "aliases": [name] if name else [], "options": {}}
        for name, label in _labels(call).items()
    ]


@router.get("/schedulers")
async def schedulers(call: Here) -> list[dict[str, Any]]:
    """How noise is spaced: each model knows best, so there is but one choice."""
    return [
        {
            "name": "automatic",
            "label": "Automatic",
            "aliases": None,
            "default_rho": -1,
            "need_inner_model": False,
        }
    ]


@router.get("/upscalers")
async def upscalers(call: Here) -> list[dict[str, Any]]:
    """The networks that enlarge, the default one first."""
    return [
        {
            "name": network.name,
            "model_name": network.title,
            "model_path": None,
            "model_url": None,
            "scale": max(network.files, default=2),
        }
        for network in call.studio.upscalers()
    ]


@router.get("/prompt-styles")
async def styles(call: Here) -> list[dict[str, Any]]:
    """The styles on offer."""
    return [
        {"name": style.name, "prompt": style.prompt, "negative_prompt": style.negative}
        for style in call.studio.styles()
    ]


@router.get("/options")
async def options(call: Here) -> dict[str, Any]:
    """Which model paints what names none."""
    return {
        CHECKPOINT: model_called(call, None).name,
        "samples_format": "png",
        "CLIP_stop_at_last_layers": 1,
    }


@router.post("/options")
async def choose(call: Here, chosen: dict[str, Any], response: Response) -> None:
    """Let another model paint what names none, for this key; other options are passed over."""
    others = [name for name in chosen if name != CHECKPOINT]
    if others:
        passed = [Adjusted(field=name[:60], given=str(chosen[name])[:60]) for name in others]
        response.headers[ADJUSTED] = told(passed)
    name = checkpoint_in(chosen)
    if name is not None:
        model = model_called(call, name)
        defaults = call.asker.person.defaults
        before = Ask(prompt="") if defaults is None else Ask.from_json(defaults)
        await call.studio.save_defaults(call.asker, replace(before, model=model.name))


@router.get("/progress")
async def progress(call: Here, skip_current_image: bool = False) -> A1111ProgressOut:
    """How far the caller's oldest request is, and what is to be seen of it."""
    found = call.waiting.ongoing(call.asker.person.id)
    if not found:
        return A1111ProgressOut(progress=0.0, eta_relative=0.0, state=StateOut())
    first = _first(found)
    image = None
    if first.preview is not None and not skip_current_image:
        image = to_base64(await asyncio.to_thread(small_png, first.preview))
    now = first.progress
    return A1111ProgressOut(
        progress=0.0 if now is None else round(now.share, 4),
        eta_relative=round(first.eta_s or 0.0, 1),
        state=StateOut(
            job=first.public,
            job_count=len(found),
            job_no=0 if now is None else now.index,
            sampling_step=0 if now is None else now.step,
            sampling_steps=0 if now is None else now.steps,
        ),
        current_image=image,
    )


@router.post("/interrupt")
@router.post("/skip")
async def interrupt(call: Here) -> dict[str, Any]:
    """Cancel what the caller's oldest request waits for; that one answers without pictures."""
    found = call.waiting.ongoing(call.asker.person.id)
    if found:
        await call.studio.cancel(call.asker, _first(found).public)
    return {}


@router.post("/png-info")
async def png_info(call: Here, wish: PngInfoIn) -> PngInfoOut:
    """What a file says of how its picture was made."""
    data = await asyncio.to_thread(from_base64, "image", wish.image)
    _, found = await asyncio.to_thread(open_picture, data)
    told_of = metadata.parse(found.parameters)
    facts: dict[str, Any] = {}
    if told_of is not None:
        facts = {
            "Prompt": told_of.prompt,
            "Negative prompt": told_of.negative or "",
            "Seed": told_of.seed,
        }
    texts = {name: text for name, text in found.texts if name.isprintable()}
    if found.parameters:
        texts["parameters"] = found.parameters
    return PngInfoOut(info=found.parameters, items=texts, parameters=facts)


@router.get("/cmd-flags")
async def flags(call: Here) -> dict[str, Any]:
    """What this server was started with, as far as other programs ask: nothing of theirs."""
    return {}


@router.get("/embeddings")
async def embeddings(call: Here) -> dict[str, Any]:
    """None are here."""
    return {"loaded": {}, "skipped": {}}


@router.get("/scripts")
async def scripts(call: Here) -> dict[str, Any]:
    """None are here."""
    return {"txt2img": [], "img2img": []}


@router.post("/refresh-checkpoints")
@router.post("/refresh-loras")
@router.post("/refresh-vae")
async def refresh(call: Here) -> None:
    """Nothing to do: models that were added are known after the next start."""


async def _nothing(call: Here) -> list[dict[str, Any]]:
    """Nothing of this kind is here."""
    return []


for _name in NOTHING:
    router.add_api_route(f"/{_name}", _nothing, methods=["GET"], name=_name)


def _first(found: list[Ongoing]) -> Ongoing:
    """The one that is being painted, else the one that waits longest."""
    return next((each for each in found if each.progress is not None), found[0])


def _labels(call: Call) -> dict[str, str]:
    offered = {each for model in call.studio.models(call.asker) for each in model.schedulers}
    found = {name: LABELS[name] for name in SCHEDULERS if name in offered}
    return found or {"": label_of("")}
