"""Owns what stands in a scene: lighthouse, cottage, fox and others, drawn from the foot."""

from __future__ import annotations

import random
from cmath import rect
from collections.abc import Callable

from engine.starter.canvas import Canvas, Colour, Point
from engine.starter.skies import Light

Painter = Callable[["_Easel"], None]
FLOATS = frozenset({"sailboat"})
FLIES = frozenset({"balloon"})
LAMP: Colour = (255, 224, 130)


class _Easel:
    """A canvas moved so that (0, 0) is the thing's foot, y grows upward, sizes are in units."""

    def __init__(
        self, c: Canvas, light: Light, foot: Point, size: float, rng: random.Random
    ) -> None:
        self.c, self.light, self.rng = c, light, rng
        self.x, self.y = foot
        self.s = c.unit * size
        self.turn = rng.choice((-1, 1))

    def at(self, x: float, y: float) -> Point:
        return self.x + self.turn * x * self.s, self.y - y * self.s

    def shape(self, colour: Colour, *points: Point) -> None:
        self.c.polygon([self.at(x, y) for x, y in points], self.light.on(colour))

    def oval(self, colour: Colour, x: float, y: float, rx: float, ry: float) -> None:
        px, py = self.at(x, y)
        self.c.ellipse(px, py, rx * self.s, ry * self.s, self.light.on(colour))

    def block(self, colour: Colour, left: float, bottom: float, right: float, top: float) -> None:
        self.shape(colour, (left, bottom), (right, bottom), (right, top), (left, top))

    def pane(self, left: float, bottom: float, right: float, top: float) -> None:
        """A window, lit after dark."""
        points = [
            self.at(x, y) for x, y in ((left, bottom), (right, bottom), (right, top), (left, top))
        ]
        self.c.polygon(points, LAMP if self.light.lamps else self.light.on((86, 122, 150)))

    def shadow(self, half: float) -> None:
        px, py = self.at(0, 0)
        points = [
            (px - half * self.s, py),
            (px, py - 4 * self.s),
            (px + half * self.s, py),
            (px, py + 4.5 * self.s),
        ]
        self.c.glaze(points, self.light.on((30, 30, 50)), 0.3)


def paint_thing(
    c: Canvas, light: Light, name: str, foot: Point, size: float, rng: random.Random
) -> None:
    """Draw the thing called `name` with its foot at a point."""
    _PAINTERS[name](_Easel(c, light, foot, size, rng))


def _lighthouse(e: _Easel) -> None:
    if e.light.lamps:
        glow = e.at(0, 99)
        for reach, low, high in ((420, 117, 243), (-420, 2, 120)):
            beam = [glow, e.at(reach, high), e.at(reach, low)]
            e.c.glaze(beam, (255, 240, 180), 0.36)
    e.shadow(26)
    e.shape((250, 250, 246), (-15, 0), (15, 0), (9, 86), (-9, 86))
    red = (216, 52, 48)
    for low in (8, 40, 72):
        half = [15 - 6 * y / 86 for y in (low, low + 15)]
        e.shape(red, (-half[0], low), (half[0], low), (half[1], low + 15), (-half[1], low + 15))
    e.shape((196, 200, 208), (3, 0), (15, 0), (9, 86), (4, 86))
    for low in (8, 40, 72):
        half = [15 - 6 * y / 86 for y in (low, low + 15)]
        e.shape((170, 36, 44), (3, low), (half[0], low), (half[1], low + 15), (3.5, low + 15))
    e.block((62, 66, 82), -13, 86, 13, 90)
    e.pane(-7, 90, 7, 104)
    e.block((62, 66, 82), -1, 90, 1, 104)
    e.shape(red, (-10, 104), (10, 104), (0, 116))
    e.block((74, 56, 50), -4, 0, 4, 13)
    if e.light.lamps:
        e.c.glow(*e.at(0, 97), 30 * e.s, (255, 240, 180), 0.75)


