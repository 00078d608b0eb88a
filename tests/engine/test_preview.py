"""The learned linear decoder."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from engine.preview import BLOCK, EAGER, RARELY, LatentPreview


def _example(seed: int) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], Image.Image]:
    """Latents and an image that really depends linearly on them."""
    rng = np.random.default_rng(seed)
    latents = rng.uniform(-1, 1, (4, 16, 16)).astype(np.float32)
    mixing = np.array([[60, 10, 0, 5], [0, 50, 20, 0], [10, 0, 60, -20]], np.float32)
    colours = np.einsum("kc,chw->hwk", mixing, latents) + 127
    image = Image.fromarray(colours.clip(0, 255).astype(np.uint8)).resize(
        (128, 128), Image.Resampling.NEAREST
    )
    return latents, image


def test_a_preview_resembles_the_picture_after_one_example() -> None:
    """One finished picture teaches enough to recognise the next."""
    preview = LatentPreview()
    assert preview.render(_example(0)[0]) is None
    preview.learn(*_example(0))
    latents, image = _example(1)
    data = preview.render(latents)
    assert data is not None
    with Image.open(io.BytesIO(data)) as opened:
        seen = np.asarray(opened.convert("RGB"), np.float32)
    wanted = np.asarray(image.resize((16 * BLOCK, 16 * BLOCK), Image.Resampling.BOX), np.float32)
    assert seen.shape == wanted.shape
    # WebP halves the colour resolution, and these neighbours are random: compare area means.
    error = np.abs(seen.mean((0, 1)) - wanted.mean((0, 1))).mean()
    assert error < 6
    assert np.corrcoef(seen.mean(2).ravel(), wanted.mean(2).ravel())[0, 1] > 0.9


def test_what_was_learned_survives_a_restart(tmp_path: Path) -> None:
    """The cache file brings the preview back; a broken one is only forgotten."""
    file = tmp_path / "previews" / "m.npz"
    first = LatentPreview(file)
    first.learn(*_example(0))
    first.save()
    assert LatentPreview(file).ready
    file.write_bytes(b"rubbish")
    assert not LatentPreview(file).ready


def test_latents_of_another_model_get_no_preview() -> None:
    """Better no preview than one through the wrong matrix."""
    preview = LatentPreview()
    preview.learn(*_example(0))
    assert preview.render(np.zeros((16, 8, 8), np.float32)) is None


def test_after_the_first_pictures_only_now_and_then_one_is_learned_from() -> None:
    """Learning costs as much as two previews, so that a well-known model stops doing it often."""
    preview = LatentPreview()
    for number in range(EAGER):
        preview.learn(*_example(number))
    known = preview.render(_example(0)[0])
    preview.learn(*_example(99))
    assert preview.render(_example(0)[0]) == known
    for number in range(RARELY):
        preview.learn(_example(number)[0], Image.new("RGB", (128, 128), "red"))
    assert preview.render(_example(0)[0]) != known
