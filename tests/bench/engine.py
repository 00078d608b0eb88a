"""The engine against a plain optimum-intel load of the same model, in one run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from optimum.intel import OVStableDiffusionPipeline

from engine.catalogue import Catalogue
from engine.diffusion import DiffusionPainter
from engine.request import Ask, Paint, resolve

ROUNDS = 9
PROMPT = "a lighthouse on the sea at sunset"


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run() -> None:
    """Print seconds a picture: ours, plain, their ratio; and where our time goes."""
    catalogue = Catalogue.read()
    model = catalogue.get("starter")
    paint = resolve(Ask(prompt=PROMPT, seed=7), model, draw_seed=lambda: 0).paint
    with tempfile.TemporaryDirectory() as folder:
        painter = DiffusionPainter(catalogue, cache=Path(folder))
        painter.warm("starter")
        plain = OVStableDiffusionPipeline.from_pretrained(model.folder, safety_checker=None)
        plain.set_progress_bar_config(disable=True)
        works: dict[str, Callable[[], Any]] = {
            "ours": lambda: list(painter.paint(paint, None, lambda progress: None)),
            "plain": lambda: _plain(plain, paint),
        }
        times: dict[str, list[float]] = {name: [] for name in works}
        for round_number in range(ROUNDS + 1):
            for name, work in works.items():
                seconds = _timed(work)
                if round_number:  # the first one warms up
                    times[name].append(seconds)
        ratios = [a / b for a, b in zip(times["ours"], times["plain"], strict=True)]
        for name, seconds_of in times.items():
            print(f"{name:>6}: {median(seconds_of):.3f} s a picture ({paint.steps} steps, guided)")
        print(f" ratio: {median(ratios):.2f} ours / plain (median of {ROUNDS} pairs)")
        _preview_share(painter, paint)


def _plain(pipeline: Any, paint: Paint) -> None:
    pipeline(
        paint.prompt,
        width=paint.width,
        height=paint.height,
        num_inference_steps=paint.steps,
        guidance_scale=paint.guidance,
    )


def _preview_share(painter: DiffusionPainter, paint: Paint) -> None:
    """How much of a picture goes into its previews, and into all that is not a network."""
    from engine import preview

    spent: list[float] = []
    original = preview.LatentPreview.render

    def render(self: preview.LatentPreview, latents: preview.Array) -> bytes | None:
        started = time.perf_counter()
        made = original(self, latents)
        spent.append(time.perf_counter() - started)
        return made

    shares = []
    preview.LatentPreview.render = render  # type: ignore[method-assign] # a stopwatch
    try:
        for _ in range(ROUNDS):
            spent.clear()
            whole = _timed(lambda: list(painter.paint(paint, None, lambda progress: None)))
            shares.append(sum(spent) / whole)
    finally:
        preview.LatentPreview.render = original  # type: ignore[method-assign]
    print(f"previews: {100 * median(shares):.2f} % of a picture")
