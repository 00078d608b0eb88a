"""Cutting pictures into tiles and putting them together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tiles import Cut, Grid, Pixels, cut, exact

LENGTHS = st.integers(1, 700)


def _noise(width: int, height: int) -> Pixels:
    random = np.random.default_rng(width * 1000 + height)
    return random.integers(0, 256, (height, width, 3), np.uint8)


@settings(max_examples=60, deadline=None)
@given(
    width=LENGTHS,
    height=st.integers(1, 90),
    largest=st.sampled_from([64, 100, 256, 512]),
    margin=st.integers(0, 12),
    feather=st.integers(0, 9),
    multiple=st.sampled_from([1, 2, 4, 12]),
    whole=st.booleans(),
)
def test_what_was_cut_comes_together_as_it_was(
    width: int, height: int, largest: int, margin: int, feather: int, multiple: int, whole: bool
) -> None:
    """Any size, any tile: every pixel is where it belongs, and all tiles are alike."""
    picture = _noise(width, height)
    make = exact if whole else cut
    options = {"margin": margin, "feather": feather, "multiple": multiple}
    grid = Grid(across=make(width, largest, **options), down=make(height, largest, **options))
    canvas = grid.canvas(3, 2)
    count = 0
    for column, row, tile in grid.tiles(picture):
        assert tile.shape == (grid.down.tile, grid.across.tile, 3)
        canvas.put(column, row, tile.repeat(2, axis=0).repeat(2, axis=1))
        count += 1
    assert count == grid.count
    assert np.array_equal(canvas.pixels, picture.repeat(2, axis=0).repeat(2, axis=1))


@given(length=LENGTHS, largest=st.integers(64, 400), margin=st.integers(0, 12))
def test_tiles_are_few_and_not_too_large(length: int, largest: int, margin: int) -> None:
    """No tile is larger than allowed, none more than the picture needs."""
    found = cut(length, largest, margin=margin, feather=8)
    assert found.tile <= max(largest, 16 + 8 + 2 * margin)
    assert found.count * found.stride + found.feather >= length
    assert (found.count - 1) * found.stride < length
    if found.count > 1:
        fewer = cut(length, largest + found.tile * found.count, margin=margin, feather=8)
        assert fewer.count == 1


def _mixed(left: int, right: int, cut_: Cut) -> Pixels:
    """Two flat tiles that do not agree, side by side."""
    grid = Grid(across=cut_, down=cut(20, 64, margin=0, feather=4))
    assert grid.count == 2
    canvas = grid.canvas(1, 1)
    for column, level in enumerate((left, right)):
        tile = np.full((grid.down.tile, cut_.tile, 1), level, np.uint8)
        canvas.put(column, 0, tile)
    return canvas.pixels[:, :, 0]


def test_tiles_that_disagree_fade_into_each_other() -> None:
    """Nowhere a step: across the seam the level rises evenly."""
    mixed = _mixed(100, 140, cut(140, 100, margin=4, feather=16)).astype(int)
    steps = np.diff(mixed[10])
    assert mixed[10, 0] == 100
    assert mixed[10, -1] == 140
    assert steps.min() >= 0
    assert steps.max() <= 3
    assert (mixed == mixed[0]).all()


def test_four_tiles_meet_without_a_corner() -> None:
    """Where four tiles of different levels meet, no pixel differs much from its neighbours."""
    side = cut(140, 100, margin=4, feather=16)
    grid = Grid(across=side, down=side)
    assert grid.count == 4
    canvas = grid.canvas(1, 1)
    for number, level in enumerate((100, 140, 120, 180)):
        tile = np.full((side.tile, side.tile, 1), level, np.uint8)
        canvas.put(number % 2, number // 2, tile)
    pixels = canvas.pixels[:, :, 0].astype(int)
    assert np.abs(np.diff(pixels, axis=0)).max() <= 5
    assert np.abs(np.diff(pixels, axis=1)).max() <= 5


@pytest.mark.parametrize("length", [1, 2, 3, 50])
def test_beyond_the_edge_stands_the_mirrored_picture(length: int) -> None:
    """A network never sees black where a picture ends, however small it is."""
    picture = np.full((length, length, 3), 200, np.uint8)
    side = cut(length, 96, margin=16, feather=8)
    ((_, _, tile),) = Grid(across=side, down=side).tiles(picture)
    assert (tile == 200).all()
