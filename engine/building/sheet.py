"""The sheet that shows original and built side by side, and how far they are apart in decibels."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 12
PAPER, INK, FAINT = (250, 249, 246), (30, 30, 34), (110, 110, 118)
FEWEST_PIXELS, MOST_PIXELS = 192, 384
"""Pixels along the longer side of a picture on the sheet."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt, painted by the original and by what was built of it."""

    prompt: str
    seed: int
    original: Image.Image
    built: Image.Image

    @property
    def psnr(self) -> float:
        return psnr(self.original, self.built)


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal to noise in dB; infinite where both are the same."""
    difference = np.asarray(one.convert("RGB"), float) - np.asarray(other.convert("RGB"), float)
    error = float(np.mean(difference**2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def draw(pairs: Sequence[Pair], title: str, file: Path) -> None:
    """Write the sheet: a row for each pair, the original on the left."""
    width, height = pairs[0].original.size
    scale = min(MOST_PIXELS, max(FEWEST_PIXELS, width, height)) / max(width, height)
    size = (round(width * scale), round(height * scale))
    font, small = ImageFont.load_default(16), ImageFont.load_default(13)
    words = max(220, size[0] // 2)
    row = size[1] + GAP
    sheet = Image.new("RGB", (words + 2 * (size[0] + GAP) + 2 * GAP, 64 + row * len(pairs)), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, GAP), title, INK, font)
    for column, heading in enumerate(("original, 32 bits", "built")):
        pen.text((words + GAP + column * (size[0] + GAP), 40), heading, FAINT, small)
    for index, pair in enumerate(pairs):
        top = 64 + index * row
        text = textwrap.fill(pair.prompt, words // 8)
        pen.text((GAP, top), text, INK, small, spacing=3)
        below = pen.multiline_textbbox((GAP, top), text, small, spacing=3)[3] + GAP
        fact = f"seed {pair.seed}, {pair.psnr:.1f} dB"
        pen.text((GAP, below), fact, FAINT, small)
        for column, image in enumerate((pair.original, pair.built)):
            small_one = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            sheet.paste(small_one, (words + GAP + column * (size[0] + GAP), top))
    sheet.save(file)
