"""How an `Ask` becomes a `Paint`: gaps are filled, every value is checked, the price is found.

Imports nothing heavy either.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from engine.errors import BrokenModel, InvalidRequest, UnknownModel, Unusable
from engine.networks import SCALES, Networks
from engine.request import ALPHA, LONGEST_SIDE, SEEDS, Ask, Limits, Note, Paint, Resolved, Upscale

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.catalogue import Model
    from engine.networks import Network

CREATIVE = (0.05, 0.6)
"""How much of an enlarged picture may be painted over; with more, every tile is another picture."""

STRENGTH = 0.6
"""The share of the steps that repaint a source, where nothing else was asked for."""

SECOND_LOOK = 50
"""Hundredths of a credit for decoding a picture of the model's first size again."""


def resolve(
    ask: Ask,
    model: Model,
    *,
    draw_seed: Callable[[], int],
    limits: Limits | None = None,
    defaults: Ask | None = None,
    exact: bool = False,
    networks: Networks | None = None,
) -> Resolved:
    """Fill the gaps of `ask` and check every value against `limits`, the model and the networks.

    `defaults` fills what was left open (its prompt is not read); defaults that do not apply to the
    model are dropped with a note. What the *asker* gave and the model cannot use becomes a note,
    or `Unusable` if `exact`. Raises `InvalidRequest` for impossible values; nothing is corrected
    silently.
    """
    limits = limits or Limits()
    notes: list[Note] = []
    usable, dropped = _applicable(defaults, model, limits, networks)
    notes += [Note(code="default_dropped", field=name, model=model.name) for name in dropped]
    given = {f.name: getattr(ask, f.name) for f in fields(ask)}
    for name in _unusable(given, model, usable):
        if exact:
            raise Unusable(name, model.name)
        notes.append(Note(code="unused", field=name, model=model.name, given=str(given[name])))
        given[name] = None
    asked_size = any(given[n] is not None for n in ("width", "height", "aspect"))
    for name, value in usable.items():
        if asked_size and name in ("width", "height", "aspect"):
            continue
        if given[name] is None:
            given[name] = value

    prompt = " ".join(str(given["prompt"]).split())
    if not prompt:
        raise InvalidRequest("prompt", "", f"1–{limits.max_prompt} characters")
    _within("prompt", len(prompt), 1, limits.max_prompt, " characters")
    negative = " ".join(str(given["negative"] or "").split())
    _within("negative", len(negative), 0, limits.max_prompt, " characters")
    width, height = _size(given, model, notes)
    steps = model.default_steps if given["steps"] is None else given["steps"]
    _within("steps", steps, model.min_steps, min(model.max_steps, limits.max_steps))
    guidance = model.default_guidance if given["guidance"] is None else float(given["guidance"])
    if model.guidance:
        _within("guidance", guidance, 0.0, model.max_guidance)
    seed = draw_seed() if given["seed"] is None else given["seed"]
    _within("seed", seed, 0, SEEDS - 1)
    count = 1 if given["count"] is None else given["count"]
    _within("count", count, 1, limits.max_count)
    usual = STRENGTH if given["mask"] is None else 1.0  # inside a mask all is to be new
    strength = usual if given["strength"] is None else float(given["strength"])
    _within("strength", strength, 0.05, 1.0)
    if ask.upscale is None and max(width, height) * (given["upscale"] or 1) > LONGEST_SIDE:
        notes.append(Note(code="default_dropped", field="upscale", model=model.name))
        given["upscale"] = None
    network = upscale = None
    if given["upscale"] not in (None, 1):
        network = (networks or Networks()).choose(given["upscaler"])
        upscale = Upscale(scale=given["upscale"], network=network.name, creative=given["creative"])
        check_upscale(upscale, width, height, model)
    scheduler = given["scheduler"] or ""
    if scheduler and scheduler not in model.schedulers:
        raise InvalidRequest("scheduler", scheduler[:60], ", ".join(model.schedulers))
    mask = given["mask"]
    if mask not in (None, ALPHA) and not mask.startswith("upload:"):
        raise InvalidRequest("mask", mask[:60], f"{ALPHA}, upload:…")
    paint = Paint(
        prompt=prompt,
        negative=negative,
        model=model.name,
        width=width,
        height=height,
        steps=steps,
        guidance=guidance,
        seed=seed,
        count=count,
        source=given["source"],
        strength=strength,
        upscale=upscale,
        scheduler=scheduler,
        mask=mask,
    )
    return Resolved(paint=paint, notes=tuple(notes), cost=cost(paint, model, network))


def check_upscale(upscale: Upscale, width: int, height: int, model: Model | None) -> None:
    """Refuse what cannot be made of width × height pixels; `model` is to be `creative` with.

    Raises `InvalidRequest`, or `Unusable` for a model that starts from no picture.
    """
    scale = upscale.scale
    if scale not in SCALES:
        raise InvalidRequest("upscale", f"{scale}", ", ".join(str(each) for each in SCALES))
    if max(width, height) * scale > LONGEST_SIDE:
        most = f"{LONGEST_SIDE}×{LONGEST_SIDE}"
        raise InvalidRequest("upscale", f"×{scale} of {width}×{height}", most)
    if upscale.creative is not None:
        _within("creative", upscale.creative, *CREATIVE)
        if model is None or not model.image_to_image:
            raise Unusable("creative", "" if model is None else model.name)


