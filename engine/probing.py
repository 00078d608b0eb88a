"""Trying a model in a process of its own: does it paint, how fast, and with how much memory.

The other process makes the figures honest (start and memory are the model's alone) and its death
harmless. It is this module, run with `python -m engine.probing`; what it found comes back as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from engine.catalogue import Catalogue
from engine.encoding import of_child
from engine.errors import BrokenModel, Refusal

PROMPT = "a lighthouse on the sea at sunset"
LONGEST_S = 3600.0
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What was found. `first` is from the start of the process to its first picture; `seconds` are
    those of the pictures after it, in which everything was loaded."""

    name: str
    width: int
    height: int
    steps: int
    first: float
    seconds: tuple[float, ...]
    step_seconds: float
    peak_bytes: int
    blank: bool = False
    """Whether every pixel of its picture is the same, which no prompt asks for."""

    @property
    def usual(self) -> float:
        """Seconds of a picture; of the first one, where there was no other."""
        return median(self.seconds) if self.seconds else self.first


def probe(
    name: str,
    folders: Sequence[Path],
    *,
    cache: Path,
    pictures: int = 1,
    threads: int | None = None,
) -> Probed:
    """Paint with the model `name` at its defaults, `pictures` more after the first one.

    Raises `BrokenModel` with what is wrong, also where the process was killed over it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "found.json"
        order = {
            "name": name,
            "folders": [str(folder.resolve()) for folder in folders],
            "cache": str(cache.resolve()),
            "pictures": pictures,
            "threads": threads,
            "started": time.time(),
            "result": str(result),
        }
        try:
            done = subprocess.run(
                [sys.executable, "-m", "engine.probing"],
                input=json.dumps(order),
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                env=of_child({**os.environ, "PYTHONPATH": _path()}),
                timeout=LONGEST_S,
            )
        except subprocess.TimeoutExpired:
            reason = f"{1 + pictures} pictures were not painted in {LONGEST_S / 60:.0f} minutes"
            raise BrokenModel(name, reason) from None
        if done.returncode < 0:
            died = signal.Signals(-done.returncode).name
            hint = ", probably for want of memory" if died == "SIGKILL" else ""
            raise BrokenModel(name, f"the process that tried it died of {died}{hint}")
        try:
            said = json.loads(result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise BrokenModel(name, f"it could not be tried: {lines[-1]}") from None
    if "reason" in said:
        raise BrokenModel(name, str(said["reason"]))
    return Probed(**{**said, "seconds": tuple(said["seconds"])})


def _path() -> str:
    """Where the other process finds this module."""
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


def main() -> int:
    """Do what the order on standard input says."""
    order = json.loads(sys.stdin.read())
    found: dict[str, Any]
    try:
        found = asdict(_try(order))
    except BrokenModel as error:
        found = {"reason": error.reason}
    except (Refusal, MemoryError, OSError) as error:
        found = {"reason": str(error) or type(error).__name__}
    Path(order["result"]).write_text(json.dumps(found), encoding="utf-8")
    return 0


def _try(order: dict[str, Any]) -> Probed:
    from engine.__main__ import log_to_stderr
    from engine.diffusion import DiffusionPainter
    from engine.request import Ask
    from engine.resolving import resolve

    log_to_stderr()
    catalogue = Catalogue.read(tuple(Path(folder) for folder in order["folders"]))
    model = catalogue.get(order["name"])
    painter = DiffusionPainter(catalogue, cache=Path(order["cache"]), threads=order["threads"])
    paint = resolve(Ask(prompt=PROMPT, seed=1), model, draw_seed=lambda: 1).paint
    times, steps = [], []
    for _ in range(1 + int(order["pictures"])):
        begun = time.perf_counter()
        picture = next(iter(painter.paint(paint, None, lambda progress: None)))
        times.append(time.perf_counter() - begun)
        steps.append(picture.step_seconds)
        if len(times) == 1:
            first = time.time() - float(order["started"])
    extremes = picture.image.convert("L").getextrema()
    return Probed(
        name=model.name,
        width=paint.width,
        height=paint.height,
        steps=paint.working_steps,
        first=first,
        seconds=tuple(times[1:]),
        step_seconds=median(steps[1:] or steps),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        blank=extremes[0] == extremes[1],
    )


if __name__ == "__main__":
    sys.exit(main())
