"""How near the shipped networks come to pictures they have never seen, against Lanczos.

`python -m tests.bench.upscale` prints the table: renders of scenes that no training shows, and the
two photographs that scikit-learn bundles; only made smaller, and spoilt besides.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import cache

from PIL import Image
from sklearn.datasets import load_sample_images

from engine.upscalers.degrade import NAMES
from engine.upscalers.judge import Mark, marks, renders, shipped, table
from tests.bench.report import Check, Machine

CLEAN_GAIN = 3.0  # decibels over Lanczos that clean renders must have
CLEAN_LOSS = -0.2  # and what clean photographs may lose
SHOWN = {"clean": "crisp", "degraded": "mend"}  # the network that is for pictures in this state


@cache
def photographs(scale: int = 1) -> tuple[Image.Image, ...]:
    """A temple and a flower, 640 × 427."""
    return tuple(Image.fromarray(pixels) for pixels in load_sample_images().images)


def measured(count: int) -> list[Mark]:
    """The marks of every network that ships, on `count` renders and on the photographs."""
    ways = {name: shipped(name) for name in NAMES}
    found = list(marks("renders", lambda scale: renders(scale, count), ways))
    return found + list(marks("photographs", photographs, ways))


def checks(found: Sequence[Mark]) -> list[Check]:
    """What the networks have to reach, and whether they do."""
    made = []
    for mark in found:
        name = SHOWN[mark.state]
        least = 0.0
        if mark.state == "clean":
            least = CLEAN_GAIN if mark.pictures == "renders" else CLEAN_LOSS
        what = f"{name}, {mark.state} {mark.pictures} ×{mark.scale}: {least:+.1f} dB or more"
        made.append(
            Check(what=what, holds=mark.gain(name) > least, seen=f"{mark.gain(name):+.2f} dB")
        )
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and what it proves."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upscale", description=__doc__)
    parser.add_argument("--count", type=int, default=24, help="renders")
    count = parser.parse_args(arguments).count
    started = time.monotonic()
    found = measured(count)
    print(f"# {Machine.here()}; {count} renders, 2 photographs; PSNR in dB and gain over Lanczos")
    print(table(found))
    for check in checks(found):
        print(f"{'yes' if check.holds else 'NO':>3}: {check.what} ({check.seen})")
    print(f"({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()
