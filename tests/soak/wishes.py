"""What restless people ask for: prompts of all sorts, flags that fit and flags that do not."""

from __future__ import annotations

import io
import random

from PIL import Image

SUBJECTS = (
    "a castle",
    "a lighthouse on the sea",
    "a windmill in a meadow",
    "a fox in the forest",
    "a sailboat on the ocean",
    "mountains",
    "a bridge over a river",
    "the desert",
    "ein Haus am See",
    "القمر فوق البحر",
    "🦊🌊 a fox by the sea",
    "**bold** @everyone `code` <b>&amp;</b> [x](https://example.org)",
)
TIMES = ("at night", "at sunset", "in fog", "in winter", "under a rainbow", "in the morning")
SHAPES = ("1:1", "3:2", "2:3", "16:9", "square", "portrait", "landscape")
ODD = (
    "a fox --sead 7",
    "a fox --steps 100000",
    "a fox --ar potato",
    "a fox --model nothing",
    "a fox --count 0",
    "a fox --style",
    "--seed 7",
    "a fox " + "very " * 900 + "red",
)


def prompt(chance: random.Random) -> str:
    """A few words."""
    return f"{chance.choice(SUBJECTS)} {chance.choice(TIMES)}"


def flagged(chance: random.Random) -> str:
    """A few words, mostly with flags."""
    said = prompt(chance)
    said += f" --steps {chance.randint(1, 4)}"
    if chance.random() < 0.3:
        said += f" --ar {chance.choice(SHAPES)}"
    if chance.random() < 0.2:
        said += f" --count {chance.randint(1, 4)}"
    if chance.random() < 0.2:
        said += f" --seed {chance.randrange(2**32)}"
    if chance.random() < 0.1:
        said += " --no clouds"
    if chance.random() < 0.1:
        said += " --style watercolor"
    if chance.random() < 0.06:
        said += " --upscale 2"
    return said


def odd(chance: random.Random) -> str:
    """Something that is refused, or painted with a note."""
    return chance.choice(ODD)


def picture(chance: random.Random) -> bytes:
    """A small picture of somebody's own."""
    data = io.BytesIO()
    size = chance.choice([(96, 64), (128, 128), (160, 240), (256, 256)])
    colour = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
    image = Image.new("RGB", size, colour)
    image.paste((255, 255, 255), (8, 8, size[0] // 2, size[1] // 2))
    image.save(data, chance.choice(["PNG", "JPEG", "WEBP"]))
    return data.getvalue()


def broken(chance: random.Random) -> bytes:
    """A file that is no picture, or only the beginning of one."""
    whole = picture(chance)
    return chance.choice([b"", b"no picture", whole[: len(whole) // 2], whole[:20] + whole[:-40]])
