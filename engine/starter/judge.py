"""Owns the verdict: does the shipped model paint what it is told, on pairs it has never seen?"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from engine.starter import probe
from engine.starter.captions import Scene, caption, training_scene, unseen_scene
from engine.starter.export import MODEL, WEIGHTS
from engine.starter.shapes import SIZES
from engine.starter.world import ATTRIBUTES

Paint = Callable[..., Image.Image]
PROBE = Path(__file__).parent / "probe.safetensors"


def shipped(folder: Path = MODEL, size: tuple[int, int] = SIZES[0]) -> Any:
    """The OpenVINO pipeline, compiled for one size."""
    from optimum.intel import OVStableDiffusionPipeline

    pipeline = OVStableDiffusionPipeline.from_pretrained(folder, compile=False)
    pipeline.reshape(1, size[1], size[0], num_images_per_prompt=1)
    pipeline.compile()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def original(folder: Path = WEIGHTS) -> Any:
    """The same model from its fp16 weights, in fp32 and torch."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def paint(
    pipeline: Any, prompt: str, seed: int, *, steps: int = 8, guidance: float = 2.0,
    negative: str | None = None, size: tuple[int, int] = SIZES[0],
) -> Image.Image:  # fmt: skip
    """One picture; the same seed means the same noise in every pipeline."""
    width, height = size
    image: Image.Image = pipeline(
        prompt, negative_prompt=negative, generator=torch.Generator().manual_seed(seed),
        num_inference_steps=steps, guidance_scale=guidance, width=width, height=height,
    ).images[0]  # fmt: skip
    return image


def orders(count: int, *, unseen: bool, seed: int = 20) -> list[tuple[Scene, str]]:
    """Scenes with captions that name everything in them."""
    rng = random.Random(seed)
    everything = frozenset(ATTRIBUTES)
    found: list[tuple[Scene, str]] = []
    while len(found) < count:
        scene = unseen_scene(rng) if unseen else training_scene(rng)
        if scene.subject in dict.fromkeys(probe.answers("subject")[:-1]):
            found.append((scene, caption(scene, rng, named=everything)))
    return found


def obedience(
    pipeline: Any, asked: Sequence[tuple[Scene, str]], path: Path = PROBE, **how: Any
) -> tuple[dict[str, float], float]:
    """The share of pictures in which the probe sees what was asked for, and seconds a picture."""
    start = time.monotonic()
    images = [paint(pipeline, words, scene.seed, **how) for scene, words in asked]
    seconds = (time.monotonic() - start) / len(images)
    seen = probe.obeyed(probe.read(path), images, [scene for scene, _ in asked])
    return {a: sum(right) / len(right) for a, right in seen.items()}, seconds
