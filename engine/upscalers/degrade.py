"""Owns how a large picture becomes the small one that a network is shown: cleanly, or spoilt."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

_KERNELS = (
    Image.Resampling.BICUBIC,
    Image.Resampling.BICUBIC,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiling:
    """What happens to a picture on its way to being small.

    `blur` is a radius in pixels of the small picture; `noise` a standard deviation out of 255, of
    which the share `colour` differs from channel to channel; `quality` is JPEG's, None for none.
    """

    kernel: Image.Resampling = Image.Resampling.BICUBIC
    blur: float = 0.0
    noise: float = 0.0
    colour: float = 0.5
    quality: int | None = None
    seed: int = 0


CLEAN = Spoiling()


def cleanly(rng: random.Random) -> Spoiling:
    """Only made smaller, in one of the ways that programs do that."""
    return Spoiling(kernel=rng.choice(_KERNELS))


def badly(rng: random.Random) -> Spoiling:
    """As pictures come from cameras, chats and web pages; some of them unharmed."""
    if rng.random() < 0.12:
        return cleanly(rng)
    return Spoiling(
        kernel=rng.choice(_KERNELS),
        blur=rng.uniform(0.2, 1.5) if rng.random() < 0.7 else 0.0,
        noise=rng.uniform(0.5, 9.0) ** 1.15 if rng.random() < 0.6 else 0.0,
        colour=rng.random(),
        quality=rng.randint(35, 95) if rng.random() < 0.7 else None,
        seed=rng.getrandbits(31),
    )


WAYS: dict[str, Callable[[random.Random], Spoiling]] = {"crisp": cleanly, "mend": badly}
"""What each network learns to undo."""
NAMES = tuple(WAYS)


def shrink(image: Image.Image, scale: int, how: Spoiling = CLEAN) -> Image.Image:
    """The small picture of a large one whose sides are multiples of `scale`."""
    if how.blur:
        image = image.filter(ImageFilter.GaussianBlur(how.blur * scale))
    small = image.resize((image.width // scale, image.height // scale), how.kernel)
    if how.noise:
        small = _noisy(small, how)
    if how.quality is not None:
        small = compressed(small, how.quality)
    return small


def compressed(image: Image.Image, quality: int) -> Image.Image:
    """The picture as JPEG gives it back."""
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=quality)
    return Image.open(kept).convert("RGB")


def _noisy(image: Image.Image, how: Spoiling) -> Image.Image:
    numbers = np.random.default_rng(how.seed)
    pixels = np.asarray(image, np.float32)
    grey = numbers.standard_normal((*pixels.shape[:2], 1), np.float32)
    coloured = numbers.standard_normal(pixels.shape, np.float32)
    noise = how.noise * ((1 - how.colour) * grey + how.colour * coloured)
    return Image.fromarray(np.clip(pixels + noise + 0.5, 0, 255).astype(np.uint8))
