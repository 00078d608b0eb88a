"""Original and built, painting the same prompts from the same seeds."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.building import originals
from engine.building.recipe import OnStage
from engine.catalogue import Catalogue, Model, read_model
from engine.request import Ask
from engine.resolving import resolve

if TYPE_CHECKING:
    from PIL import Image

FIRST_SEED = 1


def spread(prompts: Sequence[str], count: int) -> list[tuple[int, str]]:
    """Seeds and prompts of the samples: the last ones, which few calibrations reach."""
    chosen = list(prompts)[-count:] if count else []
    return [(FIRST_SEED + index, prompt) for index, prompt in enumerate(chosen)]


def paint_originals(
    pipeline: Any,
    asked: Sequence[tuple[int, str]],
    *,
    size: tuple[int, int],
    steps: int,
    guidance: float,
    on_stage: OnStage,
) -> tuple[list[Image.Image], float]:
    images, times = [], [math.nan]
    for index, (seed, prompt) in enumerate(asked):
        on_stage("painting with the original", index, len(asked))
        begun = time.perf_counter()
        images.append(
            originals.paint(pipeline, prompt, seed, size=size, steps=steps, guidance=guidance)
        )
        times.append(time.perf_counter() - begun)
    return images, min(times[1:], default=math.nan)


def paint_built(
    folder: Path, asked: Sequence[tuple[int, str]], cache: Path, on_stage: OnStage
) -> tuple[list[Image.Image], float]:
    """The same samples by the painter that everybody's pictures come from."""
    from engine.diffusion import DiffusionPainter

    model: Model = read_model(folder)
    painter = DiffusionPainter(Catalogue(models={model.name: model}), cache=cache)
    on_stage("compiling what was built", 0, 0)
    painter.warm(model.name)
    images, times = [], [math.nan]
    for index, (seed, prompt) in enumerate(asked):
        on_stage("painting with what was built", index, len(asked))
        paint = resolve(Ask(prompt=prompt, seed=seed), model, draw_seed=lambda: 0).paint
        begun = time.perf_counter()
        images += [picture.image for picture in painter.paint(paint, None, lambda progress: None)]
        times.append(time.perf_counter() - begun)
    return images, min(times[1:], default=math.nan)
