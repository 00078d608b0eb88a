"""Owns the light of a scene and its sky: time of day, sun and moon, weather."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from engine.starter.canvas import Canvas, Colour, mix, times, whole

WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """How everything in a scene is lit."""

    top: Colour
    middle: Colour
    bottom: Colour  # the sky at the horizon; far things fade into it
    ambient: Colour  # what the colours of things are multiplied by
    orb: Colour  # sun or moon
    orb_x: float
    orb_y: float
    orb_size: float
    lamps: bool  # windows are lit

    def on(self, colour: Colour, far: float = 0.0) -> Colour:
        """A thing's colour in this light, `far` (0..1) into the haze."""
        return mix(times(colour, self.ambient), self.bottom, far)


_TIMES: dict[str, tuple[Colour, Colour, Colour, Colour, Colour, bool]] = {
    "day": (
        (48, 128, 214),
        (116, 184, 236),
        (202, 232, 246),
        (1.0, 1.0, 1.0),
        (255, 246, 205),
        False,
    ),
    "sunset": (
        (74, 48, 112),
        (222, 92, 86),
        (255, 184, 92),
        (0.92, 0.62, 0.52),
        (255, 226, 130),
        True,
    ),
    "night": ((10, 15, 52), (24, 36, 92), (58, 76, 134), (0.37, 0.43, 0.66), (240, 240, 222), True),
    "dawn": (
        (142, 164, 220),
        (236, 186, 212),
        (255, 226, 206),
        (0.93, 0.80, 0.88),
        (255, 244, 232),
        False,
    ),
}
_SLATE: Colour = (54, 58, 74)
_MILK: Colour = (226, 230, 236)


def lit_by(colour: Colour, ambient: Colour) -> Colour:
    """What hangs in the sky takes half of the light's tint: it shows at any time of day."""
    return times(colour, mix(ambient, (1.0, 1.0, 1.0), 0.5))


def light_for(
    time: str,
    sky: str,
    horizon: float,
    avoid_x: float,
    rng: random.Random,
    toward: tuple[str, float] = ("", 0.0),
) -> Light:
    """The light of a time of day under a sky; the orb keeps away from the share `avoid_x`.

    `toward` is a second time and how far (0..1) the light has gone to it.
    """
    top, middle, bottom, ambient, orb, lamps = _TIMES[time]
    if toward[0]:
        here, there = (top, middle, bottom, ambient, orb), _TIMES[toward[0]][:5]
        top, middle, bottom, ambient, orb = (
            mix(a, b, toward[1]) for a, b in zip(here, there, strict=True)
        )
    warm = rng.uniform(-9, 9)
    top, middle, bottom = ((c[0] + warm, c[1], c[2] - warm) for c in (top, middle, bottom))
    if sky == "storm":
        top, middle = mix(top, _SLATE, 0.8), mix(middle, _SLATE, 0.5)
        ambient = times(ambient, (0.76, 0.78, 0.84))
    elif sky == "fog":
        pale = lit_by(_MILK, ambient)
        top, middle, bottom = mix(top, pale, 0.75), mix(middle, pale, 0.8), mix(bottom, pale, 0.6)
    if time in ("day", "night"):
        height = rng.uniform(0.14, 0.32) * horizon / 0.6
    else:
        height = horizon - (rng.uniform(0.02, 0.1) if time == "sunset" else rng.uniform(0.0, 0.03))
    x = rng.uniform(0.1, 0.36) + (0.5 if avoid_x < 0.5 else 0.0)
    size = {"day": 15.0, "sunset": 24.0, "night": 14.0, "dawn": 18.0}[time] * rng.uniform(
        0.85, 1.15
    )
    return Light(
        top=top, middle=middle, bottom=bottom, ambient=ambient, orb=orb,
        orb_x=x, orb_y=height, orb_size=size, lamps=lamps or sky == "storm",
    )  # fmt: skip


def paint_sky(
    c: Canvas, light: Light, time: str, sky: str, horizon: float, rng: random.Random
) -> None:
    """Everything behind the land."""
    c.backdrop(((0, light.top), (0.55, light.middle), (1, light.bottom)), 0, c.h * (horizon + 0.04))
    if time == "night" and sky in ("clear", "aurora", "rainbow"):
        _stars(c, 70 if sky == "clear" else 30, horizon, rng)
    if sky != "storm":
        _orb(c, light, time, sky)
    if sky == "clouds":
        _clouds(c, light, horizon, rng)
    elif sky == "storm":
        _thunder(c, light, horizon, rng)
    elif sky == "aurora":
        _aurora(c, horizon, rng)
    elif sky == "rainbow":
        _rainbow(c, horizon, rng)


def paint_air(c: Canvas, light: Light, sky: str, horizon: float, rng: random.Random) -> None:
    """What hangs in front of the land: rain, fog."""
    if sky == "storm":
        tint, slant = mix(light.bottom, WHITE, 0.35), rng.uniform(-0.35, 0.35)
        mask = Image.new("L", (c.w, c.h))
        pen = ImageDraw.Draw(mask)
        for _ in range(110):
            x, y, long = rng.uniform(0, c.w), rng.uniform(0, c.h), rng.uniform(9, 20) * c.unit
            pen.line(
                (x, y, x + slant * long, y + long), fill=130, width=max(1, round(0.9 * c.unit))
            )
        c.image.paste(whole(tint), (0, 0, c.w, c.h), mask)
    elif sky == "fog":
        rows = np.linspace(0, 1, 32, dtype=np.float32)[:, None]
        columns = np.linspace(0, 1, 32, dtype=np.float32)[None, :]
        swell = np.zeros((32, 32), np.float32)
        for k in range(1, 4):
            turn = rng.uniform(0, math.tau)
            swell += np.sin(columns * k * 3.0 + rows * 17.0 * k + turn).astype(np.float32) / k
        band = np.exp(-(((rows - horizon - 0.02) / 0.16) ** 2)).astype(np.float32)
        c.veil(lit_by(_MILK, light.ambient), 0.24 + band * (0.46 + 0.1 * swell))


