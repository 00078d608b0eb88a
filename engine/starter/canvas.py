"""Owns the renderer's drawing surface: shapes, gradients, glows, drawn large and made small."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[float, float, float]
Point = tuple[float, float]
_FINER = 2  # drawn this much larger, for smooth edges


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with `share` of it replaced by `b`."""
    keep = 1.0 - share
    return (a[0] * keep + b[0] * share, a[1] * keep + b[1] * share, a[2] * keep + b[2] * share)


def times(a: Colour, light: Colour) -> Colour:
    return (a[0] * light[0], a[1] * light[1], a[2] * light[2])


def whole(colour: Colour) -> tuple[int, int, int]:
    r, g, b = (min(255, max(0, round(part))) for part in colour)
    return r, g, b


class Canvas:
    """Pictures are laid out in shares of width and height; things are measured in `unit`,
    of which a square picture is 256 wide."""

    def __init__(self, width: int, height: int) -> None:
        self.w, self.h = width * _FINER, height * _FINER
        self.unit = math.sqrt(self.w * self.h) / 256
        self.image = Image.new("RGB", (self.w, self.h))
        self.pen = ImageDraw.Draw(self.image)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self.pen.polygon(points, fill=whole(colour))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self.pen.ellipse((x - rx, y - ry, x + rx, y + ry), fill=whole(colour))

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        self.pen.line(points, fill=whole(colour), width=max(1, round(width)), joint="curve")

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        self.pen.rectangle((left, top, right, bottom), fill=whole(colour))

    def backdrop(self, stops: Sequence[tuple[float, Colour]], top: float, bottom: float) -> None:
        """A vertical gradient over the whole width, from the height `top` to `bottom`."""
        rows = max(1, round(bottom) - round(top))
        self.image.paste(_column(stops, rows).resize((self.w, rows)), (0, round(top)))

    def gradient(self, points: Sequence[Point], upper: Colour, lower: Colour) -> None:
        """A polygon whose colour runs from `upper` at its top to `lower` at its bottom."""
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        left, top = max(0, int(min(xs))), max(0, int(min(ys)))
        right, bottom = min(self.w, int(max(xs)) + 1), min(self.h, int(max(ys)) + 1)
        if right <= left or bottom <= top:
            return
        size = (right - left, bottom - top)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points], fill=255)
        fill = _column(((0.0, upper), (1.0, lower)), size[1]).resize(size)
        self.image.paste(fill, (left, top), mask)

    def veil(self, colour: Colour, alpha: NDArray[np.float32]) -> None:
        """A colour laid over everything, as dense as the small map `alpha` says (0..1)."""
        small = Image.fromarray((np.clip(alpha, 0, 1) * 255).astype(np.uint8))
        mask = small.resize((self.w, self.h), Image.Resampling.BILINEAR)
        self.image.paste(whole(colour), (0, 0, self.w, self.h), mask)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Light that fades with the distance from a point."""
        side = 48
        grid = (np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1
        far = np.sqrt(grid[None, :] ** 2 + grid[:, None] ** 2)
        alpha = np.clip(1 - far, 0, 1) ** 2 * strength
        size = max(2, round(radius * 2))
        mask = Image.fromarray((alpha * 255).astype(np.uint8)).resize((size, size))
        left, top = round(x - radius), round(y - radius)
        self.image.paste(whole(colour), (left, top, left + size, top + size), mask)

    def glaze(self, points: Sequence[Point], colour: Colour, strength: float) -> None:
        """A see-through polygon."""
        mask = Image.new("L", (self.w, self.h))
        ImageDraw.Draw(mask).polygon(points, fill=round(strength * 255))
        self.image.paste(whole(colour), (0, 0, self.w, self.h), mask)

    def finished(self) -> Image.Image:
        return self.image.reduce(_FINER)


def _column(stops: Sequence[tuple[float, Colour]], rows: int) -> Image.Image:
    where = np.linspace(0, 1, rows, dtype=np.float32)
    at = [stop for stop, _ in stops]
    parts = [np.interp(where, at, [colour[i] for _, colour in stops]) for i in range(3)]
    column = np.stack(parts, axis=-1)[:, None, :]
    return Image.fromarray(np.clip(column, 0, 255).astype(np.uint8))
