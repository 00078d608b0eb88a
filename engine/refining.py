"""Painting over an enlarged picture tile by tile, at low strength, so that no seam shows.

Each tile is started from itself, so the painter only adds detail. What it does to the large forms
and colours of a tile is taken back: those stay the picture's, the same on both sides of a seam.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from engine.tiles import Grid, Pixels, exact

if TYPE_CHECKING:
    from engine.painter import Painter
    from engine.request import Paint

MARGIN = 16
FEATHER = 32
LARGE_FORMS = 12
"""Details smaller than about so many pixels are the painter's, everything else the picture's."""


def refine(
    painter: Painter,
    image: Image.Image,
    paint: Paint,
    *,
    strength: float,
    tile: tuple[int, int],
    on_tile: Callable[[int, int], None],
) -> Image.Image:
    """`image`, painted over at `strength` with the words of `paint`, in tiles of that size."""
    width, height = tile
    margin, feather = min(MARGIN, min(tile) // 8), min(FEATHER, min(tile) // 4)
    grid = Grid(
        across=exact(image.width, width, margin=margin, feather=feather),
        down=exact(image.height, height, margin=margin, feather=feather),
    )
    canvas = grid.canvas(3, 1)
    pixels = np.asarray(image.convert("RGB"))
    for number, (column, row, piece) in enumerate(grid.tiles(pixels), start=1):
        wanted = replace(
            paint,
            width=width,
            height=height,
            seed=paint.seed_of(number),
            count=1,
            source="tile",
            strength=strength,
            upscale=None,
        )
        before = Image.fromarray(np.ascontiguousarray(piece))
        (picture,) = painter.paint(wanted, before, lambda progress: None)
        canvas.put(column, row, _details(before, picture.image))
        on_tile(number, grid.count)
    refined = Image.fromarray(canvas.pixels).convert(image.mode)
    if image.mode in ("LA", "RGBA"):
        refined.putalpha(image.getchannel("A"))
    return refined


def _details(before: Image.Image, after: Image.Image) -> Pixels:
    """The fine detail of `after` on the large forms of `before`."""
    blur = ImageFilter.GaussianBlur(LARGE_FORMS / 2)
    drift = np.asarray(after.filter(blur), np.int16) - np.asarray(before.filter(blur), np.int16)
    mended = np.asarray(after.convert("RGB"), np.int16) - drift
    details: Pixels = mended.clip(0, 255).astype(np.uint8)
    return details
