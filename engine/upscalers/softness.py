"""Owns the starter's own softness as training material: its blurred dreams of renders that exist.

A render goes into the starter's latents, is drowned in noise up to some moment, and the starter
says at once what it sees behind the noise: its answer is blurred just as its pictures are, yet
every edge in it has its place in the sharp render.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor

from engine.starter.captions import Scene, caption, training_scene
from engine.starter.denoiser import tokens_of
from engine.starter.export import WEIGHTS, teacher
from engine.starter.scenes import render
from engine.starter.shapes import new_scheduler
from engine.starter.world import ATTRIBUTES
from engine.upscalers.data import SIDE, SMALL, Pixels, busy
from engine.upscalers.degrade import shrink

SHARD = 192  # pairs in a file
_PER_PICTURE = 12
_SEED = 22_000_000
_AWAKE = 0.3  # the share of renders that only pass through the autoencoder
_LATEST, _EARLIEST = 40, 380  # moments out of 1000 up to which the others are drowned


@dataclass(frozen=True, slots=True)
class Dreamer:
    """The starter in torch, asked for one glimpse at a time."""

    pipeline: StableDiffusionPipeline

    @classmethod
    def load(cls, weights: Path = WEIGHTS) -> Dreamer:
        pipeline = StableDiffusionPipeline.from_pretrained(
            weights, torch_dtype=torch.float32, unet=teacher()
        )
        return cls(pipeline)

    def softened(self, pixels: Pixels, scene: Scene, rng: random.Random) -> Pixels:
        """What the starter makes of a 256 × 256 render."""
        noise = torch.Generator().manual_seed(rng.getrandbits(31))
        vae = self.pipeline.vae
        given = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.no_grad():
            latents = vae.encode(given).latent_dist.mean
            if rng.random() < _AWAKE:
                latents = latents + rng.uniform(0, 0.2) * torch.randn(
                    latents.shape, generator=noise
                )
            else:
                words = caption(scene, rng, named=frozenset(ATTRIBUTES))
                latents = self._glimpse(latents, words, rng.randint(_LATEST, _EARLIEST), noise)
            found = vae.decode(latents).sample[0].permute(1, 2, 0).clamp(-1, 1)
        soft: Pixels = ((found + 1) * 127.5).round().byte().numpy()
        return soft

    def _glimpse(self, clean: Tensor, words: str, moment: int, noise: torch.Generator) -> Tensor:
        remains = new_scheduler().alphas_cumprod[moment]
        keep, drown = remains.sqrt(), (1 - remains).sqrt()
        noisy = keep * clean + drown * torch.randn(clean.shape, generator=noise)
        told = self.pipeline.text_encoder(tokens_of(self.pipeline.tokenizer, [words]))[0]
        out = self.pipeline.unet(noisy, torch.tensor([moment]), encoder_hidden_states=told).sample
        return keep * noisy - drown * out


def write_soft(folder: Path, last: int) -> None:
    """Pairs of soft small and sharp large crops, shards 0 to `last`; those that exist stay."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    dreamer = Dreamer.load()
    for shard in range(last + 1):
        path = folder / f"{shard:04}.npz"
        if not path.exists():
            small, large = pairs(dreamer, random.Random(_SEED + shard), SHARD)
            fresh = path.with_suffix(".part")
            with fresh.open("wb") as file:
                np.savez(file, small=small, large=large)
            fresh.replace(path)
            print(f"soft {shard}", flush=True)


def pairs(dreamer: Dreamer, rng: random.Random, count: int) -> tuple[Pixels, Pixels]:
    """(count, 48, 48, 3) soft and (count, 192, 192, 3) sharp."""
    small: list[Pixels] = []
    large: list[Pixels] = []
    while len(small) < count:
        scene = training_scene(rng)
        sharp = render(scene, 1024, 1024)
        soft = dreamer.softened(np.asarray(shrink(sharp, 4)), scene, rng)
        found: list[tuple[float, Pixels, Pixels]] = []
        for _ in range(2 * _PER_PICTURE):
            top, left = (rng.randrange(soft.shape[0] - SMALL + 1) for _ in range(2))
            crop = np.asarray(sharp.crop((left * 4, top * 4, left * 4 + SIDE, top * 4 + SIDE)))
            found.append((busy(crop), soft[top : top + SMALL, left : left + SMALL], crop))
        found.sort(key=lambda each: -each[0])
        small += [few for _, few, _ in found[:_PER_PICTURE]]
        large += [crop for _, _, crop in found[:_PER_PICTURE]]
    return np.stack(small[:count]), np.stack(large[:count])
