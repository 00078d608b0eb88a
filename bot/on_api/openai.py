"""The routes of OpenAI's images API: generations, edits, variations, models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import APIRouter, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from bot.on_api.asking import KEY, WHOLE, model_called, take
from bot.on_api.calling import Call, Here
from bot.on_api.nearest import Adjusted
from bot.on_api.openai_answers import ImageStream, answer
from bot.on_api.openai_forms import (
    DOCUMENTED,
    ImagesOut,
    ServedModelOut,
    ServedModelsOut,
    VariationIn,
    WishIn,
    form_body,
)
from bot.on_api.pictures import has_holes, mask_of_holes
from engine import metadata
from engine.catalogue import CARD, Model
from engine.errors import UnknownModel
from engine.images import MAX_BYTES
from engine.request import ALPHA, Ask

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=DOCUMENTED)

THEIRS = ("dall-e", "gpt-image", "chatgpt-image")
"""How OpenAI's own models begin, which many programs ask for: ours take their place."""
MOODS = ("vivid", "natural")
USUAL = ("auto", "standard", "medium")
BACKGROUNDS = ("auto", "opaque")
MOST_FILES = 17
"""A mask, and as many pictures as that API takes."""
MOST_FIELDS = 60
LONGEST_FIELD = 64 * 1024

W = TypeVar("W", bound=WishIn)
Key = Annotated[
    str | None,
    Header(
        alias=KEY,
        max_length=200,
        description="A repeated key gets the first job again; and its job stays when nobody waits.",
    ),
]


@router.post("/images/generations", response_model=ImagesOut)
async def generate(call: Here, wish: WishIn, _: Key = None) -> Response:
    """Paint pictures. Sizes, steps and the like become the nearest that is possible."""
    model, adjusted = chosen(call, wish)
    return await painted(call, wish, ask_of(call, wish), model, adjusted, "image_generation")


@router.post(
    "/images/edits",
    response_model=ImagesOut,
    openapi_extra=form_body(WishIn, masked=True),
)
async def edit(call: Here, _: Key = None) -> Response:
    """Paint a picture anew: what is transparent in `mask` or in itself, or all of it.

    With a model that cannot paint parts alone, the whole picture is painted over.
    """
    async with _form(call.request) as form:
        wish = _wish(WishIn, form)
        model, adjusted = chosen(call, wish)
        pictures = await _pictures(form, "image", "image[]")
        mask = (await _pictures(form, "mask"))[:1]
    ask = await _started(call, ask_of(call, wish), pictures)
    if len(pictures) > 1:
        more = Adjusted(field="image", given=f"{len(pictures)} pictures", used="the first")
        adjusted = (*adjusted, more)
    if mask and not model.inpainting:
        adjusted = (*adjusted, WHOLE)
    elif mask:
        made = await asyncio.to_thread(mask_of_holes, mask[0])
        ask = replace(ask, mask=await call.studio.upload(call.asker, made))
    elif model.inpainting and await asyncio.to_thread(has_holes, pictures[0]):
        ask = replace(ask, mask=ALPHA)
    return await painted(call, wish, ask, model, adjusted, "image_edit")


@router.post(
    "/images/variations",
    response_model=ImagesOut,
    openapi_extra=form_body(VariationIn, masked=False),
)
async def vary(call: Here, _: Key = None) -> Response:
    """Paint variations of a picture, with the words that its file or the form tells."""
    async with _form(call.request) as form:
        wish = _wish(VariationIn, form)
        model, adjusted = chosen(call, wish)
        pictures = await _pictures(form, "image")
    ask = await _started(call, ask_of(call, wish), pictures)
    if not ask.prompt:
        known = await asyncio.to_thread(metadata.read, pictures[0])
        ask = replace(ask, prompt="" if known is None else known.prompt)
    if not ask.prompt:
        raise HTTPException(400, "no_words")
    return await painted(call, wish, ask, model, adjusted, "image_generation")


@router.get("/models")
async def models(call: Here) -> ServedModelsOut:
    """The models on offer, the default one first."""
    return ServedModelsOut(data=[_model_out(model) for model in call.studio.models(call.asker)])


@router.get("/models/{model}")
async def model(call: Here, model: str) -> ServedModelOut:
    """A model on offer."""
    return _model_out(model_called(call, model))


def chosen(call: Call, wish: WishIn) -> tuple[Model, tuple[Adjusted, ...]]:
    """The model that is meant, and what of the wish means nothing here. Raises `UnknownModel`."""
    adjusted: list[Adjusted] = []
    try:
        model = model_called(call, wish.model)
    except UnknownModel:
        if wish.model is None or not wish.model.lower().startswith(THEIRS):
            raise
        model = model_called(call, None)
        adjusted.append(Adjusted(field="model", given=wish.model, used=model.name))
    ours = {style.name for style in call.studio.styles()}
    for field, given, known in (
        ("quality", wish.quality, USUAL),
        ("background", wish.background, BACKGROUNDS),
        ("style", wish.style, {*MOODS, *ours}),
    ):
        if given is not None and given.lower() not in known:
            adjusted.append(Adjusted(field=field, given=given))
    return model, tuple(adjusted)


def ask_of(call: Call, wish: WishIn) -> Ask:
    """The wish as a request of ours, its values as they came."""
    width, height = wish.pixels or (None, None)
    style = (wish.style or "").lower()
    return Ask(
        prompt=wish.prompt,
        negative=wish.negative_prompt,
        width=width,
        height=height,
        steps=wish.steps,
        guidance=wish.guidance,
        seed=wish.seed,
        count=wish.n,
        strength=wish.strength,
        scheduler=wish.scheduler,
        upscale=wish.upscale,
        style=style if style in {each.name for each in call.studio.styles()} else None,
    )


async def painted(
    call: Call, wish: WishIn, ask: Ask, model: Model, adjusted: tuple[Adjusted, ...], event: str
) -> Response:
    """Take it on, and answer with its pictures, at the end or as they come."""
    taken = await take(call, ask, model, adjusted)
    if wish.stream:
        return ImageStream(call, wish, taken, event)
    return await answer(call, wish, taken)


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    """The parts of a multipart body; larger files lie on the disk until the block ends."""
    form = await request.form(
        max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LONGEST_FIELD
    )
    try:
        yield form
    finally:
        await form.close()


def _wish(kind: type[W], form: FormData) -> W:
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(found) from None


async def _pictures(form: FormData, *names: str) -> list[bytes]:
    """The files of these names, none longer than can be used anyway."""
    files = [each for name in names for each in form.getlist(name) if isinstance(each, UploadFile)]
    return [await file.read(MAX_BYTES + 1) for file in files]


async def _started(call: Call, ask: Ask, pictures: list[bytes]) -> Ask:
    """The request that starts from the first of the pictures. Raises `BadSource`."""
    if not pictures:
        raise HTTPException(400, "no_image")
    return replace(ask, source=await call.studio.upload(call.asker, pictures[0]))


def _model_out(model: Model) -> ServedModelOut:
    try:
        made = int((model.folder / CARD).stat().st_mtime)
    except OSError:
        made = 0
    return ServedModelOut(id=model.name, created=made, owned_by=model.licence or "atelier")