def _cottage(e: _Easel) -> None:
    e.shadow(50)
    e.block((244, 232, 208), -36, 0, 36, 38)
    e.block((214, 198, 178), 14, 0, 36, 38)
    e.block((128, 84, 74), 16, 56, 27, 82)
    e.shape((186, 82, 62), (-44, 36), (44, 36), (26, 72), (-26, 72))
    e.shape((158, 66, 54), (14, 36), (44, 36), (26, 72), (14, 72))
    e.block((112, 74, 52), -6, 0, 7, 25)
    e.pane(-28, 14, -14, 28)
    e.pane(16, 14, 30, 28)
    e.block((250, 246, 236), -21.8, 14, -20.2, 28)
    e.block((250, 246, 236), 22.2, 14, 23.8, 28)


def _windmill(e: _Easel) -> None:
    e.shadow(30)
    e.shape((232, 216, 190), (-22, 0), (22, 0), (13, 66), (-13, 66))
    e.shape((198, 178, 156), (4, 0), (22, 0), (13, 66), (4, 66))
    e.shape((132, 72, 58), (-17, 64), (17, 64), (8, 82), (-8, 82))
    e.block((102, 70, 54), -6, 0, 6, 17)
    e.pane(-5, 34, 5, 44)
    spin = e.rng.uniform(0.2, 1.3)
    hub = complex(0, 68)
    for quarter in range(4):
        along, across = rect(1, spin + quarter * 1.5708), rect(1, spin + quarter * 1.5708 + 1.5708)
        arm = [
            hub,
            hub + along * 50,
            hub + along * 50 + across * 11,
            hub + along * 12 + across * 11,
            hub + along * 12,
        ]
        e.shape((250, 246, 238), *((p.real, p.imag) for p in arm))
        spar = [
            hub + across * 1.6,
            hub + along * 51 + across * 1.6,
            hub + along * 51 - across * 1.6,
            hub - across * 1.6,
        ]
        e.shape((96, 70, 58), *((p.real, p.imag) for p in spar))
    e.oval((84, 60, 52), 0, 68, 4, 4)


def _castle(e: _Easel) -> None:
    e.shadow(58)
    stone, shade, roof = (196, 190, 196), (160, 154, 168), (70, 92, 158)
    for left, right, top in ((-14, 14, 78), (-52, -30, 62), (30, 52, 62)):
        e.block(stone, left, 0, right, top)
        e.block(shade, (left + right) / 2 + 2, 0, right, top)
        e.shape(roof, (left - 4, top), (right + 4, top), ((left + right) / 2, top + 32))
        e.pane((left + right) / 2 - 3, top - 18, (left + right) / 2 + 3, top - 7)
    e.block(stone, -32, 0, 32, 40)
    for x in range(-32, 32, 13):
        e.block(stone, x, 40, x + 7, 46)
    e.block((92, 62, 50), -9, 0, 9, 16)
    e.oval((92, 62, 50), 0, 16, 9, 9)
    e.shape((220, 56, 60), (0, 122), (14, 117), (0, 112))
    e.block((92, 62, 50), -0.8, 108, 0.8, 122)


def _sailboat(e: _Easel) -> None:
    e.shadow(40)
    e.shape((156, 76, 46), (-40, 16), (44, 16), (32, 0), (-28, 0))
    e.shape((250, 246, 240), (-40, 16), (44, 16), (42, 12.5), (-38.5, 12.5))
    e.block((92, 66, 50), -1.5, 16, 1.5, 100)
    e.shape((252, 250, 244), (3.5, 22), (42, 24), (3.5, 97))
    e.shape((226, 222, 224), (3.5, 22), (42, 24), (18, 62))
    e.shape((226, 70, 62), (-3.5, 22), (-34, 24), (-3.5, 84))
    e.shape((226, 70, 62), (0, 104), (14, 101), (0, 97))


def _tent(e: _Easel) -> None:
    e.shadow(52)
    e.shape((240, 134, 52), (-46, 0), (40, 0), (-4, 56))
    e.shape((206, 98, 40), (-4, 56), (40, 0), (52, 7), (10, 56))
    e.shape(LAMP if e.light.lamps else (116, 58, 38), (-18, 0), (8, 0), (-4, 42))
    e.shape((250, 188, 104), (-18, 0), (-25, 0), (-4, 42))
    if e.light.lamps:
        e.c.glow(*e.at(-4, 18), 40 * e.s, (255, 206, 110), 0.5)


