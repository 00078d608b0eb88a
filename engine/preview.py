"""A look at unfinished latents, almost free: one small matrix product instead of the decoder.

The matrix is learned, not hard-coded: each finished picture is a set of examples (a latent vector
and the block of pixels it became), and ridge regression over them gives the best linear decoder.
A model's first picture, painted while warming up, is enough to start; the file in the cache folder
keeps what was learned. The idea of a linear map from latents to colours is well known for Stable
Diffusion 1.x (4 latents -> RGB); learning it makes it work for any autoencoder, and several pixels
for each latent make it sharper.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float32]

BLOCK = 4
"""Preview pixels along each side of one latent position, if nothing else is said."""
RIDGE = 1e-2
FORGET = 0.9
"""How much of the older examples' weight is left after each new picture."""
EAGER, RARELY = 8, 8
"""After so many pictures only each so-manieth is learned from: it costs as much as two previews."""


class LatentPreview:
    """The linear decoder of one model; knows nothing until `learn` saw a picture."""

    def __init__(self, file: Path | None = None, *, block: int = BLOCK) -> None:
        """`block` preview pixels along each side of one latent position."""
        self._file = file
        self._block = block
        self._gram: Array | None = None
        self._moment: Array | None = None
        self._matrix: Array | None = None
        self._seen = 0
        if file is not None and file.exists():
            try:
                with np.load(file) as stored:
                    self._gram, self._moment = stored["gram"], stored["moment"]
                self._solve()
            except (OSError, ValueError, KeyError, EOFError):
                self._gram = self._moment = self._matrix = None  # it is only a cache

    @property
    def ready(self) -> bool:
        """Whether there is a picture to learn from yet."""
        return self._matrix is not None

    def learn(self, latents: Array, image: Image.Image) -> None:
        """Take one example: final latents (channels, height, width) and the image they became."""
        self._seen += 1
        if self._seen > EAGER and self._seen % RARELY:
            return
        _, height, width = latents.shape
        block = self._block
        small = image.convert("RGB").resize((width * block, height * block), Image.Resampling.BOX)
        pixels = np.asarray(small, np.float32) / 255.0
        blocks = pixels.reshape(height, block, width, block, 3).transpose(0, 2, 1, 3, 4)
        target = blocks.reshape(height * width, block * block * 3)
        features = _features(latents)
        gram, moment = features.T @ features, features.T @ target
        if self._gram is None or self._moment is None or not self._fits(gram, moment):
            self._gram, self._moment = gram, moment
        else:
            self._gram = FORGET * self._gram + gram
            self._moment = FORGET * self._moment + moment
        self._solve()

    def save(self) -> None:
        """Write what was learned to the cache file, if there is one."""
        if self._file is None or self._gram is None or self._moment is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".tmp.npz")
        np.savez(temporary, gram=self._gram, moment=self._moment)
        temporary.replace(self._file)

    def render(self, latents: Array) -> bytes | None:
        """A WebP file of `block` pixels a latent; None while nothing is known of such latents."""
        wanted = (latents.shape[0] + 1, 3 * self._block**2)
        if self._matrix is None or self._matrix.shape != wanted:
            return None
        _, height, width = latents.shape
        block = self._block
        blocks = (_features(latents) @ self._matrix).reshape(height, width, block, block, 3)
        pixels = blocks.transpose(0, 2, 1, 3, 4).reshape(height * block, width * block, 3)
        image = Image.fromarray((pixels * 255).clip(0, 255).astype(np.uint8))
        out = io.BytesIO()
        image.save(out, "WEBP", quality=70, method=0)
        return out.getvalue()

    def _fits(self, gram: Array, moment: Array) -> bool:
        """Whether what is known is about the same channels and as many pixels."""
        if self._gram is None or self._moment is None:
            return False
        return self._gram.shape == gram.shape and self._moment.shape == moment.shape

    def _solve(self) -> None:
        if self._gram is None or self._moment is None:
            return
        size = self._gram.shape[0]
        ridge = RIDGE * float(np.trace(self._gram)) / size
        self._matrix = np.linalg.solve(
            self._gram + ridge * np.eye(size, dtype=np.float32), self._moment
        ).astype(np.float32)


def _features(latents: Array) -> Array:
    """(channels, h, w) -> (h·w, channels + 1): one row a position, a constant at the end."""
    rows = latents.reshape(latents.shape[0], -1).T
    return np.concatenate([rows, np.ones((rows.shape[0], 1), np.float32)], axis=1)
