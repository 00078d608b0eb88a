"""Masks: what is painted anew, what is kept, and how they meet."""

from __future__ import annotations

import numpy as np
from PIL import Image

from engine.inpainting import read


def _holed(size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Red on the left, blue on the right, a hole in the middle over something green."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    box = (size[0] // 4, size[1] // 4, 3 * size[0] // 4, 3 * size[1] // 4)
    image.paste("lime", box)
    alpha = Image.new("L", size, 255)
    alpha.paste(0, box)
    image.putalpha(alpha)
    return image


def test_what_is_kept_stays_to_the_pixel() -> None:
    """Outside the mask not one value changes; well inside it all is new."""
    mask = read(_holed(), 64, 64, fill=False)
    result = np.asarray(mask.applied(Image.new("RGB", (64, 64), "white")))
    kept = np.asarray(_holed().convert("RGB"))
    outside = np.asarray(_holed().getchannel("A")) == 255
    assert (result[outside] == kept[outside]).all()
    assert (result[24:40, 24:40] == 255).all()


def test_latents_are_painted_wherever_a_pixel_of_theirs_is() -> None:
    """A mask of one pixel takes the whole place it lies in."""
    source = Image.new("RGBA", (64, 64), "red")
    source.putpixel((9, 17), (0, 0, 0, 0))
    found = read(source, 64, 64, fill=False).on_latents(8)
    assert found.shape == (1, 1, 8, 8)
    assert found[0, 0, 2, 1] == found.sum() == 1


def test_a_hole_is_filled_with_what_surrounds_it() -> None:
    """What lay under a transparent part was meant by nobody; what a mask covers, by somebody."""
    filled = np.asarray(read(_holed(), 64, 64, fill=True).source, np.int16)
    left, right = filled[32, 20], filled[32, 44]
    assert left[0] > left[2] > -1
    assert right[2] > right[0]
    assert filled[20:44, 20:44, 1].max() < 60
    kept = np.asarray(read(_holed(), 64, 64, fill=False).source)
    assert (kept[32, 32] == (0, 255, 0)).all()


def test_a_source_of_any_size_and_form_is_fitted() -> None:
    """Picture and mask are cut alike; nothing transparent, nothing painted."""
    mask = read(_holed((200, 100)), 96, 64, fill=True)
    assert mask.source.size == (96, 64)
    assert mask.share.shape == (64, 96)
    assert 0.2 < mask.share.mean() < 0.35
    solid = read(Image.new("RGB", (50, 80), "red"), 64, 64, fill=True)
    assert solid.share.max() == 0
    assert solid.applied(Image.new("RGB", (64, 64), "white")).getpixel((32, 32)) == (255, 0, 0)
    empty = read(Image.new("RGBA", (50, 80), (9, 9, 9, 0)), 64, 64, fill=True)
    assert empty.share.min() == 1
