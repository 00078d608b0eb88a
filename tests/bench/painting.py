"""A process that paints when told to, and says what that took: ours, or a plain optimum-intel load.

`python -m tests.bench.painting ours|plain MODEL_FOLDER CACHE STEPS` paints once, says so, and then
does what each line on its standard input names: `picture`, `source` (from a picture), `memory`,
`peak`. Each answer is one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
PROMPT = "a lighthouse on the sea at sunset"


class Painting:
    """Such a process, seen from outside."""

    def __init__(self, kind: str, folder: Path, cache: Path, steps: int) -> None:
        self._begun = time.perf_counter()
        program = [sys.executable, "-m", "tests.bench.painting", kind, str(folder), str(cache)]
        self._log = (cache.parent / f"{cache.name}-{kind}.log").open("w+b")
        self._process = subprocess.Popen(
            [*program, str(steps)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def started(self) -> float:
        """Wait for the first picture; the seconds since the process was begun."""
        self._answer()
        return time.perf_counter() - self._begun

    def ask(self, what: str) -> dict[str, float]:
        """What it says to one of the words it knows."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n".encode())
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(self._log.read()[-3000:].decode(errors="replace"))
        found: dict[str, float] = json.loads(line)
        return found


@contextmanager
def timed(owner: Any, name: str) -> Iterator[list[float]]:
    """A stopwatch on a method of a class: the seconds of each call."""
    original: Callable[..., Any] = getattr(owner, name)
    spent: list[float] = []

    def stopped(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return original(*arguments, **named)
        finally:
            spent.append(time.perf_counter() - started)

    setattr(owner, name, stopped)
    try:
        yield spent
    finally:
        setattr(owner, name, original)


def _serve(kind: str, folder: Path, cache: Path, steps: int) -> None:
    painter = _painter(kind, folder, cache, steps)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    painter.picture(None)

    def say(**found: float) -> None:
        out.write(json.dumps(found) + "\n")
        out.flush()

    say()
    for line in sys.stdin:
        match line.strip():
            case "picture":
                say(**painter.measured(None))
            case "source":
                say(**painter.measured(_source(painter.size)))
            case "memory":
                say(peak=_peak_bytes())
            case "peak":
                say(operations=_operations_a_second())


class _Painter:
    """One model, painting the same picture again and again with another seed."""

    def __init__(self, painter: Any, catalogue: Any, steps: int) -> None:
        self._painter = painter
        [self._model] = [each for each in catalogue.models.values() if each.name != "starter"]
        self._steps = steps
        self._seed = 0
        self.size = self._model.sizes[0]

    def picture(self, source: Any) -> None:
        from engine.request import Ask
        from engine.resolving import resolve

        self._seed += 1
        ask = Ask(prompt=PROMPT, seed=self._seed, steps=self._steps)
        if source is not None:
            ask = Ask(
                prompt=PROMPT,
                seed=self._seed,
                steps=max(2, self._steps),
                source="upload:x",
                strength=0.5,
            )
        paint = resolve(ask, self._model, draw_seed=lambda: 0).paint
        [made] = self._painter.paint(paint, source, lambda progress: None)
        assert made.image.size == self.size

    def measured(self, source: Any) -> dict[str, float]:
        """The seconds of a picture, those inside its networks, and the longest of those."""
        import openvino

        with timed(openvino.InferRequest.__mro__[1], "infer") as networks:
            started = time.perf_counter()
            self.picture(source)
            seconds = time.perf_counter() - started
        return {"seconds": seconds, "inside": sum(networks), "step": max(networks)}


def _painter(kind: str, folder: Path, cache: Path, steps: int) -> _Painter:
    from engine.catalogue import Catalogue

    catalogue = Catalogue.read((folder,))
    if kind == "plain":
        from engine.plain import PlainPainter

        return _Painter(PlainPainter(catalogue), catalogue, steps)
    from engine.diffusion import DiffusionPainter

    return _Painter(DiffusionPainter(catalogue, cache=cache), catalogue, steps)


def _source(size: tuple[int, int]) -> Any:
    from PIL import Image

    return Image.linear_gradient("L").resize(size).convert("RGB")


def _peak_bytes() -> float:
    """The most memory this process ever had, as the system counts it."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return 1024.0 * int(line.split()[1])
    raise RuntimeError("the system does not tell")


def _operations_a_second() -> float:
    """How many 8-bit operations a second this machine reaches now, in a large product."""
    import numpy as np
    import openvino

    from engine.proxies import product, product_work

    request = openvino.Core().compile_model(product(), "CPU").create_infer_request()
    for each in request.model_inputs if hasattr(request, "model_inputs") else ():
        request.get_tensor(each).data[...] = np.float32(0.1)
    times = []
    for _ in range(8):
        started = time.perf_counter()
        request.infer()
        times.append(time.perf_counter() - started)
    return product_work() / min(times)


if __name__ == "__main__":
    _kind, _folder, _cache, _steps = sys.argv[1:]
    _serve(_kind, Path(_folder), Path(_cache), int(_steps))
