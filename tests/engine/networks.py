"""Small networks for the tests of enlarging, made without training: their output is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as ops

from engine.networks import Networks
from engine.tempo import Tempo, Tempos, key_of

REACH = 3
"""How far the toy looks around each pixel."""


def write_toy(
    file: Path, scale: int, *, size: tuple[int, int] | None = None, gain: float = 1.0, seed: int = 1
) -> Path:
    """A network of one convolution with a lopsided kernel, and its pixels spread out.

    With `size` (width, height) it takes pictures of that size alone.
    """
    side = 2 * REACH + 1
    random = np.random.default_rng(seed)
    kernel = random.random((scale * scale, side, side)).astype(np.float32)
    kernel *= gain / kernel.sum(axis=(1, 2), keepdims=True)
    weights = np.zeros((3 * scale * scale, 3, side, side), np.float32)
    for colour in range(3):
        weights[colour * scale * scale : (colour + 1) * scale * scale, colour] = kernel
    height, width = (-1, -1) if size is None else (size[1], size[0])
    batch = -1 if size is None else 1
    image = ops.parameter([batch, 3, height, width], np.float32, name="image")
    pads = [REACH, REACH]
    spread = ops.convolution(image, ops.constant(weights), [1, 1], pads, pads, [1, 1])
    enlarged = ops.depth_to_space(spread, "depth_first", scale)
    file.parent.mkdir(parents=True, exist_ok=True)
    openvino.save_model(openvino.Model([enlarged], [image], "toy"), file, compress_to_fp16=False)
    return file


def write_card(folder: Path, more: str = "") -> Path:
    """The card that makes a folder a network that enlarges."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f'kind = "upscaler"\nname = "{folder.name}"\ntitle = "A toy"\n{more}'
    (folder / "atelier.toml").write_text(text, encoding="utf-8")
    return folder


def toys(models: Path, *scales: int) -> Networks:
    """One network, `toy`, for these scales."""
    for scale in scales:
        write_toy(models / "toy" / f"x{scale}.xml", scale)
    write_card(models / "toy")
    return Networks.read((models,), shipped=models / "nothing")


def remember(cache: Path, file: Path, tempo: Tempo) -> None:
    """Let it count as measured that the network runs best in such tiles."""
    from engine.lens import Lens

    Tempos(cache).keep(key_of(file, Lens(file, name="toy").circumstances, None), tempo)
