"""Owns the verdict: how near the shipped networks come to pictures they have never seen."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

import numpy as np
import openvino
from numpy.typing import NDArray
from PIL import Image

from engine.starter.captions import unseen_scene
from engine.starter.scenes import render
from engine.upscalers.degrade import CLEAN, NAMES, Spoiling, shrink
from engine.upscalers.export import HERE
from engine.upscalers.network import SCALES

Enlarge = Callable[[Image.Image, int], Image.Image]
LANCZOS = "lanczos"
STARTS = 256  # the side of the small renders: what the starter paints
SEED = 77
STATES: dict[str, Callable[[int], Spoiling]] = {
    "clean": lambda seed: CLEAN,
    "degraded": lambda seed: Spoiling(blur=0.7, noise=4.0, quality=75, seed=seed),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Decibels between what was enlarged and the truth, for each way to enlarge."""

    pictures: str
    scale: int
    state: str
    decibels: dict[str, float]

    def gain(self, name: str) -> float:
        return self.decibels[name] - self.decibels[LANCZOS]


def lanczos(image: Image.Image, scale: int) -> Image.Image:
    size = (image.width * scale, image.height * scale)
    return image.resize(size, Image.Resampling.LANCZOS)


def shipped(name: str, folder: Path = HERE) -> Enlarge:
    """A network as it ships, in full precision and without tiles."""

    @cache
    def compiled(scale: int) -> openvino.CompiledModel:
        core = openvino.Core()
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        return core.compile_model(folder / name / f"x{scale}.xml", "CPU", exact)

    def enlarge(image: Image.Image, scale: int) -> Image.Image:
        pixels = np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 255
        out = compiled(scale)(pixels)[0][0].transpose(1, 2, 0)
        return Image.fromarray((out * 255).round().astype(np.uint8))

    return enlarge


def decibels(found: Image.Image, truth: Image.Image) -> float:
    """PSNR over all pixels and colours."""
    wrong: NDArray[np.float64] = np.asarray(found, np.float64) - np.asarray(truth, np.float64)
    return 10 * math.log10(255**2 / max(1e-9, float(np.square(wrong).mean())))


def renders(scale: int, count: int, seed: int = SEED) -> list[Image.Image]:
    """Scenes of pairs that no training has seen, so large that the small ones are of 256 pixels."""
    rng = random.Random(seed)
    side = STARTS * scale
    return [render(unseen_scene(rng), side, side) for _ in range(count)]


def marks(
    pictures: str,
    of: Callable[[int], Sequence[Image.Image]],
    ways: dict[str, Enlarge],
) -> Iterator[Mark]:
    """Marks for a kind of pictures (`of` gives them for a scale), at every scale and state."""
    for scale in SCALES:
        truths = [whole(image, scale) for image in of(scale)]
        for state, spoil in STATES.items():
            small = [shrink(image, scale, spoil(i)) for i, image in enumerate(truths)]
            found = {
                name: mean(
                    decibels(way(few, scale), truth)
                    for few, truth in zip(small, truths, strict=True)
                )
                for name, way in ({LANCZOS: lanczos} | ways).items()
            }
            yield Mark(pictures=pictures, scale=scale, state=state, decibels=found)


def whole(image: Image.Image, scale: int) -> Image.Image:
    """The picture without the last few pixels that no whole small pixel covers."""
    return image.crop((0, 0, image.width // scale * scale, image.height // scale * scale))


def table(found: Sequence[Mark]) -> str:
    """One line for each mark: decibels, and how much more than Lanczos."""
    names = [name for name in found[0].decibels if name != LANCZOS]
    head = f"{'pictures':14} {'scale':5} {'state':9} {LANCZOS:>8}"
    lines = [head + "".join(f" {name:>15}" for name in names)]
    for mark in found:
        line = f"{mark.pictures:14} ×{mark.scale:<4} {mark.state:9} {mark.decibels[LANCZOS]:8.2f}"
        for name in names:
            line += f" {mark.decibels[name]:8.2f} {mark.gain(name):+5.2f}"[:16].rjust(16)
        lines.append(line)
    return "\n".join(lines)


def report(count: int = 24) -> str:
    """The table for held-out renders."""
    ways = {name: shipped(name) for name in NAMES}
    return table(list(marks("renders", lambda scale: renders(scale, count), ways)))
