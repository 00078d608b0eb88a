"""Owns how what other programs always send becomes what a model can do, and the report of it.

They send sizes, steps and guidance that suit the models they were written for. The nearest that is
possible is taken, and whatever differs is told: nothing is corrected silently.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from engine.networks import SCALES
from engine.request import LONGEST_SIDE, SEEDS, Ask, Limits
from engine.resolving import CREATIVE

if TYPE_CHECKING:
    from engine.catalogue import Model
    from engine.networks import Network

N = TypeVar("N", int, float)

STRENGTH = (0.05, 1.0)
LABELS = {"lcm": "LCM", "euler": "Euler", "dpm++": "DPM++ 2M", "tcd": "TCD"}
"""What our schedulers are called elsewhere."""
UNNAMED = ("", "default", "automatic", "none")
"""What programs send who leave the scheduler to the server."""
AREA_COUNTS = 0.25
"""How much less another area matters than another shape."""
HEADER_LENGTH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """One value that was not possible as `given`, and what was `used` instead; "" is nothing."""

    field: str
    given: str
    used: str = ""


def nearest(
    ask: Ask,
    model: Model,
    *,
    networks: Sequence[Network] = (),
    limits: Limits | None = None,
) -> tuple[Ask, tuple[Adjusted, ...]]:
    """The request with every number possible for `model`, and what was changed for that.

    Words, the source and names are left as they are. A seed that is negative is an open one.
    """
    limits = limits or Limits()
    report: list[Adjusted] = []
    ask = _with_size(ask, model, report)
    ask = _with_upscale(ask, model, networks, report)

    def bounded(name: str, value: N | None, low: N, high: N) -> N | None:
        if value is None or low <= value <= high:
            return value
        used = low if value < low else high
        report.append(Adjusted(field=name, given=_short(value), used=_short(used)))
        return used

    def dropped(name: str, value: object) -> None:
        if value not in (None, ""):
            report.append(Adjusted(field=name, given=_short(value)))

    guidance = None
    if model.guidance:
        guidance = bounded("guidance", ask.guidance, 0.0, model.max_guidance)
    elif ask.guidance != model.default_guidance:
        dropped("guidance", ask.guidance)
    if not model.negative:
        dropped("negative", ask.negative)
    source = ask.source is not None and model.image_to_image
    masked = source and model.inpainting
    if not masked:
        dropped("mask", ask.mask)
    seed = ask.seed if ask.seed is not None and ask.seed >= 0 else None
    fitted = replace(
        ask,
        steps=bounded("steps", ask.steps, model.min_steps, min(model.max_steps, limits.max_steps)),
        guidance=guidance,
        count=bounded("count", ask.count, 1, limits.max_count),
        strength=bounded("strength", ask.strength, *STRENGTH) if source else None,
        negative=ask.negative if model.negative else None,
        mask=ask.mask if masked else None,
        seed=None if seed is None else seed % SEEDS,
        scheduler=_scheduler(ask.scheduler, model, report),
    )
    return fitted, tuple(report)


def nearest_size(width: int, height: int, sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The size of the most similar shape; of equal shapes, that of the most similar area."""
    shape, area = math.log(width / height), math.log(width * height)

    def distance(size: tuple[int, int]) -> float:
        apart = abs(math.log(size[0] / size[1]) - shape)
        return apart + AREA_COUNTS * abs(math.log(size[0] * size[1]) - area)

    return min(sizes, key=distance)


def nearest_scale(scale: float, width: int, height: int) -> int:
    """The nearest scale by which a picture of this size can be enlarged; 1 is not at all."""
    possible = [1, *(each for each in SCALES if max(width, height) * each <= LONGEST_SIDE)]
    return min(possible, key=lambda each: (abs(math.log(each / max(scale, 0.01))), each))


def scheduler_called(name: str) -> str | None:
    """Our name of a scheduler that other programs call so; None if none of ours is like it."""
    lowered = " ".join(name.lower().split())
    if lowered in LABELS:
        return lowered
    for ours in ("tcd", "lcm", "euler"):
        if lowered.startswith(ours):
            return ours
    return "dpm++" if lowered.startswith(("dpm", "k_dpm")) else None


def label_of(scheduler: str) -> str:
    """What one of our schedulers is called elsewhere."""
    return LABELS.get(scheduler, "Default")


def told(adjusted: Iterable[Adjusted]) -> str:
    """All of it in one header: "size=512x512>256x256, guidance=7>"; plain ASCII, never too long."""
    text = ", ".join(f"{each.field}={each.given}>{each.used}" for each in adjusted)
    clean = "".join(c if " " <= c <= "~" else "?" for c in text)
    return clean if len(clean) <= HEADER_LENGTH else f"{clean[: HEADER_LENGTH - 4]} ..."


def _with_size(ask: Ask, model: Model, report: list[Adjusted]) -> Ask:
    if ask.width is None and ask.height is None:
        return ask
    first = model.sizes[0]
    asked = (ask.width or ask.height or first[0], ask.height or ask.width or first[1])
    width, height = max(1, asked[0]), max(1, asked[1])
    used = nearest_size(width, height, model.sizes)
    if used != asked:
        given = f"{_short(asked[0])}x{_short(asked[1])}"
        report.append(Adjusted(field="size", given=given, used=f"{used[0]}x{used[1]}"))
    return replace(ask, width=used[0], height=used[1])


def _with_upscale(
    ask: Ask, model: Model, networks: Sequence[Network], report: list[Adjusted]
) -> Ask:
    if ask.upscale is None:
        return replace(ask, upscaler=None, creative=None)
    width, height = ask.width or model.sizes[0][0], ask.height or model.sizes[0][1]
    used = nearest_scale(ask.upscale, width, height) if networks else 1
    if used != ask.upscale:
        given, now = _short(ask.upscale), str(used)
        report.append(Adjusted(field="upscale", given=given, used=now))
    if used == 1:
        return replace(ask, upscale=None, upscaler=None, creative=None)
    upscaler = nearest_network(ask.upscaler, networks, report)
    creative = ask.creative if model.image_to_image else None
    if creative is not None:
        creative = min(max(creative, CREATIVE[0]), CREATIVE[1])
    return replace(ask, upscale=used, upscaler=upscaler, creative=creative)


def nearest_network(
    name: str | None, networks: Sequence[Network], report: list[Adjusted]
) -> str | None:
    """The network of that name, else the default one, which is reported."""
    if name is None or not networks:
        return None
    for network in networks:
        if name.lower() in (network.name.lower(), network.title.lower()):
            return network.name
    report.append(Adjusted(field="upscaler", given=_short(name), used=networks[0].name))
    return None


def _scheduler(name: str | None, model: Model, report: list[Adjusted]) -> str | None:
    if name is None or name.strip().lower() in UNNAMED:
        return None
    ours = scheduler_called(name)
    if ours not in model.schedulers:
        ours = None
    called = label_of(ours or model.scheduler)
    if name.strip().lower() not in (called.lower(), ours):
        report.append(Adjusted(field="scheduler", given=_short(name), used=called))
    return ours


def _short(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
