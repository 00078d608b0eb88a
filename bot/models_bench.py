"""`atelier models bench`: how fast each model is here, as a table and a plot."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from bot import models_speed
from bot.models_told import Declined, size, told
from bot.settings import Settings
from engine.catalogue import Catalogue
from engine.errors import BrokenModel
from engine.probing import Probed, probe

if TYPE_CHECKING:
    from engine.tuning import Tuning

MOST_PICTURES = 100
PLOT = "models.svg"
NUMBERS = {
    "floating": "floating numbers",
    "weights": "weights in 8 bits",
    "whole": "everything in 8 bits",
}
"""What numbers a network keeps, in words."""


def add(tasks: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the task to the command line."""
    bench = tasks.add_parser(
        "bench",
        help="measure how fast each model is on this machine",
        description="Paint with each model in a process of its own, on an otherwise quiet machine "
        "please, and print seconds and memory. The figures are kept in the folder `bench` in "
        "ATELIER_DATA, with a plot; `atelier models list` tells them.",
    )
    bench.add_argument("names", nargs="*", metavar="NAME", help="all of them without any")
    bench.add_argument("--pictures", type=int, default=3, help="after the first one; 3")
    bench.add_argument(
        "--anew", action="store_true", help="also find out again how this machine computes best"
    )
    bench.set_defaults(run=_bench)


def _bench(settings: Settings, options: argparse.Namespace) -> int:
    def work() -> int:
        if not 1 <= options.pictures <= MOST_PICTURES:
            raise Declined(f"--pictures is a number from 1 to {MOST_PICTURES}")
        catalogue = Catalogue.read(settings.model_folders)
        names = [catalogue.get(name).name for name in options.names] or list(catalogue.models)
        print(models_speed.here(settings))
        _tell_tuning(_tuning(settings, anew=options.anew))
        found: dict[str, Probed] = {}
        wrong: dict[str, str] = {}
        _row("model", "size", "steps", "s/picture", "s/step", "first after", "memory")
        for name in names:
            try:
                probed = probe(
                    name,
                    settings.model_folders,
                    cache=settings.data / "cache",
                    pictures=options.pictures,
                    threads=settings.threads or None,
                )
            except BrokenModel as error:
                wrong[name] = error.reason
                print(f"{name:24}cannot be used: {error.reason}", flush=True)
                continue
            found[name] = probed
            _tell(probed)
            models_speed.keep(settings, {name: probed})
        if found:
            plot = models_speed.file_of(settings).with_name(PLOT)
            draw(plot, found, models_speed.here(settings))
            print(f"plot: {plot}")
        return 1 if wrong else 0

    return told(work)


def _tuning(settings: Settings, *, anew: bool) -> Tuning:
    from engine.__main__ import log_to_stderr
    from engine.tuning import tuned

    log_to_stderr()
    return tuned(None, settings.data / "cache", threads=settings.threads or None, anew=anew)


def _tell_tuning(found: Tuning) -> None:
    """How large networks are run here, and what that was chosen from."""
    chosen = found.precision or "as OpenVINO chooses"
    print(f"large networks: {found.threads} threads, numbers {chosen}")
    for name, seconds in (found.seconds or {}).items():
        print(f"  a small denoiser, {NUMBERS.get(name, name):26}{1000 * seconds:8.1f} ms")
    if found.peak:
        print(f"  8-bit operations a second, at most: {found.peak / 1e9:.0f} billion")


def _row(*cells: str) -> None:
    name, *others = cells
    print(f"{name:24}" + "".join(f"{each:>12}" for each in others), flush=True)


def _tell(found: Probed) -> None:
    _row(
        found.name,
        f"{found.width}×{found.height}",
        str(found.steps),
        f"{found.usual:.2f}",
        f"{found.step_seconds:.2f}",
        f"{found.first:.1f}",
        size(found.peak_bytes),
    )


def draw(file: Path, found: Mapping[str, Probed], machine: str) -> None:
    """A bar for each model, the quickest first: its steps, and everything else of a picture."""
    rows = sorted(found.values(), key=lambda each: each.usual)
    longest = max(each.usual for each in rows) or 1.0
    left, wide, high, top = 190, 430, 30, 66
    height = top + high * len(rows) + 34
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        "<title>Seconds a picture, by model</title>",
        "<style>text{fill:#222}.s{fill:#2f6f8f}.o{fill:#e0a458}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>",
        '<text x="12" y="22" font-size="16">Seconds a picture</text>',
        f'<text x="12" y="42">{escape(machine)}</text>',
    ]
    for index, each in enumerate(rows):
        y = top + high * index
        steps = min(each.usual, each.step_seconds * each.steps)
        first, rest = (wide * part / longest for part in (steps, each.usual - steps))
        said = f"{each.usual:.2f} s, {size(each.peak_bytes)}"
        lines += [
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(each.name)}</text>',
            f'<rect class="s" x="{left}" y="{y}" width="{first:.1f}" height="20"/>',
            f'<rect class="o" x="{left + first:.1f}" y="{y}" width="{rest:.1f}" height="20"/>',
            f'<text x="{left + first + rest + 6:.1f}" y="{y + 15}">{said}</text>',
        ]
    y = top + high * len(rows) + 8
    lines += [
        f'<rect class="s" x="{left}" y="{y}" width="12" height="12"/>',
        f'<text x="{left + 18}" y="{y + 11}">steps</text>',
        f'<rect class="o" x="{left + 80}" y="{y}" width="12" height="12"/>',
        f'<text x="{left + 98}" y="{y + 11}">words, decoding, everything else</text>',
        "</svg>",
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
