"""The workshop: a `Painter` that paints, enlarges, and paints over what was enlarged.

It is put together of a painter, which knows nothing of enlarging, and an upscaler, which knows
nothing of painting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from engine.painter import OnStep, Painter, Picture, Progress, Stage
from engine.refining import refine

if TYPE_CHECKING:
    from engine.catalogue import Catalogue
    from engine.request import Paint, Upscale
    from engine.upscaler import OnTile


class Enlarger(Protocol):
    """What the workshop wants of an upscaler."""

    def prepare(self, network: str | None, scale: int) -> None:
        """Load what the next `upscale` needs; what that takes is no part of its speed."""

    def upscale(
        self, image: Image.Image, scale: int, network: str | None, on_tile: OnTile
    ) -> Image.Image:
        """`image`, `scale` times as large."""


class Workshop:
    """A `Painter`; belongs to one thread, as its parts do."""

    def __init__(self, painter: Painter, upscaler: Enlarger, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._painter = painter
        self._upscaler = upscaler

    def warm(self, model: str) -> None:
        """As the painter does it; what enlarging needs, it loads itself."""
        self._painter.warm(model)

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        """Yield the finished pictures; `source` is what is enlarged where nothing is painted."""
        wish = paint.upscale
        if wish is not None:
            self._upscaler.prepare(wish.network, wish.scale)
        if wish is None:
            yield from self._painter.paint(paint, source, on_step)
        elif paint.paints:
            stages = _Stages(on_step, paint, first=Stage.painting)
            for picture in self._painter.paint(replace(paint, upscale=None), source, stages.step):
                started = time.perf_counter()
                image = self._finish(picture.image, picture.paint, wish, picture.index, stages)
                spent = time.perf_counter() - started
                yield replace(
                    picture,
                    image=image,
                    paint=paint.alone(picture.index),
                    other_seconds=picture.other_seconds + spent,
                )
        else:
            if source is None:
                raise ValueError("there is nothing to enlarge")
            started = time.perf_counter()
            stages = _Stages(on_step, paint, first=Stage.upscaling)
            image = self._finish(source, paint, wish, 0, stages)
            yield Picture(
                image=image,
                paint=paint.alone(0),
                index=0,
                step_seconds=time.perf_counter() - started,
                other_seconds=0.0,
            )

    def develop(self, paint: Paint, latents: bytes, on_step: OnStep) -> Picture:
        """The painter's second look, enlarged as the first one was."""
        wish = paint.upscale
        if wish is None:
            return self._painter.develop(paint, latents, on_step)
        self._upscaler.prepare(wish.network, wish.scale)
        started = time.perf_counter()
        stages = _Stages(on_step, paint, first=Stage.developing)
        picture = self._painter.develop(paint, latents, stages.step)
        image = self._finish(picture.image, paint, wish, 0, stages)
        return replace(picture, image=image, step_seconds=time.perf_counter() - started)

    def _finish(
        self, image: Image.Image, paint: Paint, wish: Upscale, index: int, stages: _Stages
    ) -> Image.Image:
        on_tile = stages.on_tile(index, Stage.upscaling)
        image = self._upscaler.upscale(image, wish.scale, wish.network, on_tile)
        if wish.creative is not None:
            image = refine(
                self._painter,
                image,
                paint,
                strength=wish.creative,
                tile=self._catalogue.get(paint.model).sizes[0],
                on_tile=stages.on_tile(index, Stage.refining),
            )
        return image


class _Stages:
    """Tells of the stages of one request, which a picture goes through one after another."""

    def __init__(self, on_step: OnStep, paint: Paint, *, first: Stage) -> None:
        self._on_step = on_step
        self._count = paint.count
        creative = paint.upscale is not None and paint.upscale.creative is not None
        after = (Stage.upscaling, Stage.refining) if creative else (Stage.upscaling,)
        self._stages = tuple(dict.fromkeys((first, *after)))

    def step(self, progress: Progress) -> None:
        """What the painter says, as the first of the stages."""
        self._on_step(replace(progress, stages=len(self._stages)))

    def on_tile(self, index: int, stage: Stage) -> Callable[[int, int], None]:
        """Called with the tiles done and their number."""

        def tell(done: int, total: int) -> None:
            self._on_step(
                Progress(
                    index=index,
                    count=self._count,
                    step=done,
                    steps=total,
                    stage=stage,
                    stage_index=self._stages.index(stage),
                    stages=len(self._stages),
                )
            )

        return tell
