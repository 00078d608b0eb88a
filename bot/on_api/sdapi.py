"""The routes of the A1111 API that make pictures: from words, from pictures, larger ones."""

from __future__ import annotations

import asyncio
import json
import math
import time
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from bot.on_api.asking import (
    ADJUSTED,
    JOB,
    WHOLE,
    Painted,
    Taken,
    finished,
    in_line,
    model_called,
    take,
)
from bot.on_api.calling import Call, Here
from bot.on_api.errors import Unserved
from bot.on_api.nearest import Adjusted, label_of, nearest_network, nearest_scale, told
from bot.on_api.pictures import from_base64, has_holes, mask_of_whites, read_all, to_base64
from bot.on_api.sdapi_forms import (
    DOCUMENTED,
    AllEnlargedOut,
    EnlargeAllIn,
    EnlargedOut,
    EnlargeIn,
    ImageToImageIn,
    PaintedOut,
    PaintIn,
    TextToImageIn,
)
from engine.errors import InvalidRequest, UnknownModel
from engine.images import size_of
from engine.metadata import SOFTWARE, parameters
from engine.request import ALPHA, Ask
from storage.picture import Veil

if TYPE_CHECKING:
    from engine.catalogue import Model

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"], responses=DOCUMENTED)

STRENGTH = 0.75
"""What that API takes when nothing is said."""
PICTURES = ("init_images", "mask")


@router.post("/txt2img", response_model=PaintedOut)
async def from_words(call: Here, wish: TextToImageIn) -> Response:
    """Paint pictures. Sizes, steps and the like become the nearest that is possible."""
    model, adjusted = chosen(call, wish)
    ask, more = ask_of(call, wish)
    if wish.enable_hr:
        scale = wish.hr_scale or 2.0
        whole = max(1, min(round(scale), 1000))
        ask = replace(ask, upscale=whole, upscaler=wish.hr_upscaler)
        if whole != scale:
            more = (*more, Adjusted(field="hr_scale", given=f"{scale:g}", used=f"{whole}"))
    return await painted(call, wish, ask, model, adjusted + more)


@router.post("/img2img", response_model=PaintedOut)
async def from_picture(call: Here, wish: ImageToImageIn) -> Response:
    """Paint a picture anew: where `mask` is white, or all of it."""
    if not wish.init_images:
        raise HTTPException(422, "no_init_image")
    model, adjusted = chosen(call, wish)
    ask, more = ask_of(call, wish)
    data = await asyncio.to_thread(from_base64, "init_images", wish.init_images[0])
    strength = STRENGTH if wish.denoising_strength is None else wish.denoising_strength
    source = await call.studio.upload(call.asker, data)
    ask = replace(ask, source=source, strength=strength)
    if ask.width is None and ask.height is None:  # then it is that of the picture
        width, height = await asyncio.to_thread(size_of, data)
        ask = replace(ask, width=width, height=height)
    if len(wish.init_images) > 1:
        given = f"{len(wish.init_images)} pictures"
        more = (*more, Adjusted(field="init_images", given=given, used="the first"))
    if wish.mask and not model.inpainting:
        more = (*more, WHOLE)
    elif wish.mask:
        mask = await asyncio.to_thread(_mask, wish)
        ask = replace(ask, mask=await call.studio.upload(call.asker, mask))
    elif model.inpainting and await asyncio.to_thread(has_holes, data):
        ask = replace(ask, mask=ALPHA)
    return await painted(call, wish, ask, model, adjusted + more)


@router.post("/extra-single-image", response_model=EnlargedOut)
async def enlarge(call: Here, wish: EnlargeIn) -> Response:
    """Enlarge a picture, by the nearest scale that is possible."""
    file, taken, adjusted = await _enlarged(call, wish, wish.image)
    out = EnlargedOut(html_info=escape(told(adjusted)), image=to_base64(file))
    return _response(out.model_dump_json(), [taken], adjusted)


@router.post("/extra-batch-images", response_model=AllEnlargedOut)
async def enlarge_all(call: Here, wish: EnlargeAllIn) -> Response:
    """Enlarge pictures, one after the other."""
    files, takens = [], []
    found: tuple[Adjusted, ...] = ()
    for picture in wish.imageList:
        one = EnlargeIn.model_validate(wish.model_dump(exclude={"imageList"}))
        file, taken, more = await _enlarged(call, one, picture.data)
        files.append(to_base64(file))
        takens.append(taken)
        found += more
    adjusted = tuple(dict.fromkeys(found))
    out = AllEnlargedOut(html_info=escape(told(adjusted)), images=files)
    return _response(out.model_dump_json(), takens, adjusted)


def chosen(call: Call, wish: PaintIn) -> tuple[Model, tuple[Adjusted, ...]]:
    """The model that is meant; one that is not here gives way to the default, and that is told."""
    try:
        return model_called(call, wish.checkpoint), ()
    except UnknownModel as unknown:
        model = model_called(call, None)
        return model, (Adjusted(field="model", given=unknown.name[:60], used=model.name),)


def ask_of(call: Call, wish: PaintIn) -> tuple[Ask, tuple[Adjusted, ...]]:
    """The wish as a request of ours, its values as they came; and what of it means nothing here."""
    prompt, networks = wish.words
    adjusted = [Adjusted(field="prompt", given=each[:60]) for each in networks]
    ours = {style.name: style.name for style in call.studio.styles()}
    ours |= {style.title.lower(): style.name for style in call.studio.styles()}
    known = [ours[each.lower()] for each in wish.style_names if each.lower() in ours]
    used = known[:1]
    adjusted += [
        Adjusted(field="styles", given=each[:60])
        for each in wish.style_names
        if ours.get(each.lower()) not in used
    ]
    return (
        Ask(
            prompt=prompt,
            negative=wish.negative_prompt or None,
            width=wish.width,
            height=wish.height,
            steps=wish.steps,
            guidance=wish.cfg_scale,
            seed=wish.seed,
            count=wish.count,
            scheduler=wish.sampler,
            style=used[0] if used else None,
        ),
        tuple(adjusted),
    )


