"""Owns the renderer: a scene and a size become one picture, always the same."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from engine.starter.canvas import Canvas
from engine.starter.captions import Scene
from engine.starter.grounds import paint_ground
from engine.starter.skies import light_for, paint_air, paint_sky
from engine.starter.things import FLIES, FLOATS, paint_thing
from engine.starter.world import NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a scene's horizon lies and its subject stands, in shares of width and height."""

    horizon: float
    x: float
    y: float
    size: float

    def around(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The box that holds the subject in a picture of that size: left, top, right, bottom."""
        unit = math.sqrt(width * height) / 256 * self.size
        x, y = self.x * width, self.y * height
        return x - 50 * unit, y - 112 * unit, x + 50 * unit, y + 5 * unit


def stage(scene: Scene, width: int, height: int) -> Stage:
    """Where everything stands, known before anything is drawn."""
    rng = random.Random(scene.seed)
    flying = scene.subject in FLIES
    return Stage(
        horizon=rng.uniform(0.52, 0.62),
        x=rng.uniform(0.34, 0.66),
        y=rng.uniform(0.58, 0.68) if flying else rng.uniform(0.8, 0.87),
        size=rng.uniform(0.95, 1.2) * min(1.0, height / width * 1.25),
    )


def render(scene: Scene, width: int = 256, height: int = 256) -> Image.Image:
    """The picture of a scene. The same scene at the same size is the same picture."""
    rng = random.Random(scene.seed + 2)
    c = Canvas(width, height)
    where = stage(scene, width, height)
    horizon, x, y = where.horizon, c.w * where.x, c.h * where.y
    toward = (scene.toward, scene.share)
    light = light_for(scene.time, scene.sky, horizon, x / c.w, rng, toward)
    floating = scene.subject in FLOATS | FLIES | {NOTHING}
    paint_sky(c, light, scene.time, scene.sky, horizon, rng)
    paint_ground(c, light, scene.terrain, horizon, (x, y), floating, rng)
    if scene.subject != NOTHING:
        paint_thing(c, light, scene.subject, (x, y), where.size, rng)
    paint_air(c, light, scene.sky, horizon, rng)
    return _STYLES[scene.style](c.finished(), random.Random(scene.seed + 1))


def _poster(image: Image.Image, rng: random.Random) -> Image.Image:
    return image


def _watercolor(image: Image.Image, rng: random.Random) -> Image.Image:
    """Thinned with water, pooling unevenly, the paper showing at the edges."""
    w, h = image.size
    paper = np.array((250, 246, 236), np.float32)
    pixels = np.asarray(image, np.float32)
    wash = _cloudiness(w, h, 7, rng)
    rows = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
    ragged = np.maximum(np.abs(rows), np.abs(columns)) + 0.035 * _cloudiness(w, h, 9, rng)
    cover = np.clip((0.95 - ragged) / 0.1, 0, 1)
    cover *= 0.7 + 0.09 * wash
    return Image.fromarray((paper + (pixels - paper) * cover[..., None]).astype(np.uint8))


def _neon(image: Image.Image, rng: random.Random) -> Image.Image:
    """Dusk-violet surfaces, glowing outlines."""
    grey = image.convert("L")
    edges = ImageChops.difference(grey.filter(ImageFilter.MaxFilter(3)), grey)
    glow = np.asarray(edges.filter(ImageFilter.GaussianBlur(image.width / 110)), np.float32) * 2.2
    line = np.maximum(np.asarray(edges, np.float32) * 1.6, glow)[..., None] / 255
    pixels = np.asarray(image, np.float32)
    mean = pixels.mean(axis=2, keepdims=True)
    vivid = np.clip(mean + (pixels - mean) * 1.7, 0, 255)
    base = vivid * np.array((0.6, 0.42, 0.72), np.float32) + np.array((22, 0, 44), np.float32)
    rows = np.linspace(0, 1, image.height, dtype=np.float32)[:, None, None]
    cyan, pink = np.array((70, 240, 255), np.float32), np.array((255, 70, 210), np.float32)
    tube = cyan + (pink - cyan) * rows
    return Image.fromarray(np.clip(base + line * tube * 1.1, 0, 255).astype(np.uint8))


def _cloudiness(w: int, h: int, grain: int, rng: random.Random) -> NDArray[np.float32]:
    """Soft noise from -1 to 1, about `grain` blots across."""
    across = max(2, round(grain * w / math.sqrt(w * h)))
    down = max(2, round(grain * h / math.sqrt(w * h)))
    values = np.array([rng.randrange(256) for _ in range(across * down)], np.uint8)
    blots = Image.fromarray(values.reshape(down, across)).resize((w, h), Image.Resampling.BICUBIC)
    return np.asarray(blots, np.float32) / 127.5 - 1


_STYLES = {"poster": _poster, "watercolor": _watercolor, "neon": _neon}
