"""What a model's networks are given while it paints: the inputs that 8-bit ranges are found on.

The prompts are ours, the noise has a seed each, and the trajectory is the model's own: from step to
step it sees what it made itself, as it will when it paints.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from optimum.intel import OVDiffusionPipeline

from engine.building import originals
from engine.building.recipe import INPUTS

FEWEST, MOST = 8, 32
"""Prompts that are painted for that: fewer where a picture takes many steps."""
PARTS = ("text_encoder", "text_encoder_2", "unet", "transformer", "vae_decoder")

Inputs = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class Trajectories:
    """Inputs of the network that denoises, and of the decoder."""

    denoiser: list[Inputs]
    decoder: list[Inputs]


@dataclass(slots=True)
class _Fixed:
    """A network compiled for whatever shapes it is called with, which keeps what it was given."""

    model: Any
    keeps: bool
    kept: list[Inputs] = field(default_factory=list)
    _compiled: Any = None
    _shapes: dict[str, tuple[int, ...]] | None = None

    def __call__(self, inputs: dict[str, Any], **_: Any) -> Any:
        given: Inputs = {name: np.array(_plain(value)) for name, value in inputs.items()}
        shapes = {name: value.shape for name, value in given.items()}
        if shapes != self._shapes:
            network = self.model.clone()
            network.reshape({name: list(shape) for name, shape in shapes.items()})
            self._compiled = openvino.Core().compile_model(network, "CPU")
            self._shapes = shapes
        if self.keeps:
            self.kept.append(given)
        return self._compiled(given)


def follow(
    folder: Path,
    prompts: Sequence[str],
    *,
    size: tuple[int, int],
    steps: int,
    guidance: float,
    wanted: int = INPUTS,
    on_prompt: Callable[[int, int], None] = lambda done, total: None,
) -> Trajectories:
    """Paint `prompts` with the networks in `folder` and keep `wanted` of what these were given."""
    with originals.quietly():
        pipeline = OVDiffusionPipeline.from_pretrained(folder, compile=False)
    originals.quiet(pipeline)
    fixed: dict[str, _Fixed] = {}
    for name in PARTS:
        part = getattr(pipeline, name, None)
        if part is not None:
            fixed[name] = _Fixed(part.model, name in ("unet", "transformer", "vae_decoder"))
            part.request = fixed[name]
    count = min(MOST, max(min(FEWEST, wanted), -(-wanted // steps)), len(prompts))
    for index, prompt in enumerate(prompts[:count]):
        on_prompt(index, count)
        originals.paint(pipeline, prompt, index, size=size, steps=steps, guidance=guidance)
    on_prompt(count, count)
    network = fixed["transformer"] if "transformer" in fixed else fixed["unet"]
    chosen = network.kept
    if len(chosen) > wanted:
        chosen = random.Random(0).sample(chosen, wanted)
    return Trajectories(chosen, fixed["vae_decoder"].kept)


def _plain(value: Any) -> Any:
    return value.numpy() if hasattr(value, "numpy") else value
