"""Owns what `make bench-starter` prints and draws: how well the shipped model obeys, where not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.starter import probe
from engine.starter.captions import between_times, caption, training_scene
from engine.starter.export import MODEL, WEIGHTS, megabytes
from engine.starter.judge import PROBE, obedience, orders, original, paint, shipped
from engine.starter.scenes import render
from engine.starter.shapes import SIZES
from engine.starter.world import ATTRIBUTES, NOTHING, world

_SMALL = 32  # pixels a side at which pictures are compared
_CONTACT = (
    "a lighthouse on the sea at sunset",
    "a red fox in the snow by day, clear sky",
    "a castle in the mountains at dawn, in watercolor",
    "a hot air balloon over the desert at sunset",
    "a tent in a meadow under an aurora at night",
    "a cottage in lavender fields with a rainbow",
    "a sailboat on the sea in a storm",
    "a windmill in a meadow under fluffy clouds",
    "a lone tree in the mountains in fog, at dawn",
    "a castle in the city at night, in neon colors",
    "a cottage in the snow at night",
    "a lighthouse in the desert by day, as a poster",
    "a hot air balloon over the forest, under clouds, by day",
    "a fox in a meadow at sunset, in watercolor",
    "a windmill on the dunes under an aurora at sunset",
    "a sailboat by the ocean with a rainbow, by day",
)


def table(count: int, path: Path = PROBE) -> str:
    """Obedience on pairs never seen and on seen ones, 8-bit and fp32, wide and tall; `--no`.

    The first column has `count` pictures, the others a quarter of that.
    """
    fewer = max(8, count // 4)
    unseen, familiar = orders(count, unseen=True), orders(fewer, unseen=False)
    light = shipped()
    paint(light, "warm up", 1)
    columns = {
        f"unseen ({count})": obedience(light, unseen, path),
        f"seen ({fewer})": obedience(light, familiar, path),
        f"fp32 ({fewer})": obedience(original(), unseen[:fewer], path),
    }
    for name, size in zip(("wide", "tall"), SIZES[1:], strict=True):
        marks = obedience(shipped(size=size), unseen[:fewer], path, size=size)
        columns[f"{name} ({fewer})"] = marks
    lines = ["8 steps, guidance 2, 8-bit unless it says fp32, pairs never seen in training"]
    lines += ["unless it says seen; chance in brackets", ""]
    lines.append(f"{'':16}" + "".join(f"{name:>15}" for name in columns))
    for attribute in ATTRIBUTES:
        chance = 1 / len(probe.answers(attribute))
        shares = "".join(f"{marks[attribute]:>15.1%}" for marks, _ in columns.values())
        lines.append(f"{attribute:9}({chance:4.0%}) {shares}")
    lines.append(
        f"{'s/picture':16}" + "".join(f"{seconds:>15.2f}" for _, seconds in columns.values())
    )
    lines.append("")
    for attribute in ("sky", "subject"):
        gone, shown = without(light, attribute, fewer, path)
        lines.append(f"--no what the {attribute} shows: gone in {gone} of {shown} pictures")
    lines.append(
        f"model {megabytes(MODEL):.1f} MB, made from {megabytes(WEIGHTS):.1f} MB of fp16 weights"
    )
    return "\n".join(lines)


def without(pipeline: Any, attribute: str, count: int, path: Path = PROBE) -> tuple[int, int]:
    """Of `count` pictures whose words leave an attribute open: gone by the negative, seen before.

    The same seeds are painted twice, the second time with what the probe saw in the first (clouds,
    a fox …) as the negative prompt. A clear sky and an empty place hold nothing that could go.
    """
    rng, model = random.Random(21), probe.read(path)
    named = frozenset(ATTRIBUTES) - {attribute}
    gone = shown = 0
    for seed in range(count):
        scene = training_scene(rng)
        words = caption(scene, rng, named=named)
        seen = _seen(model, attribute, paint(pipeline, words, seed))
        if seen not in ("clear", NOTHING):
            shown += 1
            again = paint(pipeline, words, seed, negative=world().words(attribute, seen)[0])
            gone += _seen(model, attribute, again) != seen
    return gone, shown


def sheet(path: Path, *, count: int = 16, known: int = 4000) -> None:
    """Pictures of scenes never seen, under each its nearest among `known` training renders.

    Nearest by mean squared difference of pixels at 32×32. What is painted is no copy if the two
    differ in where things stand.
    """
    pipeline, rng = shipped(), random.Random(22)
    asked = orders(count, unseen=True, seed=23)
    painted = [paint(pipeline, words, scene.seed) for scene, words in asked]
    learned = [between_times(training_scene(rng)) for _ in range(known)]
    looks = np.stack([_look(render(scene, 64, 64)) for scene in learned])
    pairs = [(image, render(learned[_nearest(image, looks)])) for image in painted]
    _page(pairs, [words for _, words in asked]).save(path)


def contact(path: Path, *, side: int = 160, across: int = 8) -> None:
    """Sixteen prompts, each painted once with its place in the list as the seed; nothing chosen."""
    pipeline = shipped()
    page = Image.new("RGB", (across * side, -(-len(_CONTACT) // across) * side))
    for seed, words in enumerate(_CONTACT):
        painted = paint(pipeline, words, seed).resize((side, side), Image.Resampling.LANCZOS)
        page.paste(painted, (seed % across * side, seed // across * side))
    page.save(path, optimize=True)


def _nearest(image: Image.Image, looks: NDArray[np.float32]) -> int:
    return int(np.square(looks - _look(image)).mean(axis=(1, 2, 3)).argmin())


def _look(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image.resize((_SMALL, _SMALL), Image.Resampling.BOX), np.float32)


def _page(
    pairs: Sequence[tuple[Image.Image, Image.Image]], words: Sequence[str], across: int = 8
) -> Image.Image:
    side, line = 256, 16
    rows = -(-len(pairs) // across)
    page = Image.new("RGB", (across * side, rows * (2 * side + line)), "white")
    pen = ImageDraw.Draw(page)
    for i, (painted, nearest) in enumerate(pairs):
        x, y = i % across * side, i // across * (2 * side + line)
        pen.text((x + 2, y + 2), words[i][:44], fill="black")
        page.paste(painted, (x, y + line))
        page.paste(nearest, (x, y + line + side))
    return page


def _seen(model: probe.Probe, attribute: str, image: Image.Image) -> str:
    said = model(probe.as_input(probe.look(image)[None]))[attribute]
    return probe.answers(attribute)[int(said.argmax())]