def cost(paint: Paint, model: Model | None, network: Network | None = None) -> float:
    """The price in credits, in hundredths: one picture at the model's defaults costs 1.

    Enlarging costs what its network asks for a megapixel of the result; being creative with it, as
    much as painting the share of it that is painted over.
    """
    cents = 0.0
    final = math.prod(paint.final_size)
    if paint.latents_of is not None and model is not None:
        cents += SECOND_LOOK * paint.width * paint.height / math.prod(model.sizes[0])
    elif model is not None:
        native = model.sizes[0][0] * model.sizes[0][1] * model.default_steps
        if paint.paints:
            cents += 100 * paint.width * paint.height * paint.working_steps / native
        if paint.upscale is not None and paint.upscale.creative is not None:
            each = max(1.0, paint.steps * paint.upscale.creative)  # no tile takes less than one
            area = math.prod(map(max, paint.final_size, model.sizes[0]))  # nor less than a tile
            cents += 100 * area * each / native
    if network is not None:
        cents += max(1.0, 100 * network.price * final / 1_000_000)
    return max(1, math.ceil(round(cents * paint.count, 6))) / 100


def _unusable(given: dict[str, Any], model: Model, usable: dict[str, Any]) -> list[str]:
    """The given fields that `model` has no use for, when `usable` fills the gaps."""
    found = []
    if given["negative"] and not model.negative:
        found.append("negative")
    if given["guidance"] is not None and not model.guidance:
        found.append("guidance")
    if given["source"] is not None and not model.image_to_image:
        found.append("source")
    if given["strength"] is not None and (given["source"] is None or "source" in found):
        found.append("strength")
    if given["mask"] is not None and (
        given["source"] is None or "source" in found or not model.inpainting
    ):
        found.append("mask")
    if given["scheduler"] is not None and not model.schedulers:
        found.append("scheduler")
    scale = usable.get("upscale") if given["upscale"] is None else given["upscale"]
    if given["upscaler"] is not None and scale in (None, 1):
        found.append("upscaler")
    if given["creative"] is not None and (scale in (None, 1) or not model.image_to_image):
        found.append("creative")
    return found


def _applicable(
    defaults: Ask | None, model: Model, limits: Limits, networks: Networks | None
) -> tuple[dict[str, Any], list[str]]:
    """The defaults that this model can use, and the names of those it cannot."""
    if defaults is None:
        return {}, []
    usable = {
        f.name: value
        for f in fields(defaults)
        if f.name not in ("prompt", "model", "source", "mask", "style")
        and (value := getattr(defaults, f.name)) is not None
    }
    dropped = []
    for name in list(usable):
        trial = Ask(**({"prompt": "x", name: usable[name]}))
        if name in ("width", "height"):
            trial = replace(trial, width=usable.get("width"), height=usable.get("height"))
        if name in ("upscaler", "creative"):
            trial = replace(trial, upscale=2)
        try:
            if name == "strength":
                continue
            resolve(trial, model, draw_seed=lambda: 0, limits=limits, exact=True, networks=networks)
        except (InvalidRequest, Unusable, UnknownModel, BrokenModel):
            dropped.append(name)
    return {k: v for k, v in usable.items() if k not in dropped}, dropped


def _size(given: dict[str, Any], model: Model, notes: list[Note]) -> tuple[int, int]:
    width, height, aspect = given["width"], given["height"], given["aspect"]
    offered = ", ".join(f"{w}×{h}" for w, h in model.sizes)
    if aspect is not None:
        if width is not None or height is not None:
            raise InvalidRequest("aspect", aspect, "either an aspect or a width and height")
        return _nearest_size(aspect, model, notes)
    if width is None and height is None:
        return model.sizes[0]
    if width is None or height is None:
        of_one = [s for s in model.sizes if width in (None, s[0]) and height in (None, s[1])]
        if of_one:
            return of_one[0]
    elif (width, height) in model.sizes:
        return width, height
    raise InvalidRequest("size", f"{width or '?'}×{height or '?'}", offered)


def _nearest_size(aspect: str, model: Model, notes: list[Note]) -> tuple[int, int]:
    parts = aspect.replace("/", ":").replace("x", ":").split(":")
    try:
        across, down = (float(p) for p in parts)
        ratio = across / down
        if not (0 < ratio < math.inf):
            raise ValueError
        wanted = math.log(ratio)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise InvalidRequest("aspect", aspect, "two numbers, such as 1:1, 3:2 or 9:16") from None
    best = min(model.sizes, key=lambda s: abs(math.log(s[0] / s[1]) - wanted))
    if abs(math.log(best[0] / best[1]) - wanted) > 0.02:
        used = f"{best[0]}×{best[1]}"
        notes.append(
            Note(code="nearest_size", field="aspect", model=model.name, given=aspect, used=used)
        )
    return best


def _within(field: str, value: float, low: float, high: float, unit: str = "") -> None:
    if not low <= value <= high:  # also refuses NaN
        raise InvalidRequest(
            field, f"{value:g}{unit}" if unit else f"{value}", f"{low:g}–{high:.10g}{unit}"
        )
