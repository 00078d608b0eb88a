"""What can be asked of the engine: `Ask` (with gaps), `Paint` (complete), their limits and cost.

Imports nothing heavy, so that chats can refuse an impossible request in microseconds.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

from engine.errors import InvalidRequest, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.catalogue import Model

SEEDS = 2**32
"""Seeds are 0 … SEEDS - 1, as in the other front ends, so that they can be carried over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The operator's bounds on one request; the model's own bounds come on top."""

    max_prompt: int = 2000
    max_count: int = 4
    max_steps: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody asked for; None wherever they left it open.

    `aspect` is "3:2" and chooses the model's nearest native size; it excludes width and height.
    `source` names a stored picture to start from; the engine gets its bytes apart.
    """

    prompt: str
    negative: str | None = None
    model: str | None = None
    width: int | None = None
    height: int | None = None
    aspect: str | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    count: int | None = None
    source: str | None = None
    strength: float | None = None

    def to_json(self) -> str:
        """The given fields only, in a stable order: equal asks have equal JSON."""
        given = {k: v for k, v in asdict(self).items() if v is not None}
        return json.dumps(given, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The ask written by `to_json`; fields of a newer version are passed over."""
        return cls(**_known_fields(cls, text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """One complete request: nothing is left open, every value is possible for its model.

    Picture *i* (from 0) uses the seed `seed + i` and equals that picture painted alone.
    `width` and `height` are in pixels; `strength` is 0–1, the share of the steps that repaint
    `source`.
    """

    prompt: str
    negative: str = ""
    model: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    count: int = 1
    source: str | None = None
    strength: float = 0.6

    @property
    def guided(self) -> bool:
        """Whether each step also looks at the empty or negative prompt: twice the work."""
        return self.guidance > 1.0

    @property
    def working_steps(self) -> int:
        """The denoising steps a picture really takes, after `strength` cut off the first ones."""
        if self.source is None:
            return self.steps
        return max(1, min(self.steps, int(self.steps * self.strength)))

    def seed_of(self, index: int) -> int:
        """The seed of picture `index`, counted from 0."""
        return (self.seed + index) % SEEDS

    def alone(self, index: int) -> Paint:
        """The request that paints picture `index` and nothing else."""
        return replace(self, seed=self.seed_of(index), count=1)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**_known_fields(cls, text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something the asker should hear about their request, as a fact.

    `code` is one of
    "unused" (the model has no use for `field`),
    "default_dropped" (a personal or server default that does not apply here),
    "nearest_size" (`given` aspect is painted as `used`),
    "prompt_cut" (only the words up to `used` were read),
    "outside_world" (the starter does not know what was asked).
    """

    code: str
    field: str
    model: str
    given: str = ""
    used: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A request ready to be queued, what should be said about it, and its price in credits."""

    paint: Paint
    notes: tuple[Note, ...]
    cost: float


def resolve(
    ask: Ask,
    model: Model,
    *,
    draw_seed: Callable[[], int],
    limits: Limits | None = None,
    defaults: Ask | None = None,
    exact: bool = False,
) -> Resolved:
    """Fill the gaps of `ask` and check every value against `limits` and the model.

    `defaults` fills what was left open (its prompt is not read); defaults that do not apply to the
    model are dropped with a note. What the *asker* gave and the model cannot use becomes a note,
    or `Unusable` if `exact`. Raises `InvalidRequest` for impossible values; nothing is corrected
    silently.
    """
    limits = limits or Limits()
    notes: list[Note] = []
    usable, dropped = _applicable(defaults, model, limits)
    notes += [Note(code="default_dropped", field=name, model=model.name) for name in dropped]
    given = {f.name: getattr(ask, f.name) for f in fields(ask)}
    for name in _unusable(given, model):
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
    strength = 0.6 if given["strength"] is None else float(given["strength"])
    _within("strength", strength, 0.05, 1.0)
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
    )
    return Resolved(paint=paint, notes=tuple(notes), cost=cost(paint, model))


def cost(paint: Paint, model: Model) -> float:
    """The price in credits, in hundredths: one picture at the model's defaults costs 1."""
    area = paint.width * paint.height / (model.sizes[0][0] * model.sizes[0][1])
    work = paint.working_steps / model.default_steps
    return max(1, math.ceil(round(100 * paint.count * area * work, 6))) / 100


def _known_fields(cls: type, text: str) -> dict[str, Any]:
    names = {f.name for f in fields(cls)}
    return {k: v for k, v in json.loads(text).items() if k in names}


def _unusable(given: dict[str, Any], model: Model) -> list[str]:
    """The given fields that `model` has no use for."""
    found = []
    if given["negative"] and not model.negative:
        found.append("negative")
    if given["guidance"] is not None and not model.guidance:
        found.append("guidance")
    if given["source"] is not None and not model.image_to_image:
        found.append("source")
    if given["strength"] is not None and (given["source"] is None or "source" in found):
        found.append("strength")
    return found


def _applicable(
    defaults: Ask | None, model: Model, limits: Limits
) -> tuple[dict[str, Any], list[str]]:
    """The defaults that this model can use, and the names of those it cannot."""
    if defaults is None:
        return {}, []
    usable = {
        f.name: value
        for f in fields(defaults)
        if f.name not in ("prompt", "model", "source")
        and (value := getattr(defaults, f.name)) is not None
    }
    dropped = []
    for name in list(usable):
        trial = Ask(**({"prompt": "x", name: usable[name]}))
        if name in ("width", "height"):
            trial = replace(trial, width=usable.get("width"), height=usable.get("height"))
        try:
            if name == "strength":
                continue
            resolve(trial, model, draw_seed=lambda: 0, limits=limits, exact=True)
        except (InvalidRequest, Unusable):
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
