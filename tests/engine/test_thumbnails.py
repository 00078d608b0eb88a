"""Thumbnails are small, keep their shape and what can be seen through, and are never enlarged."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from engine.thumbnails import SIDE, thumbnail


def made(image: Image.Image) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "PNG")
    return Image.open(io.BytesIO(thumbnail(out.getvalue())))


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1024, 512), (384, 192)),
        ((100, 3000), (13, 384)),
        ((256, 256), (256, 256)),
        ((1, 1), (1, 1)),
    ],
)
def test_the_longest_side_is_bounded(size: tuple[int, int], small: tuple[int, int]) -> None:
    """Whatever the shape; what is smaller stays as it is."""
    image = made(Image.new("RGB", size, "teal"))
    assert (image.format, image.size) == ("WEBP", small)
    assert max(small) <= SIDE


def test_what_can_be_seen_through_stays_so() -> None:
    """Enlarged uploads may have transparency."""
    image = made(Image.new("RGBA", (500, 500), (200, 30, 30, 90)))
    assert image.mode == "RGBA"
    alpha = image.getpixel((5, 5))
    assert isinstance(alpha, tuple)
    assert abs(alpha[3] - 90) <= 2


def test_colours_stay() -> None:
    """A palette or grey becomes RGB of the same look."""
    for mode in ("L", "P", "LA"):
        image = made(Image.new("RGB", (600, 400), (90, 90, 90)).convert(mode))
        colour = image.convert("RGB").getpixel((9, 9))
        assert isinstance(colour, tuple)
        assert all(abs(each - 90) <= 3 for each in colour)