def _tree(e: _Easel) -> None:
    e.shadow(46)
    e.shape((104, 72, 52), (-9, 0), (10, 0), (5, 48), (-4, 48))
    e.shape((104, 72, 52), (-2, 34), (3, 34), (24, 60), (20, 62))
    e.shape((104, 72, 52), (-3, 38), (2, 38), (-20, 64), (-24, 61))
    tones: tuple[Colour, ...] = ((52, 112, 56), (76, 144, 66), (112, 176, 82))
    for tone, spread, drift in ((tones[0], 1.0, 0), (tones[1], 0.8, 4), (tones[2], 0.5, 10)):
        for x, y, r in (
            (-27, 66, 22),
            (27, 66, 22),
            (0, 62, 24),
            (-14, 86, 23),
            (16, 86, 22),
            (0, 98, 18),
        ):
            e.oval(
                tone,
                x * spread - drift * 0.5,
                y * (0.72 + 0.28 * spread) + drift + 6,
                r * spread,
                r * spread * 0.9,
            )


def _balloon(e: _Easel) -> None:
    colours = e.rng.choice(
        (
            ((222, 60, 60), (250, 226, 160)),
            ((60, 120, 200), (250, 236, 190)),
            ((240, 150, 40), (200, 50, 80)),
        )
    )
    e.shape((110, 80, 60), (-15, 40), (-13.6, 40), (-6, 14), (-7, 14))
    e.shape((110, 80, 60), (15, 40), (13.6, 40), (6, 14), (7, 14))
    e.shape(colours[0], (-33, 58), (33, 58), (9, 28), (-9, 28))
    e.oval(colours[0], 0, 74, 38, 37)
    for share in (0.68, 0.3):
        tone = colours[1] if share == 0.68 else colours[0]
        e.shape(tone, (-33 * share, 58), (33 * share, 58), (9 * share, 28), (-9 * share, 28))
        e.oval(tone, 0, 74, 38 * share, 37)
    e.block((150, 104, 66), -8, 2, 8, 15)
    e.block((118, 78, 52), -8, 11, 8, 15)


def _fox(e: _Easel) -> None:
    e.shadow(40)
    red, deep, cream, dark = (232, 116, 46), (202, 90, 38), (252, 240, 222), (66, 46, 46)
    e.shape(deep, (14, 2), (36, 0), (50, 14), (54, 38), (44, 46), (42, 28), (30, 18), (14, 14))
    e.shape(cream, (54, 38), (44, 46), (43, 36), (50, 30))
    e.shape(red, (-16, 0), (20, 0), (26, 18), (16, 40), (0, 56), (-14, 50), (-18, 26))
    e.shape(cream, (-17, 8), (-6, 8), (-4, 44), (-15, 44))
    e.block(dark, -17, 0, -10, 9)
    e.block(dark, -6, 0, 1, 9)
    e.shape(red, (-34, 58), (-10, 42), (14, 58), (8, 76), (-28, 76))
    e.shape(cream, (-34, 58), (-10, 42), (14, 58), (2, 60), (-10, 52), (-22, 60))
    for x in (-26, 6):
        e.shape(red, (x - 8, 70), (x + 8, 70), (x + (-5 if x < 0 else 5), 94))
        e.shape(dark, (x - 4, 73), (x + 4, 73), (x + (-4 if x < 0 else 4), 87))
    for x in (-20, 0):
        e.oval(dark, x, 65, 2.4, 3)
    e.oval(dark, -10, 46, 3.6, 3)


_PAINTERS: dict[str, Painter] = {
    "lighthouse": _lighthouse,
    "cottage": _cottage,
    "windmill": _windmill,
    "castle": _castle,
    "sailboat": _sailboat,
    "tent": _tent,
    "tree": _tree,
    "balloon": _balloon,
    "fox": _fox,
}
