"""Owns what the networks learn from: pictures drawn here, from our renders to leaves and letters.

The starter's world alone would make a network blind outside it. Photographs are mostly things in
front of things, each with a texture of its own whose contrast falls with its fineness: such are the
"leaves" here (the dead leaves model, known for having the statistics of photographs).
"""

from __future__ import annotations

import math
import random
import string
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from engine.starter.captions import training_scene
from engine.starter.scenes import render

Colour = tuple[int, int, int]
_SIZE = 512  # of everything but renders
_FINER = 2  # drawn this much larger, for smooth edges


def picture(rng: random.Random) -> Image.Image:
    """One picture to cut crops from, at least 192 pixels a side."""
    kinds, shares = zip(*_KINDS, strict=True)
    made: Image.Image = rng.choices(kinds, shares)[0](rng)
    return made


def rendered(rng: random.Random) -> Image.Image:
    """A scene of the starter's world."""
    width, height = rng.choice(
        ((256, 256), (512, 512), (512, 512), (1024, 1024), (1024, 1024), (1280, 768), (768, 1280))
    )
    return render(training_scene(rng), width, height)


def leaves(rng: random.Random) -> Image.Image:
    """Shapes in front of shapes, small ones far more often than large ones, all textured."""
    side = _SIZE * _FINER
    image = Image.fromarray(_texture(rng, side))
    smallest = rng.uniform(14, 60)
    for _ in range(rng.randint(120, 360)):
        radius = smallest / max(rng.random(), (smallest / (side * 0.4)) ** 2) ** 0.5
        box = (
            round(rng.uniform(-radius, side)), round(rng.uniform(-radius, side)),
            max(4, round(2 * radius)), max(4, round(2 * radius * rng.uniform(0.35, 1.0))),
        )  # fmt: skip
        mask = _shape(rng, box[2:])
        if rng.random() < 0.25:
            mask = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 5)))
        image.paste(_filling(rng, box[2:]), box[:2], mask)
    return _photographed(image.reduce(_FINER), rng)


def textures(rng: random.Random) -> Image.Image:
    """Four panes of cloud, wood, weave and grain."""
    image = Image.new("RGB", (_SIZE, _SIZE))
    half = _SIZE // 2
    for left in (0, half):
        for top in (0, half):
            made = _pattern(rng, half) if rng.random() < 0.5 else _texture(rng, half)
            image.paste(Image.fromarray(made), (left, top))
    return image


def letters(rng: random.Random) -> Image.Image:
    """Lines of letters in many sizes, on plain, shaded and busy grounds."""
    side = _SIZE * _FINER
    busy = rng.random() < 0.3
    image = Image.fromarray(_texture(rng, side)) if busy else _shaded(rng, side)
    pen = ImageDraw.Draw(image)
    y = 0.0
    while y < side:
        size = rng.uniform(9, 60) * _FINER
        font = ImageFont.load_default(size)
        words = "".join(rng.choice(_SIGNS) for _ in range(int(side / size * 2.2)))
        pen.text((rng.uniform(-size, size), y), words, fill=_colour(rng), font=font)
        y += size * rng.uniform(1.0, 1.5)
    if rng.random() < 0.4:
        image = image.rotate(rng.uniform(-30, 30), Image.Resampling.BICUBIC, fillcolor=_colour(rng))
    return image.reduce(_FINER)


def drawings(rng: random.Random) -> Image.Image:
    """Outlines, curves and flat areas, as comics and diagrams have them."""
    side = _SIZE * _FINER
    image = _shaded(rng, side)
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(15, 60)):
        kind, colour = rng.random(), _colour(rng)
        thick = max(1, round(rng.uniform(1, 7) * _FINER))
        x, y = rng.uniform(0, side), rng.uniform(0, side)
        reach = side * rng.uniform(0.02, 0.25)
        if kind < 0.4:
            points = [(x, y)]
            for _ in range(rng.randint(2, 7)):
                at = points[-1]
                points.append((at[0] + rng.gauss(0, reach), at[1] + rng.gauss(0, reach)))
            pen.line(points, fill=colour, width=thick, joint="curve")
        elif kind < 0.7:
            box = (x - reach, y - reach * rng.uniform(0.3, 1), x + reach, y + reach)
            filled = None if rng.random() < 0.4 else _colour(rng)
            pen.ellipse(box, fill=filled, outline=colour, width=thick)
        else:
            points = [(x + rng.gauss(0, reach), y + rng.gauss(0, reach)) for _ in range(4)]
            pen.polygon(points, fill=_colour(rng), outline=colour, width=thick)
    return image.reduce(_FINER)


def gradients(rng: random.Random) -> Image.Image:
    """Smooth shades from corner to corner, with a soft light or two, sometimes with grain."""
    corners = np.array([[_colour(rng) for _ in range(2)] for _ in range(2)], np.uint8)
    pixels = np.asarray(
        Image.fromarray(corners).resize((_SIZE, _SIZE), Image.Resampling.BICUBIC), np.float32
    )
    y, x = np.mgrid[0:_SIZE, 0:_SIZE].astype(np.float32)
    for _ in range(rng.randint(0, 2)):
        far = np.hypot(x - rng.uniform(0, _SIZE), y - rng.uniform(0, _SIZE))
        light = np.clip(1 - far / rng.uniform(40, 400), 0, 1)[..., None] ** rng.uniform(0.3, 2)
        pixels = pixels + (np.array(_colour(rng), np.float32) - pixels) * light
    grain = rng.uniform(0, 10) if rng.random() < 0.3 else 0.4
    return Image.fromarray(_bytes(pixels + grain * _numbers(rng).standard_normal(pixels.shape)))


