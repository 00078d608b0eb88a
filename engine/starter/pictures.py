"""Owns the rendered training pictures on disk: shards of one size each, with their scenes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.starter.captions import Scene, between_times, training_scene
from engine.starter.scenes import render
from engine.starter.shapes import SIZES

SHARD = 500
_ROUND = (0,) * 7 + (1,) + (0,) * 7 + (2, 1) + (2, 1, 2)  # 70 % square, 15 % wide, 15 % tall


def size_of(shard: int) -> tuple[int, int]:
    return SIZES[_ROUND[shard % len(_ROUND)]]


def render_shards(folder: Path, first: int, last: int, workers: int) -> None:
    """Render shards `first` to `last`, leaving out those that exist."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        for shard in pool.map(partial(_render_shard, folder), range(first, last + 1)):
            print(f"shard {shard}", flush=True)


def _render_shard(folder: Path, shard: int) -> int:
    path = folder / f"{shard:04}.npy"
    if not path.exists():
        rng = random.Random(7_000_000 + shard)
        scenes = [between_times(training_scene(rng)) for _ in range(SHARD)]
        width, height = size_of(shard)
        pixels = np.stack([np.asarray(render(scene, width, height)) for scene in scenes])
        (folder / f"{shard:04}.json").write_text(json.dumps([asdict(s) for s in scenes]), "utf-8")
        fresh = path.with_suffix(".part")
        with fresh.open("wb") as file:
            np.save(file, pixels)
        fresh.replace(path)
    return shard


def finished_shards(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.npy"))


def pixels_of(folder: Path, shard: int) -> NDArray[np.uint8]:
    """All pictures of a shard, (500, height, width, 3), mapped, not read."""
    pixels: NDArray[np.uint8] = np.load(folder / f"{shard:04}.npy", mmap_mode="r")
    return pixels


def scenes_of(folder: Path, shard: int) -> list[Scene]:
    told = json.loads((folder / f"{shard:04}.json").read_text("utf-8"))
    return [Scene(**scene) for scene in told]


def pieces(
    folder: Path, rng: random.Random, *, square: bool = False
) -> Iterator[tuple[NDArray[np.uint8], Scene]]:
    """Pictures with their scenes in random order, for ever; notices new shards."""
    while True:
        shards = [s for s in finished_shards(folder) if not square or size_of(s) == SIZES[0]]
        for shard in rng.sample(shards, min(len(shards), 4)):
            pixels, scenes = pixels_of(folder, shard), scenes_of(folder, shard)
            for i in rng.sample(range(SHARD), SHARD // 4):
                yield pixels[i], scenes[i]
