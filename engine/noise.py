"""Everything random in a picture, from its seed: `Noise`.

The numbers are those of `torch.randn` with a seeded generator, up to the last bits: the seeds that
people pass to each other mean the same pictures as in the diffusers library. Torch itself would
take seconds to import, and reckons them a little differently from processor to processor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.parts import Array

_WORD = 2**32
_BLOCK = 16
"""So many numbers are made of each other: the first half gives the radii, the second the angles."""


class Noise:
    """Where the random numbers of one picture come from; belongs to one thread.

    A Mersenne Twister, of whose words the low 24 bits are used, and the method of Box and Muller
    (1958), in blocks of 16 as torch fills a tensor of at least as many.
    """

    def __init__(self, seed: int) -> None:
        """Of `seed` the low 32 bits count."""
        self._words = np.random.RandomState(seed % _WORD)

    def draw(self, shape: tuple[int, ...]) -> Array:
        """Normally distributed numbers of that shape, as float32.

        Of less than 16, which torch makes otherwise, they are the first of a block.
        """
        count = math.prod(shape)
        whole = count - count % _BLOCK
        found = _normal(self._even(max(count, _BLOCK)))
        if whole < count and whole:
            found = np.concatenate((found[: count - _BLOCK], _normal(self._even(_BLOCK))))
        return found[:count].reshape(shape)

    def seed(self) -> int:
        """A seed for another source, whose numbers then follow from this one's."""
        return int(self._words.randint(0, _WORD, dtype=np.uint32))

    def _even(self, count: int) -> Array:
        """Evenly distributed in 0–1, without 1."""
        words = self._words.randint(0, _WORD, size=count, dtype=np.uint32)
        return (words & 0xFFFFFF).astype(np.float32) * np.float32(2**-24)


def _normal(even: Array) -> Array:
    """Evenly distributed numbers -> normally distributed ones, as far as they fill blocks."""
    halves = even[: len(even) - len(even) % _BLOCK].reshape(-1, 2, _BLOCK // 2)
    radii = np.sqrt(np.float32(-2) * np.log(np.float32(1) - halves[:, 0]))
    angles = np.float32(2 * math.pi) * halves[:, 1]
    found: Array = np.empty_like(halves)
    np.multiply(radii, np.cos(angles), out=found[:, 0])
    np.multiply(radii, np.sin(angles), out=found[:, 1])
    return found.reshape(-1)