def _orb(c: Canvas, light: Light, time: str, sky: str) -> None:
    x, y, r = light.orb_x * c.w, light.orb_y * c.h, light.orb_size * c.unit
    faint = 0.35 if sky == "fog" else 1.0
    c.glow(x, y, r * (3.2 if time == "night" else 5.5), light.orb, 0.55 * faint)
    c.ellipse(x, y, r, r, mix(light.bottom, light.orb, 0.55 if sky == "fog" else 1.0))
    if time == "night" and sky != "fog":
        for dx, dy, size in ((-0.3, -0.2, 0.22), (0.25, 0.3, 0.28), (0.3, -0.35, 0.14)):
            c.ellipse(
                x + dx * r, y + dy * r, size * r, size * r, times(light.orb, (0.88, 0.88, 0.9))
            )


def _stars(c: Canvas, count: int, horizon: float, rng: random.Random) -> None:
    for _ in range(count):
        r = rng.choice((0.6, 0.7, 0.8, 1.2)) * c.unit
        c.ellipse(rng.uniform(0, c.w), rng.uniform(0, c.h * horizon), r, r, (226, 230, 250))


def _clouds(c: Canvas, light: Light, horizon: float, rng: random.Random) -> None:
    """A bank of cumulus from side to side below the top, and a thinner one above the land."""
    lit = lit_by(WHITE, light.ambient)
    shade = mix(lit, light.middle, 0.4)
    for y, size in ((0.3, 27.0), (0.72, 15.0)):
        y, size = c.h * horizon * (y + rng.uniform(-0.04, 0.04)), c.unit * size
        count = round(c.w / size * 1.15) + 1
        puffs = [
            (
                c.w * (k + rng.uniform(0.2, 0.8)) / count,
                size * rng.uniform(0.5, 1.0),
            )
            for k in range(count)
        ]
        for colour, drop in ((shade, 0.3 * size), (lit, 0.0)):
            for x, r in puffs:
                c.ellipse(x, y + drop - r * 0.4, r, r * 0.8, colour)


def _thunder(c: Canvas, light: Light, horizon: float, rng: random.Random) -> None:
    """Dark clouds that hang from the top, and a bolt of lightning on either side."""
    for row in range(3):
        tone = mix(_SLATE, (96, 102, 120), 0.5 - 0.25 * row)
        base = c.h * horizon * (0.52 - 0.17 * row)
        for k in range(8):
            x = c.w * (k / 7) + rng.uniform(-12, 12) * c.unit
            c.ellipse(x, base - 6 * c.unit, 26 * c.unit, rng.uniform(14, 24) * c.unit, tone)
        c.box(0, 0, c.w, base - 6 * c.unit, tone)
    for x in (light.orb_x, 1.0 - light.orb_x):
        x, y, foot = x * c.w, c.h * horizon * 0.44, c.h * horizon
        bolt = [(x, y)]
        while bolt[-1][1] < foot:
            bx, by = bolt[-1]
            bolt.append((bx + rng.uniform(-13, 13) * c.unit, by + rng.uniform(9, 17) * c.unit))
        c.glow(x, (y + foot) / 2, 60 * c.unit, (255, 250, 205), 0.5)
        c.line(bolt, (255, 251, 214), 4.2 * c.unit)


def _aurora(c: Canvas, horizon: float, rng: random.Random) -> None:
    side = 96
    xs = np.linspace(0, 1, side, dtype=np.float32)[None, :]
    ys = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    for k, colour in enumerate(((150, 90, 235), (60, 240, 170), (120, 255, 150))):
        phase, pace = rng.uniform(0, math.tau), rng.uniform(4, 7)
        hem = (
            horizon * (0.42 + 0.2 * k)
            + 0.07 * np.sin(xs * pace + phase)
            + 0.03 * np.sin(xs * 13 + phase * 2)
        )
        above = (hem - ys) / (0.34 * horizon / 0.6)
        curtain = np.where(above >= 0, np.exp(-above * 3.0), np.exp(above * 30))
        folds = 0.72 + 0.28 * np.sin(xs * 40 + 4 * np.sin(xs * 9 + phase))
        c.veil(colour, (curtain * folds * 0.72).astype(np.float32))


def _rainbow(c: Canvas, horizon: float, rng: random.Random) -> None:
    over = c.image.copy()
    pen = ImageDraw.Draw(over)
    x, y = c.w * rng.uniform(0.46, 0.54), c.h * (horizon + 0.06)
    r = c.unit * rng.uniform(112, 120)
    band = 6.0 * c.unit
    for colour in (
        (226, 60, 60),
        (246, 146, 50),
        (250, 224, 80),
        (86, 196, 96),
        (66, 132, 230),
        (136, 84, 206),
    ):
        pen.ellipse((x - r, y - r, x + r, y + r), outline=colour, width=round(band) + 1)
        r -= band
    c.image.paste(Image.blend(c.image, over, 0.85), (0, 0))
