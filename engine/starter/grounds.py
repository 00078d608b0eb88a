"""Owns the land of a scene, from the horizon to the lower edge: one painter for each terrain."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from engine.starter.canvas import Canvas, Colour, Point, mix
from engine.starter.skies import WHITE, Light

Painter = Callable[[Canvas, Light, float, Point, bool, random.Random], None]


def paint_ground(
    c: Canvas,
    light: Light,
    terrain: str,
    horizon: float,
    stand: Point,
    floats: bool,
    rng: random.Random,
) -> None:
    """The land; `stand` is where the subject will rest (in pixels), unless it floats or flies."""
    _PAINTERS[terrain](c, light, horizon, stand, floats, rng)


def hills(
    c: Canvas, base: float, height: float, rng: random.Random, pace: float = 1.0
) -> list[Point]:
    """A rolling skyline around the height `base` (share), closed at the lower edge."""
    waves = [
        (rng.uniform(0.7, 1.5) * pace * f, rng.uniform(0, math.tau), height * c.h / f)
        for f in (1.0, 2.1, 3.7)
    ]
    step = c.w / 40
    line = [
        (x, c.h * base - sum(a * math.sin(f * math.tau * x / c.w + turn) for f, turn, a in waves))
        for x in (step * k for k in range(41))
    ]
    return [*line, (c.w, c.h), (0, c.h)]


def pine(
    c: Canvas, x: float, y: float, tall: float, colour: Colour, snow: Colour | None = None
) -> None:
    """A fir of three tiers that stands on (x, y)."""
    c.box(x - tall * 0.035, y - tall * 0.16, x + tall * 0.035, y, mix(colour, (60, 40, 30), 0.4))
    for tier in range(3):
        low, top = y - tall * (0.1 + 0.26 * tier), y - tall * (0.52 + 0.24 * tier)
        wide = tall * (0.3 - 0.065 * tier)
        c.polygon(((x - wide, low), (x + wide, low), (x, top)), colour)
        if snow is not None:
            c.polygon(
                ((x - wide * 0.5, (low + top) / 2), (x + wide * 0.5, (low + top) / 2), (x, top)),
                snow,
            )


def _sea(
    c: Canvas, light: Light, horizon: float, stand: Point, floats: bool, rng: random.Random
) -> None:
    if rng.random() < 0.5:
        coast = hills(c, horizon, 0.022, rng)
        c.polygon(coast, light.on((92, 120, 140), 0.55))
    top, deep = light.on((58, 160, 186), 0.42), light.on((14, 86, 138))
    c.backdrop(((0, top), (0.35, mix(top, deep, 0.6)), (1, deep)), c.h * horizon, c.h)
    shine = mix(light.bottom, light.orb, 0.6)
    x = light.orb_x * c.w
    for k in range(16):
        y = c.h * (horizon + (1 - horizon) * (k / 16) ** 1.4) + 3 * c.unit
        half = (6 + 20 * rng.random() + k) * c.unit * 0.8
        c.ellipse(
            x + rng.uniform(-4, 4) * c.unit,
            y,
            half,
            (0.6 + k * 0.1) * c.unit,
            mix(deep, shine, 0.75),
        )
    for k in range(22):
        y = c.h * (horizon + (1 - horizon) * ((k + 1) / 23) ** 1.3)
        half = rng.uniform(8, 22) * c.unit * (0.4 + k / 18)
        c.ellipse(rng.uniform(0, c.w), y, half, (0.5 + k * 0.055) * c.unit, mix(deep, top, 0.75))
    if not floats:
        sx, sy = stand
        u = c.unit
        rock, dark = light.on((122, 108, 98)), light.on((84, 74, 72))
        c.ellipse(sx, sy + 15 * u, 62 * u, 4 * u, mix(deep, WHITE, 0.35 * light.ambient[2]))
        shape: list[Point] = [(-56, 15), (-48, 4), (-30, -2), (34, -2), (48, 5), (57, 15)]
        c.polygon([(sx + px * u, sy + py * u) for px, py in shape], dark)
        c.polygon([(sx + px * u, sy + (py - 1) * 0.6 * u) for px, py in shape], rock)
        grass = light.on((112, 150, 84))
        c.ellipse(sx, sy + 0.5 * u, 40 * u, 4 * u, grass)


def _mountains(
    c: Canvas, light: Light, horizon: float, stand: Point, floats: bool, rng: random.Random
) -> None:
    for row, far in enumerate((0.62, 0.34, 0.08)):
        foot = c.h * (horizon + 0.1 + 0.05 * row)
        rock, snow = light.on((92, 100, 124), far), light.on((244, 247, 252), far * 0.7)
        shade = mix(rock, light.on((40, 46, 74), far), 0.45)
        x = -rng.uniform(0, 40) * c.unit
        while x < c.w:
            half = rng.uniform(44, 72) * c.unit
            tall = rng.uniform(0.24, 0.36 - 0.05 * row) * c.h
            peak = foot - tall - (0.06 - 0.05 * row) * c.h
            cx = x + half
            bend = rng.uniform(-0.25, 0.25) * half
            c.polygon(((cx - half, foot), (cx + half, foot), (cx, peak)), rock)
            c.polygon(((cx, peak), (cx + half, foot), (cx + bend, foot)), shade)
            cap = 0.3 + rng.uniform(-0.04, 0.04)
            left, right = (
                (cx - half * cap, peak + (foot - peak) * cap),
                (cx + half * cap, peak + (foot - peak) * cap),
            )
            dip = (foot - peak) * 0.09
            c.polygon(
                (left, (cx - half * cap * 0.4, left[1] - dip), (cx, left[1] + dip * 0.6),
                 (cx + half * cap * 0.45, left[1] - dip * 0.8), right, (cx, peak)),
                snow,
            )  # fmt: skip
            x += half * rng.uniform(1.0, 1.5)
    green = light.on((86, 134, 92), 0.12)
    c.gradient(hills(c, horizon + 0.13, 0.018, rng), green, light.on((48, 96, 66)))
    for _ in range(9):
        x = rng.uniform(0, c.w)
        pine(
            c,
            x,
            c.h * (horizon + rng.uniform(0.15, 0.2)),
            rng.uniform(18, 28) * c.unit,
            light.on((34, 74, 62), 0.1),
        )


def _forest(
    c: Canvas, light: Light, horizon: float, stand: Point, floats: bool, rng: random.Random
) -> None:
    for row, far in enumerate((0.66, 0.42, 0.2)):
        base, tone = c.h * (horizon + 0.03 + 0.055 * row), light.on((28, 84, 56), far)
        step = (11 + 5 * row) * c.unit
        x = rng.uniform(-1, 0) * step
        while x < c.w + step:
            pine(
                c,
                x,
                base + rng.uniform(0, 4) * c.unit,
                (58 + 16 * row) * c.unit * rng.uniform(0.75, 1.1),
                tone,
            )
            x += step * rng.uniform(0.75, 1.2)
        c.box(0, base - 4 * c.unit, c.w, c.h, tone)
    c.gradient(
        hills(c, horizon + 0.17, 0.012, rng), light.on((70, 112, 58), 0.05), light.on((36, 66, 40))
    )
    for side in (-1, 1):
        for k in range(3):
            x = c.w * (0.5 + side * (0.36 + 0.07 * k + rng.uniform(-0.02, 0.03)))
            pine(
                c,
                x,
                c.h * (0.86 + 0.06 * k),
                rng.uniform(112, 140) * c.unit,
                light.on((20, 60, 46), 0.02 * (2 - k)),
            )


def _desert(
    c: Canvas, light: Light, horizon: float, stand: Point, floats: bool, rng: random.Random
) -> None:
    sands: tuple[tuple[float, Colour, float], ...] = (
        (0.0, (236, 186, 122), 0.4), (0.08, (238, 180, 104), 0.18), (0.17, (230, 164, 84), 0.04),
    )  # fmt: skip
    for drop, sand, far in sands:
        line = hills(c, horizon + drop, 0.03, rng, pace=0.8)
        c.gradient(line, light.on(sand, far), light.on(mix(sand, (176, 98, 50), 0.5), far))
        top = min(range(6, 34), key=lambda k: line[k][1])
        x, y = line[top]
        slope = [line[k] for k in range(top, min(top + 12, 41))]
        foot = slope[-1][1] + 26 * c.unit
        lee = [
            (slope[-1][0] + 14 * c.unit, foot),
            (x + 34 * c.unit, foot - 6 * c.unit),
            (x + 12 * c.unit, y + 13 * c.unit),
        ]
        c.polygon([(x, y), *slope, *lee], light.on(mix(sand, (150, 84, 50), 0.3), far))
    for _ in range(3):
        x, y = (
            rng.choice((rng.uniform(0.03, 0.24), rng.uniform(0.76, 0.97))) * c.w,
            c.h * rng.uniform(0.78, 0.93),
        )
        _cactus(c, x, y, rng.uniform(22, 38) * c.unit, light.on((62, 118, 74)))


def _cactus(c: Canvas, x: float, y: float, tall: float, colour: Colour) -> None:
    wide = tall * 0.17
    c.line(((x, y), (x, y - tall)), colour, wide)
    c.ellipse(x, y - tall, wide / 2, wide / 2, colour)
    for side, low, high in ((-1, 0.4, 0.78), (1, 0.52, 0.9)):
        arm = (
            (x, y - tall * low),
            (x + side * tall * 0.27, y - tall * low),
            (x + side * tall * 0.27, y - tall * high),
        )
        c.line(arm, colour, wide * 0.8)


def _meadow(
    c: Canvas, light: Light, horizon: float, stand: Point, floats: bool, rng: random.Random
) -> None:
    c.polygon(hills(c, horizon, 0.035, rng), light.on((120, 172, 120), 0.42))
    c.polygon(hills(c, horizon + 0.06, 0.03, rng), light.on((120, 182, 92), 0.2))
    for _ in range(7):
        x, r = rng.uniform(0, c.w), rng.uniform(5, 9) * c.unit
        c.ellipse(x, c.h * (horizon + 0.08), r, r * 0.8, light.on((58, 128, 70), 0.15))
    c.gradient(
        hills(c, horizon + 0.13, 0.02, rng), light.on((132, 196, 84), 0.06), light.on((62, 140, 60))
    )
    for _ in range(90):
        depth = rng.random() ** 0.7
        y = c.h * (horizon + 0.18 + (0.82 - horizon) * depth)
        r = (0.9 + 1.7 * depth) * c.unit
        c.ellipse(
            rng.uniform(0, c.w),
            y,
            r,
            r,
            light.on(rng.choice(((250, 84, 84), (255, 232, 110), WHITE))),
        )


def _snow(
    c: Canvas, light: Light, horizon: float, stand: Point, floats: bool, rng: random.Random
) -> None:
    white, blue = (246, 249, 255), (176, 200, 232)
    c.gradient(hills(c, horizon, 0.035, rng), light.on(white, 0.3), light.on(blue, 0.3))
    for _ in range(8):
        y = c.h * (horizon + rng.uniform(0.03, 0.09))
        pine(
            c,
            rng.uniform(0, c.w),
            y,
            rng.uniform(20, 34) * c.unit,
            light.on((66, 104, 108), 0.2),
            light.on(white, 0.1),
        )
    c.gradient(hills(c, horizon + 0.08, 0.03, rng), light.on(white, 0.12), light.on(blue, 0.1))
    for side in (-1, 1):
        x, y = c.w * (0.5 + side * rng.uniform(0.33, 0.47)), c.h * rng.uniform(0.76, 0.88)
        pine(c, x, y, rng.uniform(54, 84) * c.unit, light.on((54, 92, 98)), light.on(white))
    c.gradient(hills(c, horizon + 0.2, 0.02, rng), light.on(white), light.on(blue))


def _city(
    c: Canvas, light: Light, horizon: float, stand: Point, floats: bool, rng: random.Random
) -> None:
    base = c.h * (horizon + 0.13)
    tones: tuple[Colour, ...] = ((86, 104, 138), (118, 110, 138), (98, 122, 142), (142, 122, 126))
    glass = light.on((206, 224, 236), 0.1)
    for row, far in enumerate((0.6, 0.14)):
        x = -rng.uniform(0, 12) * c.unit
        while x < c.w:
            wide = rng.uniform(17, 27) * c.unit
            tall = c.h * (rng.uniform(0.3, 0.5) if row == 0 else rng.uniform(0.14, 0.36))
            tone = light.on(rng.choice(tones), far)
            c.box(x, base - tall, x + wide, base, tone)
            if rng.random() < 0.25:
                c.box(x + wide * 0.42, base - tall - 11 * c.unit, x + wide * 0.5, base - tall, tone)
            if row == 1:
                _windows(c, light, (x, base - tall, x + wide, base), tone, glass, rng)
            x += wide + rng.choice((0, 0, 2)) * c.unit
    c.gradient(
        ((0, base), (c.w, base), (c.w, c.h), (0, c.h)),
        light.on((128, 150, 118), 0.1),
        light.on((92, 118, 96)),
    )
    c.box(0, base - 1 * c.unit, c.w, base + 2.5 * c.unit, light.on((176, 172, 168), 0.1))
    c.polygon(
        (
            (c.w * 0.46, base + 2 * c.unit),
            (c.w * 0.54, base + 2 * c.unit),
            (c.w * 0.78, c.h),
            (c.w * 0.22, c.h),
        ),
        light.on((170, 166, 164)),
    )


def _windows(
    c: Canvas,
    light: Light,
    house: tuple[float, float, float, float],
    tone: Colour,
    glass: Colour,
    rng: random.Random,
) -> None:
    left, top, right, bottom = house
    step = 6.5 * c.unit
    y = top + 4 * c.unit
    while y + 5 * c.unit < bottom:
        x = left + 3.2 * c.unit
        while x + 3.4 * c.unit < right:
            bright = rng.random()
            pane = (
                (255, 216, 120)
                if light.lamps and bright < 0.55
                else mix(tone, glass, 0.4 if not light.lamps else 0.1)
            )
            c.box(x, y, x + 3.2 * c.unit, y + 3.6 * c.unit, pane)
            x += step
        y += step


def _lavender(
    c: Canvas, light: Light, horizon: float, stand: Point, floats: bool, rng: random.Random
) -> None:
    c.polygon(hills(c, horizon - 0.01, 0.03, rng), light.on((120, 130, 170), 0.5))
    c.polygon(hills(c, horizon + 0.03, 0.012, rng), light.on((112, 150, 96), 0.25))
    top = c.h * (horizon + 0.055)
    soil = light.on((178, 150, 168), 0.08)
    c.box(0, top, c.w, c.h, soil)
    vanish = c.w * rng.uniform(0.35, 0.65)
    for k in range(-13, 14):
        near = (k + 0.5) * c.w * 0.145
        row = ((vanish + k * 5.5 * c.unit, top), (vanish + (k + 0.72) * 5.5 * c.unit, top),
               (vanish + near + c.w * 0.105, c.h), (vanish + near, c.h))  # fmt: skip
        c.gradient(row, light.on((150, 104, 206), 0.16), light.on((106, 58, 172)))


_PAINTERS: dict[str, Painter] = {
    "sea": _sea,
    "mountains": _mountains,
    "forest": _forest,
    "desert": _desert,
    "meadow": _meadow,
    "snow": _snow,
    "city": _city,
    "lavender": _lavender,
}
