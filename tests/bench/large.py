"""A model of real size, ours in 8 bits against a plain load of it in 16, in turns.

Speed, start and memory of SD-Turbo's architecture (one step) and of an LCM's (four), with a tiny
decoder on both sides. The models are made right here the first time, with random weights
(tests/bench/reference.py); pictures of theirs are noise.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.bench import reference
from tests.bench.painting import Painting
from tests.bench.report import Figure, Report
from tests.bench.work import operations

SHARE_OF_PICTURE, SHARE_OF_START, SHARE_OF_MEMORY, SHARE_OF_FOUR = 0.65, 0.6, 0.6, 0.55
OUTSIDE_PERCENT = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`starts` processes of each kind paint `rounds` pictures; `make` gives a model's folder.

    What is not `real` is one small model, to see that everything runs.
    """

    rounds: int
    starts: int
    make: Callable[[str], Path]
    real: bool = True


def _tiny(name: str) -> Path:
    from tests import tiny

    folder = Path(tempfile.mkdtemp(prefix="atelier-bench-")) / name
    return tiny.export("stable-diffusion", folder, name=name)


FULL = Size(rounds=4, starts=3, make=partial(reference.make, folder=reference.HERE))
TINY = Size(rounds=1, starts=1, make=_tiny, real=False)


@dataclass(slots=True)
class _Seen:
    """What one kind of process said, in the order in which it was asked."""

    start: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    outside: list[float] = field(default_factory=list)
    step: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def picture(self, painting: Painting) -> None:
        """One more picture of that process."""
        said = painting.ask("picture")
        self.seconds.append(said["seconds"])
        self.outside.append(100 * (1 - said["inside"] / said["seconds"]))
        self.step.append(said["step"])


def run(size: Size = FULL) -> Report:
    """Everything of both models, ours and plain; the reference models are made where needed."""
    names = reference.NAMES if size.real else ("turbo",)
    folders = {name: size.make(name) for name in names}
    if not size.real:
        folders["turbo" + reference.EIGHT_BITS] = folders["turbo"]
    with tempfile.TemporaryDirectory() as scratch:
        one, peaks = _measure(size, folders, Path(scratch), "turbo", 1)
        four = None
        if size.real:
            four, _ = _measure(replace(size, starts=1), folders, Path(scratch), "lcm", 4)
    shares = []
    if size.real:
        denoiser = folders["turbo" + reference.EIGHT_BITS] / "unet" / "openvino_model.xml"
        work = operations(denoiser, reference.SHAPES, pooled=True)
        shares = [
            100 * work / step / peak for step, peak in zip(one["ours"].step, peaks, strict=True)
        ]
    else:
        shutil.rmtree(folders["turbo"].parent)
    figures = tuple(_figures(one, four, shares))
    return Report(
        bench="large",
        title="A model of real size",
        settings={"size": f"{reference.SIDE}×{reference.SIDE}", "decoder": "tiny"},
        figures=figures,
    )


def _measure(
    size: Size, folders: dict[str, Path], scratch: Path, name: str, steps: int
) -> tuple[dict[str, _Seen], list[float]]:
    """What both kinds say of the model of that name, and the matrix peaks seen in between."""
    cache = scratch / f"cache-{name}"
    begin: dict[str, Callable[[], Painting]] = {
        "plain": lambda: Painting("plain", folders[name], cache, steps),
        "ours": lambda: Painting("ours", folders[name + reference.EIGHT_BITS], cache, steps),
    }
    seen = {kind: _Seen() for kind in begin}
    peaks = []
    if size.real:  # caches are warm, as at every start but a machine's first
        with begin["ours"]() as first:
            first.started()
    for _ in range(size.starts):
        for kind, process in begin.items():
            # Nothing is beside it: where the machine is a guest, memory that nobody has used for a
            # while has to be fetched from its host, and whoever starts second would pay for that.
            with process() as alone:
                seen[kind].start.append(alone.started())
        with ExitStack() as running:
            processes = {}
            for kind, process in begin.items():
                processes[kind] = running.enter_context(process())
                processes[kind].started()
            for _ in range(size.rounds):
                for kind, painting in processes.items():
                    seen[kind].picture(painting)
                peaks.append(processes["ours"].ask("peak")["operations"])
            seen["plain"].memory.append(processes["plain"].ask("memory")["peak"] / 1e9)
            processes["ours"].ask("source")
            seen["ours"].memory.append(processes["ours"].ask("memory")["peak"] / 1e9)
    return seen, peaks


def _figures(
    one: dict[str, _Seen], four: dict[str, _Seen] | None, shares: list[float]
) -> Iterator[Figure]:
    said = (
        ("a picture, one step", "s", one, "seconds", SHARE_OF_PICTURE),
        ("process start to first picture", "s", one, "start", SHARE_OF_START),
        ("peak memory", "GB", one, "memory", SHARE_OF_MEMORY),
        ("a picture, four steps of an LCM", "s", four, "seconds", SHARE_OF_FOUR),
    )
    for what, unit, seen, field_, share in said:
        if seen is None:
            continue
        base = Figure.of(f"{what}, plain", unit, getattr(seen["plain"], field_), spread=False)
        yield base
        name = f"{what}, source pictures too" if field_ == "memory" else what
        yield Figure.of(
            name,
            unit,
            getattr(seen["ours"], field_),
            allowed=share * base.median,
            against=base.what,
            spread=False,
        )
    for what, seen in (("one step", one), ("four steps", four)):
        if seen is None:
            continue
        yield Figure.of(
            f"outside the networks, {what}",
            "%",
            seen["ours"].outside,
            allowed=OUTSIDE_PERCENT,
            spread=False,
        )
    if shares:
        yield Figure.of("of the 8-bit matrix peak, in the denoiser", "%", shares, spread=False)