async def painted(
    call: Call, wish: PaintIn, ask: Ask, model: Model, adjusted: tuple[Adjusted, ...]
) -> Response:
    """Take it on, wait, and answer with its pictures; with none if it was interrupted."""
    taken = await take(call, ask, model, adjusted)
    echo = wish.model_dump(exclude=set(PICTURES))
    try:
        done = await finished(call, taken)
    except Unserved as error:
        if error.code != "job_cancelled":
            raise
        out = PaintedOut(images=[], parameters=echo, info=json.dumps(_told(taken)))
        return _response(out.model_dump_json(), [taken], taken.adjusted)
    files = [file for _, file in await read_all(call, done.view)]
    images = [to_base64(file) for file in files] if wish.send_images is not False else []
    out = PaintedOut(images=images, parameters=echo, info=json.dumps(info_of(done, model)))
    body = await asyncio.to_thread(out.model_dump_json)
    return _response(body, [taken], taken.adjusted)


def info_of(done: Painted, model: Model) -> dict[str, Any]:
    """How the pictures were made, under the names that other programs read."""
    paint, job = done.view.job.paint, done.view.job
    each = [paint.alone(number) for number in range(paint.count)]
    prompts, negatives = [paint.prompt] * paint.count, [paint.negative] * paint.count
    width, height = paint.final_size
    moment = time.localtime(job.created_at)
    return {
        "prompt": paint.prompt,
        "all_prompts": prompts,
        "negative_prompt": paint.negative,
        "all_negative_prompts": negatives,
        "seed": paint.seed,
        "all_seeds": [one.seed for one in each],
        "subseed": paint.seed,
        "all_subseeds": [one.seed for one in each],
        "subseed_strength": 0,
        "width": width,
        "height": height,
        "sampler_name": label_of(paint.scheduler or model.scheduler),
        "cfg_scale": paint.guidance,
        "steps": paint.steps,
        "batch_size": paint.count,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": paint.model,
        "sd_model_hash": "",
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": paint.strength if paint.source is not None else None,
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": [parameters(one) for one in each],
        "styles": [],
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", moment),
        "clip_skip": 1,
        "is_using_inpainting_conditioning": paint.mask is not None,
        "version": SOFTWARE,
        **_told(done.taken),
        "atelier_notes": list(done.notes),
        "atelier_veiled": [row.index for row in done.view.pictures if row.veil is not Veil.OPEN],
    }


def _told(taken: Taken) -> dict[str, Any]:
    adjusted = [
        {"field": each.field, "given": each.given, "used": each.used} for each in taken.adjusted
    ]
    return {"atelier_job": taken.ticket.job.public, "atelier_adjusted": adjusted}


async def _enlarged(
    call: Call, wish: EnlargeIn, picture: str
) -> tuple[bytes, Taken, tuple[Adjusted, ...]]:
    data = await asyncio.to_thread(from_base64, "image", picture)
    source = await call.studio.upload(call.asker, data)
    width, height = await asyncio.to_thread(size_of, data)
    wanted = _scale(wish, width, height)
    networks = call.studio.upscalers()
    scale = max(2, nearest_scale(wanted, width, height))  # the smallest is refused if too large
    adjusted: list[Adjusted] = []
    if scale != wanted:
        adjusted.append(Adjusted(field="upscaling_resize", given=f"{wanted:g}", used=f"{scale}"))
    named = None if (wish.upscaler_1 or "None") == "None" else wish.upscaler_1
    upscaler = nearest_network(named, networks, adjusted)
    ticket = await in_line(
        call,
        lambda: call.studio.upscale(
            call.asker, source, scale=scale, upscaler=upscaler, private=True
        ),
    )
    taken = Taken(ticket=ticket, adjusted=tuple(adjusted), kept=False)
    done = await finished(call, taken)
    files = await read_all(call, done.view)
    if not files:
        raise HTTPException(404, "not_found")
    return files[0][1], taken, tuple(adjusted)


def _scale(wish: EnlargeIn, width: int, height: int) -> float:
    """By how much the picture is to become larger. Raises `InvalidRequest`."""
    if wish.resize_mode == 1:
        ratios = [
            wanted / side
            for wanted, side in (
                (wish.upscaling_resize_w, width),
                (wish.upscaling_resize_h, height),
            )
            if wanted and wanted > 0
        ]
        scale = max(ratios, default=2.0)
    else:
        scale = 2.0 if wish.upscaling_resize is None else wish.upscaling_resize
    if not 0 < scale < math.inf:
        raise InvalidRequest("upscale", f"{scale:g}", "1–16")
    return scale


def _mask(wish: ImageToImageIn) -> bytes:
    return mask_of_whites(
        from_base64("mask", wish.mask or ""),
        inverted=bool(wish.inpainting_mask_invert),
        blur=wish.mask_blur or 0,
    )


def _response(body: str, taken: list[Taken], adjusted: tuple[Adjusted, ...]) -> Response:
    headers = {JOB: ", ".join(each.ticket.job.public for each in taken)}
    if adjusted:
        headers[ADJUSTED] = told(adjusted)
    return Response(body, media_type="application/json", headers=headers)
