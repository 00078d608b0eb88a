"""Painting anew only what a mask says: masks for pixels and for latents, and putting both together.

A mask is the transparent part of an RGBA picture, as the seam has it: alpha 0 is painted anew, 255
is kept, what lies between is mixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter

from engine.images import fit

if TYPE_CHECKING:
    from engine.parts import Array

SOFT = 4
"""Pixels over which what is painted anew fades into what is kept, on its own side of the edge."""
FILLS = (2, 8, 32, 128)
"""Radii of the blurs that fill a hole with what surrounds it, from fine to coarse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """What of a picture is painted anew: `share` (height, width), 1 anew and 0 kept."""

    source: Image.Image
    share: Array

    def on_latents(self, scale: int) -> Array:
        """(1, 1, height, width) on the latents' grid: 1 wherever a pixel below is painted anew."""
        height, width = self.share.shape
        cells = self.share.reshape(height // scale, scale, width // scale, scale)
        anew = cells.max(axis=(1, 3)) > 0.5
        found: Array = anew.astype(np.float32)[None, None]
        return found

    def applied(self, painted: Image.Image) -> Image.Image:
        """`painted` where it was to be painted anew, the source untouched where it is kept."""
        grey = Image.fromarray((self.share * 255).round().astype(np.uint8))
        blurred = np.asarray(grey.filter(ImageFilter.GaussianBlur(SOFT)), np.float32) / 255
        share = (self.share * np.clip(2 * blurred - 0.5, 0, 1))[..., None]
        old, new = np.asarray(self.source, np.float32), np.asarray(painted, np.float32)
        mixed = old + share * (new - old)
        return Image.fromarray(mixed.round().clip(0, 255).astype(np.uint8))


def read(source: Image.Image, width: int, height: int, *, fill: bool) -> Mask:
    """The mask in `source` and its picture, both of that size.

    `fill` replaces what lies under the transparent parts by what surrounds them: nobody sees it,
    so nobody meant it.
    """
    fitted = fit(source.convert("RGBA"), width, height)
    alpha = np.asarray(fitted.getchannel("A"), np.float32) / 255
    picture = fit(source.convert("RGB"), width, height)
    if fill:
        picture = _filled(picture, alpha)
    return Mask(source=picture, share=1 - alpha)


def _filled(picture: Image.Image, alpha: Array) -> Image.Image:
    """`picture` with its transparent parts taken from further and further around."""
    pixels: Any = np.asarray(picture, np.float32)
    known = alpha
    grey = np.full_like(pixels, 127.5)
    for radius in FILLS:
        blur = ImageFilter.GaussianBlur(radius)
        weight = _blurred(known, blur)
        near = np.stack([_blurred(pixels[..., c] * known / 255, blur) for c in range(3)], axis=-1)
        reached = np.clip(weight * 20, 0, 1) * (1 - known)
        colour = 255 * near / np.maximum(weight, 1e-4)[..., None]
        pixels = pixels * known[..., None] + colour * reached[..., None]
        total = known + reached
        pixels = pixels / np.maximum(total, 1e-4)[..., None]
        known = total
    pixels = pixels * known[..., None] + grey * (1 - known[..., None])
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def _blurred(values: Array, blur: ImageFilter.GaussianBlur) -> Array:
    """Numbers 0–1, blurred as a picture is."""
    grey = Image.fromarray((np.clip(values, 0, 1) * 65535).astype(np.int32)).convert("F")
    small = np.asarray(grey, np.float32) / 65535
    image = Image.fromarray((small * 255).astype(np.uint8)).filter(blur)
    found: Array = np.asarray(image, np.float32) / 255
    return found
