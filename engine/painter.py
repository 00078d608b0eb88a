"""The seam between whoever paints and whoever waits: `Painter`, `Progress`, `Picture`.

Two painters exist: the diffusion one, and the coloured squares of the tests. A painter that works
on another machine has to speak no more than this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.request import Note, Paint


class Stage(StrEnum):
    """What is done to a picture."""

    painting = "painting"  # a step is a denoising step
    upscaling = "upscaling"  # a step is a tile that is enlarged
    refining = "refining"  # a step is a tile that is painted over
    developing = "developing"  # one step: latents go through the full decoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a painting is: step `step` of `steps` of picture `index` (from 0) of `count`.

    The steps are those of `stage`, number `stage_index` (from 0) of the `stages` that the picture
    goes through. `preview` is a small WebP file made from the latents, or None.
    """

    index: int
    count: int
    step: int
    steps: int
    preview: bytes | None = None
    stage: Stage = Stage.painting
    stage_index: int = 0
    stages: int = 1

    @property
    def share(self) -> float:
        """The part of the whole request that is done, 0–1."""
        of_picture = (self.stage_index + self.step / self.steps) / self.stages
        return (self.index + of_picture) / self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One finished picture: RGB pixels, the request that paints just it, and what to say of it.

    `step_seconds` is the median time of one step, `other_seconds` all the rest (text, decoding,
    enlarging). Where nothing was painted, `step_seconds` is the whole. `latents` are what it was
    decoded from, as a file, if its model can have a second look at them.
    """

    image: Image
    paint: Paint
    index: int
    notes: tuple[Note, ...] = ()
    step_seconds: float
    other_seconds: float
    latents: bytes | None = None


OnStep = Callable[[Progress], None]
"""Called after every step, in the painting thread; raises `Stopped` to stop the painting."""


class Painter(Protocol):
    """Paints requests one after another, always called from the same thread."""

    def warm(self, model: str) -> None:
        """Load and compile what the model's default request needs; raises `BrokenModel`."""

    def paint(self, paint: Paint, source: Image | None, on_step: OnStep) -> Iterator[Picture]:
        """Yield the `paint.count` pictures as they are finished.

        Raises `UnknownModel`, `BrokenModel`, or `Stopped` when `on_step` did.
        """

    def develop(self, paint: Paint, latents: bytes, on_step: OnStep) -> Picture:
        """Decode kept latents of the model once more, with its full decoder.

        Raises what `paint` raises, and `ValueError` for bytes that are no latents of that size.
        """
