"""Owns the probe: a small network that looks at a picture and says what is in it."""

from __future__ import annotations

import random
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from engine.starter import pace
from engine.starter.captions import Scene, any_scene
from engine.starter.scenes import render
from engine.starter.shapes import SIZES
from engine.starter.world import ATTRIBUTES, NOTHING, world

SIDE = 96


def answers(attribute: str) -> tuple[str, ...]:
    """What the probe can say about an attribute."""
    names = world().names(attribute)
    return (*names, NOTHING) if attribute == "subject" else names


class Probe(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """One trunk of convolutions, one head for each attribute."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for wide in (24, 48, 96, 160):
            layers += [
                nn.Conv2d(before, wide, 3, 2, 1, bias=False),
                nn.BatchNorm2d(wide),
                nn.ReLU(),
            ]
            layers += [nn.Conv2d(wide, wide, 3, 1, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
            before = wide
        self.trunk = nn.Sequential(*layers)
        self.heads = nn.ModuleDict({a: nn.Linear(2 * before, len(answers(a))) for a in ATTRIBUTES})

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        seen = self.trunk(pixels)
        pooled = torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)
        return {a: head(pooled) for a, head in self.heads.items()}


def look(image: Image.Image) -> NDArray[np.uint8]:
    """A picture as the probe sees it, whatever its size."""
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX))


def as_input(looks: NDArray[np.uint8] | Tensor) -> Tensor:
    found = torch.as_tensor(looks)
    return found.permute(0, 3, 1, 2).float() / 127.5 - 1


def _example(seed: int) -> tuple[NDArray[np.uint8], dict[str, str]]:
    rng = random.Random(seed)
    scene = any_scene(rng)
    width, height = rng.choice((SIZES[0], *SIZES))
    return look(render(scene, width, height)), {a: scene.value(a) for a in ATTRIBUTES}


def examples(first: int, count: int, workers: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Freshly rendered pictures of the whole world, with the right answers."""
    with ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(_example, range(first, first + count), chunksize=100))
    right = {
        a: torch.tensor([answers(a).index(truth[a]) for _, truth in found]) for a in ATTRIBUTES
    }
    return torch.from_numpy(np.stack([seen for seen, _ in found])), right


def train(path: Path, *, count: int, minutes: float, workers: int) -> None:
    """Train on `count` renders, test on a thousand others, and keep the probe at `path`."""
    torch.manual_seed(3)
    cache = path.with_suffix(".examples.pt")
    if not cache.exists():
        pixels, right = examples(0, count, workers)
        pace.save(cache, pixels=pixels, right=right)
    kept = pace.load(cache)
    pixels, right = kept["pixels"], kept["right"]
    on = pace.device()
    model = Probe().to(on)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    clock = pace.Pace(minutes, warm_up=50)
    going, told = True, time.monotonic()
    while going:
        picks = torch.randint(len(pixels), (64,))
        seen = _disturbed(as_input(pixels[picks])).to(on)
        said = model(seen)
        loss = torch.stack(
            [F.cross_entropy(said[a], right[a][picks].to(on)) for a in ATTRIBUTES]
        ).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        going = clock.tick(optimizer)
        if time.monotonic() - told > 30:
            print(f"step {clock.step} {clock.done:.0%} loss {float(loss.detach()):.3f}", flush=True)
            told = time.monotonic()
    save_file(model.state_dict(), path)
    fresh, truth = examples(50_000_000, 1000, workers)
    said = read(path)(as_input(fresh))
    for attribute in ATTRIBUTES:
        share = float((said[attribute].argmax(1) == truth[attribute]).float().mean())
        print(f"probe on renders it never saw: {attribute:8} {share:.1%}", flush=True)


def read(path: Path) -> Probe:
    model = Probe()
    model.load_state_dict(load_file(path))
    model.eval().requires_grad_(False)
    return model


def obeyed(model: Probe, images: list[Image.Image], scenes: list[Scene]) -> dict[str, list[bool]]:
    """For every attribute, picture by picture: does the probe see what was asked for?"""
    said = model(as_input(np.stack([look(image) for image in images])))
    return {
        a: [
            answers(a)[int(best)] == asdict(scene)[a]
            for best, scene in zip(said[a].argmax(1), scenes, strict=True)
        ]
        for a in ATTRIBUTES
    }


def _disturbed(pixels: Tensor) -> Tensor:
    """Shifted, blurred, noisy, tinted: painted pictures are not as clean as renders."""
    dy, dx = (int(d) for d in torch.randint(-5, 6, (2,)))
    pixels = torch.roll(pixels, (dy, dx), dims=(2, 3))
    if torch.rand(()) < 0.5:
        small = int(torch.randint(40, SIDE, ()))
        pixels = F.interpolate(pixels, size=small, mode="area")
        pixels = F.interpolate(pixels, size=SIDE, mode="bilinear")
    tint = 1 + 0.06 * torch.randn(len(pixels), 3, 1, 1)
    return pixels * tint + 0.04 * torch.rand(()) * torch.randn_like(pixels)
