"""The seam between whoever paints and whoever waits: `Painter`, `Progress`, `Picture`.

Two painters exist: the diffusion one, and the coloured squares of the tests. A painter that works
on another machine has to speak no more than this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.request import Note, Paint


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a painting is: step `step` of `steps` of picture `index` (from 0) of `count`.

    `preview` is a small WebP file made from the latents, or None.
    """

    index: int
    count: int
    step: int
    steps: int
    preview: bytes | None = None

    @property
    def share(self) -> float:
        """The part of the whole request that is done, 0–1."""
        return (self.index + self.step / self.steps) / self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One finished picture: RGB pixels, the request that paints just it, and what to say of it.

    `step_seconds` is the median time of one step, `other_seconds` all the rest (text, decoding).
    """

    image: Image
    paint: Paint
    index: int
    notes: tuple[Note, ...] = ()
    step_seconds: float
    other_seconds: float


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
