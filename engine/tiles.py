"""Cutting a picture into tiles of one shape and putting their enlargements together without seams.

Neighbouring tiles overlap twice over. The outer `margin` of a tile is there for the network to look
at and is thrown away: near its border a network sees less than it wants to. What is left of two
neighbours, their cores, overlaps by `feather` pixels in which one fades into the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""Height × width × channels."""

ROUND = 16
"""Strides are multiples of this, so that pictures of many sizes share few tile shapes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How one side of a picture is cut: `count` tiles of `tile` pixels, one every `stride`."""

    length: int
    count: int
    stride: int
    margin: int
    feather: int

    @property
    def core(self) -> int:
        """The pixels of a tile that are kept."""
        return self.stride + self.feather

    @property
    def tile(self) -> int:
        """The pixels of a tile that the network sees."""
        return self.core + 2 * self.margin

    @property
    def after(self) -> int:
        """The pixels to be added behind the picture; `margin` of them stand before it too."""
        return self.count * self.stride + self.feather + self.margin - self.length

    def scaled(self, up: int, down: int) -> Cut:
        """The same cut of the enlarged picture."""
        return Cut(
            length=self.length * up // down,
            count=self.count,
            stride=self.stride * up // down,
            margin=self.margin * up // down,
            feather=self.feather * up // down,
        )


def cut(length: int, largest: int, *, margin: int, feather: int, multiple: int = 1) -> Cut:
    """The fewest tiles of at most `largest` pixels, all alike and no larger than they need be.

    Every number of the cut is a multiple of `multiple`; `margin` and `feather` are rounded up.
    """
    margin, feather = _up(margin, multiple), _up(feather, multiple)
    room = largest - 2 * margin - feather
    step = math.lcm(ROUND, multiple)
    widest = max(step, room // step * step)
    if length <= widest + feather:
        return Cut(
            length=length,
            count=1,
            stride=max(multiple, _up(length - feather, step)),
            margin=margin,
            feather=feather,
        )
    count = -(-(length - feather) // widest)
    stride = _up(-(-(length - feather) // count), step)
    return Cut(length=length, count=count, stride=stride, margin=margin, feather=feather)


def exact(length: int, tile: int, *, margin: int, feather: int, multiple: int = 1) -> Cut:
    """Tiles of exactly `tile` pixels, for a network that takes no others."""
    margin, feather = _up(margin, multiple), _up(feather, multiple)
    stride = tile - 2 * margin - feather
    if stride < 1 or stride % multiple:
        margin, feather = 0, 0
        stride = tile
    count = max(1, -(-(length - feather) // stride))
    return Cut(length=length, count=count, stride=stride, margin=margin, feather=feather)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Both sides of a picture, cut."""

    across: Cut
    down: Cut

    @property
    def count(self) -> int:
        return self.across.count * self.down.count

    def tiles(self, pixels: Pixels) -> Iterator[tuple[int, int, Pixels]]:
        """Column, row and pixels of every tile, row by row; mirrored where the picture ends.

        Only one row of tiles is held apart from the picture.
        """
        height, width = pixels.shape[:2]
        columns = _mirrored(width, self.across)
        rows = _mirrored(height, self.down)
        for row in range(self.down.count):
            begin = row * self.down.stride
            band = pixels[rows[begin : begin + self.down.tile]][:, columns]
            for column in range(self.across.count):
                left = column * self.across.stride
                yield column, row, band[:, left : left + self.across.tile]

    def canvas(self, channels: int, up: int, down: int = 1) -> Canvas:
        """Where the enlarged tiles come together."""
        return Canvas(
            Grid(across=self.across.scaled(up, down), down=self.down.scaled(up, down)), channels
        )


class Canvas:
    """The enlarged picture as it grows, row of tiles by row of tiles."""

    def __init__(self, grid: Grid, channels: int) -> None:
        self._across, self._down = grid.across, grid.down
        self.pixels: Pixels = np.empty((self._down.length, self._across.length, channels), np.uint8)
        whole = self._across.count * self._across.stride + self._across.feather
        self._above: Pixels = np.empty((self._down.feather, whole, channels), np.uint8)
        self._left: Pixels = np.empty((0, 0, channels), np.uint8)

    def put(self, column: int, row: int, tile: Pixels) -> None:
        """Lay down the next tile, margins and all; they have to come row by row."""
        across, down = self._across, self._down
        core = tile[
            down.margin : down.margin + down.core, across.margin : across.margin + across.core
        ]
        x, y = column * across.stride, row * down.stride
        if across.feather:
            head = core[:, : across.feather]
            core = core.copy()
            if column:
                core[:, : across.feather] = _fade(self._left, head, axis=1)
            if column + 1 < across.count:
                self._left = core[:, across.stride :].copy()
                core = core[:, : across.stride]
        if down.feather:
            span = slice(x, x + core.shape[1])
            if row:
                core[: down.feather] = _fade(self._above[:, span], core[: down.feather], axis=0)
            if row + 1 < down.count:
                self._above[:, span] = core[down.stride :]
                core = core[: down.stride]
        target = self.pixels[y : y + core.shape[0], x : x + core.shape[1]]
        target[:] = core[: target.shape[0], : target.shape[1]]


def _fade(before: Pixels, after: Pixels, *, axis: int) -> Pixels:
    """`before` turning into `after` along `axis`."""
    length = before.shape[axis]
    ramp = (np.arange(length, dtype=np.float32) + 0.5) / length
    ramp = ramp.reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    first = before.astype(np.float32)
    faded: Pixels = (first + (after.astype(np.float32) - first) * ramp + 0.5).astype(np.uint8)
    return faded


def _mirrored(length: int, side: Cut) -> npt.NDArray[np.intp]:
    """For every pixel of the padded side the one of the picture that stands there."""
    places = np.arange(-side.margin, length + side.after)
    if length == 1:
        return np.zeros_like(places)
    period = 2 * length - 2
    places = np.abs(places) % period
    return np.minimum(places, period - places)


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