_KINDS: tuple[tuple[Callable[[random.Random], Image.Image], float], ...] = (
    (rendered, 0.42),
    (leaves, 0.26),
    (textures, 0.08),
    (letters, 0.09),
    (drawings, 0.10),
    (gradients, 0.05),
)
_SIGNS = string.ascii_letters + string.digits + "        .,;:!?-+()/&"


def _numbers(rng: random.Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(32))


def _bytes(pixels: NDArray[np.floating]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.clip(pixels + 0.5, 0, 255).astype(np.uint8)
    return rounded


def _colour(rng: random.Random) -> Colour:
    """Any colour, greyish ones more often, as in the world."""
    grey, width = rng.uniform(0, 255), rng.uniform(0, 120)
    r, g, b = (min(255, max(0, round(grey + rng.uniform(-width, width)))) for _ in range(3))
    return r, g, b


def _cloud(rng: random.Random, side: int, slope: float) -> NDArray[np.float32]:
    """Noise whose contrast falls with its fineness as 1 / f^slope; mean 0, deviation 1."""
    numbers = _numbers(rng)
    f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :] * rng.uniform(1, 2))
    f[0, 0] = 1.0
    waves = np.fft.rfft2(numbers.standard_normal((side, side))) / f**slope
    waves[0, 0] = 0
    found = np.fft.irfft2(waves, (side, side))
    return np.asarray(found / (found.std() + 1e-9), np.float32)


def _texture(rng: random.Random, side: int) -> NDArray[np.uint8]:
    """A colour that wanders, cloudily, towards others."""
    slope = rng.uniform(0.7, 1.9)
    base = np.array(_colour(rng), np.float32)
    light = _cloud(rng, side, slope)[..., None] * rng.uniform(3, 40)
    tint = _cloud(rng, side, slope + 0.2)[..., None] * rng.uniform(0, 12)
    return _bytes(base + light + tint * np.array([rng.gauss(0, 1) for _ in range(3)], np.float32))


def _pattern(rng: random.Random, side: int) -> NDArray[np.uint8]:
    """Waves, checks or grain between two colours, bent a little."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    angle, length = rng.uniform(0, math.pi), rng.uniform(5, 48)
    bend = _cloud(rng, side, 1.8) * rng.uniform(0, length / 2)
    along = (x * math.cos(angle) + y * math.sin(angle) + bend) * (2 * math.pi / length)
    across = (y * math.cos(angle) - x * math.sin(angle) + bend) * (2 * math.pi / length)
    wave = np.sin(along) if rng.random() < 0.5 else np.sin(along) * np.sin(across)
    wave = np.tanh(wave * rng.choice((0.7, 2.0, 8.0)))
    if rng.random() < 0.2:
        wave = _cloud(rng, side, rng.uniform(0, 0.7))
    a, b = np.array(_colour(rng), np.float32), np.array(_colour(rng), np.float32)
    return _bytes(a + (b - a) * (0.5 + 0.5 * wave[..., None]))


def _shaded(rng: random.Random, side: int) -> Image.Image:
    column = np.array([[_colour(rng)], [_colour(rng)]], np.uint8)
    if rng.random() < 0.5:
        column[1] = column[0]
    shaded = Image.fromarray(column).resize((side, side), Image.Resampling.BILINEAR)
    return shaded.rotate(90 * rng.randrange(4))


def _filling(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """The inside of a leaf: plain, shaded, cloudy or patterned."""
    kind, side = rng.random(), max(size)
    if kind < 0.25 or side < 12:
        return Image.new("RGB", size, _colour(rng))
    if kind < 0.45:
        return _shaded(rng, side).crop((0, 0, *size))
    own = min(side, 256)
    made = _pattern(rng, own) if kind > 0.9 else _texture(rng, own)
    return Image.fromarray(np.tile(made, (side // own + 1, side // own + 1, 1))).crop((0, 0, *size))


def _shape(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size)
    pen, (w, h) = ImageDraw.Draw(mask), size
    kind = rng.random()
    if kind < 0.45:
        pen.ellipse((0, 0, w - 1, h - 1), fill=255)
    elif kind < 0.6:
        pen.rectangle((0, 0, w, h), fill=255)
    else:
        turns = sorted(rng.uniform(0, 2 * math.pi) for _ in range(rng.randint(3, 9)))
        pen.polygon(
            [(w / 2 + w / 2 * math.cos(t), h / 2 + h / 2 * math.sin(t)) for t in turns], fill=255
        )
    if kind > 0.3 and min(size) > 8:
        turned = mask.rotate(rng.uniform(0, 180), Image.Resampling.BILINEAR)
        mask = turned
    return mask


def _photographed(image: Image.Image, rng: random.Random) -> Image.Image:
    """A lens and a sensor: hardly sharp to the last pixel, hardly free of noise."""
    if rng.random() < 0.6:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9)))
    if rng.random() < 0.5:
        pixels = np.asarray(image, np.float32)
        grain = _numbers(rng).standard_normal(pixels.shape, np.float32) * rng.uniform(0.3, 3)
        image = Image.fromarray(_bytes(pixels + grain))
    return image
