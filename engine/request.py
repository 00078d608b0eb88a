"""What can be asked of the engine: `Ask` (with gaps), `Paint` (complete), and their limits.

Imports nothing heavy, so that chats can refuse an impossible request in microseconds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    pass

SEEDS = 2**32
"""Seeds are 0 … SEEDS - 1, as in the other front ends, so that they can be carried over."""
LONGEST_SIDE = 8192
"""Pixels of a side that no enlarged picture may exceed."""
SCHEDULERS = ("lcm", "euler", "dpm++", "tcd")
"""The schedulers there are, by name; each model says which of them it goes well with."""
ALPHA = "alpha"
"""The mask that is in the source itself: its transparent parts are painted anew."""


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
    `source` names a stored picture to start from; the engine gets its bytes apart. `style` names
    words that the asker's are put into; whoever resolves the request does so, not the engine.
    `upscale` enlarges what is painted by so much (1: not at all) with the network `upscaler`;
    `creative` is the strength with which the enlarged picture is painted over, tile by tile.
    `scheduler` is one of those the model offers. `mask` says which parts of the source are painted
    anew, and the rest is kept: "upload:<id>" (the white ones) or "alpha" (the transparent ones).
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
    style: str | None = None
    upscale: int | None = None
    upscaler: str | None = None
    creative: float | None = None
    scheduler: str | None = None
    mask: str | None = None

    def to_json(self) -> str:
        """The given fields only, in a stable order: equal asks have equal JSON."""
        given = {k: v for k, v in asdict(self).items() if v is not None}
        return json.dumps(given, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The ask written by `to_json`; fields of a newer version are passed over."""
        return cls(**_known_fields(cls, text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscale:
    """How a picture is enlarged: `scale` times, with the network of that name.

    `of` names the stored picture that is enlarged while nothing is painted ("picture:<id>" or
    "upload:<id>"); None enlarges what the same request paints. `creative` is the strength with
    which the enlarged picture is painted over tile by tile, None for not at all.
    """

    scale: int
    network: str
    of: str | None = None
    creative: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """One complete request: nothing is left open, every value is possible for its model.

    Picture *i* (from 0) uses the seed `seed + i` and equals that picture painted alone.
    `width` and `height` are in pixels, before enlarging; `strength` is 0–1, the share of the steps
    that repaint `source`. A request that `paints` nothing enlarges the stored picture `upscale.of`;
    the rest of it tells how that one was painted (an empty prompt: not here). `latents_of` names a
    stored picture whose latents are decoded again, by the full decoder, for a second look.
    `scheduler` "" is the model's own. With a `mask`, whoever paints gets the source as RGBA:
    what is transparent there is painted anew, the rest is kept.
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
    upscale: Upscale | None = None
    latents_of: str | None = None
    scheduler: str = ""
    mask: str | None = None

    @property
    def paints(self) -> bool:
        """Whether anything is painted; else a stored picture is enlarged or developed."""
        enlarges = self.upscale is not None and self.upscale.of is not None
        return not enlarges and self.latents_of is None

    @property
    def needs(self) -> str | None:
        """The stored picture that has to be there: it is started from, or enlarged."""
        if self.latents_of is not None:
            return self.latents_of
        enlarged = None if self.upscale is None else self.upscale.of
        return enlarged or self.source

    @property
    def loads(self) -> str | None:
        """The model whose networks have to be in memory for it; None if it does without."""
        creative = self.upscale is not None and self.upscale.creative is not None
        return self.model if self.paints or creative else None

    @property
    def final_size(self) -> tuple[int, int]:
        """Width and height of the finished pictures."""
        scale = 1 if self.upscale is None else self.upscale.scale
        return self.width * scale, self.height * scale

    @property
    def kind(self) -> str:
        """What takes its own time per size: "starter", "starter+crisp-4", or just "crisp-4".

        Who is creative follows, with the strength in tenths: "crisp-4~starter-3". A second look
        is "starter!hd".
        """
        model = self.model if self.latents_of is None else f"{self.model}!hd"
        if self.upscale is None:
            return model
        by = f"{self.upscale.network}-{self.upscale.scale}"
        if self.upscale.creative is not None:
            by += f"~{self.model}-{round(10 * self.upscale.creative)}"
        return by if self.upscale.of is not None else f"{model}+{by}"

    @property
    def guided(self) -> bool:
        """Whether each step also looks at the empty or negative prompt: twice the work."""
        return self.paints and self.guidance > 1.0

    @property
    def working_steps(self) -> int:
        """The denoising steps a picture really takes, after `strength` cut off the first ones."""
        if not self.paints:
            return 1
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
        """The request written by `to_json`; fields of a newer version are passed over."""
        values = _known_fields(cls, text)
        upscale = values.get("upscale")
        if upscale is not None:
            values["upscale"] = Upscale(**_of_fields(Upscale, upscale))
        return cls(**values)


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


def _known_fields(cls: type, text: str) -> dict[str, Any]:
    return _of_fields(cls, json.loads(text))


def _of_fields(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(cls)}
    return {k: v for k, v in values.items() if k in names}
