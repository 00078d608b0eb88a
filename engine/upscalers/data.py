"""Owns the crops on disk: large ones to shrink at will, and soft ones beside the sharp."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.upscalers import degrade
from engine.upscalers.pictures import picture

SIDE = 192  # of a large crop
SMALL = 48  # of what the network sees
SHARD = 384  # crops in a file
PER_PICTURE = 6
_SEED = 11_000_000
Pixels = NDArray[np.uint8]


def write_crops(folder: Path, last: int, workers: int) -> None:
    """Draw pictures and cut them, shards 0 to `last`, leaving out those that exist."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        for shard in pool.map(partial(_write_shard, folder), range(last + 1)):
            print(f"crops {shard}", flush=True)


def _write_shard(folder: Path, shard: int) -> int:
    path = folder / f"{shard:04}.npy"
    if not path.exists():
        rng = random.Random(_SEED + shard)
        crops: list[Pixels] = []
        while len(crops) < SHARD:
            crops += cut(picture(rng), rng)
        _keep(path, np.stack(crops[:SHARD]))
    return shard


def cut(image: Image.Image, rng: random.Random, count: int = PER_PICTURE) -> list[Pixels]:
    """Crops of a picture, those with more to see in them preferred."""
    pixels = np.asarray(image)
    h, w = pixels.shape[:2]
    tried: list[tuple[float, Pixels]] = []
    for _ in range(2 * count):
        top, left = rng.randrange(h - SIDE + 1), rng.randrange(w - SIDE + 1)
        crop = pixels[top : top + SIDE, left : left + SIDE]
        tried.append((busy(crop) * rng.uniform(0.3, 1), crop))
    tried.sort(key=lambda pair: -pair[0])
    return [crop for _, crop in tried[:count]]


def busy(crop: Pixels) -> float:
    """How much changes from pixel to pixel; a little more than nothing even where all is plain."""
    few = crop[::2, ::2, 1].astype(np.float32)
    return float(np.abs(np.diff(few, axis=0)).mean() + np.abs(np.diff(few, axis=1)).mean()) + 0.5


def _keep(path: Path, pixels: Pixels) -> None:
    fresh = path.with_suffix(".part")
    with fresh.open("wb") as file:
        np.save(file, pixels)
    fresh.replace(path)


@dataclass(slots=True, kw_only=True)
class Stock:
    """Pairs of small and large crops for one scale, for ever; notices new shards now and then.

    `spoil` says what happens to each on its way; `soft` is the share of pairs that come from the
    starter's autoencoder instead.
    """

    folder: Path
    scale: int
    rng: random.Random
    spoil: Callable[[random.Random], degrade.Spoiling] = degrade.cleanly
    soft: float = 0.0

    def batches(self, count: int) -> Iterator[tuple[Pixels, Pixels]]:
        """(count, 48, 48, 3) and (count, 48 * scale, 48 * scale, 3)."""
        pairs = self._pairs()
        while True:
            small, large = zip(*(next(pairs) for _ in range(count)), strict=True)
            yield np.stack(small), np.stack(large)

    def _pairs(self) -> Iterator[tuple[Pixels, Pixels]]:
        hard, soft = self._crops(), self._soft_pairs()
        while True:
            if self.rng.random() < self.soft:
                few, many = self._turned(*next(soft))
                yield few, many
                continue
            # turned before it is compressed: blocks and half colours lie the same way in all files
            (large,) = self._turned(self._fitted(next(hard)))
            small = degrade.shrink(Image.fromarray(large), self.scale, self.spoil(self.rng))
            yield np.asarray(small), large

    def _fitted(self, crop: Pixels) -> Pixels:
        """As large as this scale needs: a part of the crop, or all of it made smaller."""
        side = SMALL * self.scale
        if side == SIDE:
            return crop
        if self.rng.random() < 0.5:
            return np.asarray(Image.fromarray(crop).resize((side, side), Image.Resampling.BOX))
        top, left = (self.rng.randrange(SIDE - side + 1) for _ in range(2))
        return crop[top : top + side, left : left + side]

    def _turned(self, *images: Pixels) -> list[Pixels]:
        """Mirrored, turned, with colours exchanged and sometimes as a negative: all alike."""
        turns, mirror = self.rng.randrange(4), self.rng.random() < 0.5
        order = self.rng.sample(range(3), 3)
        negative = self.rng.random() < 0.2
        found = []
        for image in images:
            image = np.rot90(image, turns)[:, :: -1 if mirror else 1][..., order]
            found.append(np.ascontiguousarray(255 - image if negative else image))
        return found

    def _crops(self) -> Iterator[Pixels]:
        while True:
            paths = sorted((self.folder / "crops").glob("*.npy"))
            for path in self.rng.sample(paths, min(4, len(paths))):
                crops = np.load(path, mmap_mode="r")
                for i in self.rng.sample(range(len(crops)), len(crops) // 2):
                    yield crops[i]

    def _soft_pairs(self) -> Iterator[tuple[Pixels, Pixels]]:
        while True:
            paths = sorted((self.folder / "soft").glob("*.npz"))
            for path in self.rng.sample(paths, min(4, len(paths))):
                with np.load(path) as both:
                    small, large = both["small"], both["large"]
                for i in self.rng.sample(range(len(small)), len(small)):
                    side = SMALL * self.scale
                    sharp = Image.fromarray(large[i])
                    if sharp.width != side:
                        sharp = sharp.resize((side, side), Image.Resampling.BOX)
                    yield small[i], np.asarray(sharp)
