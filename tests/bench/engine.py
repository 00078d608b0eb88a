"""The engine against a plain optimum-intel load of the same model, picture by picture in turns.

What a picture costs outside its compiled networks is measured by a stopwatch around OpenVINO's own
`infer`: all the rest is ours (thread, tokens, sampler, previews, PNG) or, in the baseline, the
plain pipeline's.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openvino
from optimum.intel import OVStableDiffusionPipeline

from engine.catalogue import Catalogue
from engine.diffusion import DiffusionPainter
from engine.preview import LatentPreview
from engine.request import Ask, Paint
from engine.resolving import resolve
from engine.thread import EngineThread
from tests.bench.report import Figure, Report

PROMPT = "a lighthouse on the sea at sunset"
ALLOWED_PERCENT = 5.0
PREVIEWS_PERCENT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`rounds` pairs of pictures are painted, ours and a plain one in turns."""

    rounds: int


FULL, TINY = Size(rounds=21), Size(rounds=2)


def run(size: Size = FULL) -> Report:
    """Seconds a picture, ours and plain; and what of them is spent outside the networks."""
    return asyncio.run(_run(size))


async def _run(size: Size) -> Report:
    catalogue = Catalogue.read()
    model = catalogue.get("starter")
    paint = resolve(Ask(prompt=PROMPT, seed=7), model, draw_seed=lambda: 0).paint
    plain = OVStableDiffusionPipeline.from_pretrained(model.folder, safety_checker=None)
    plain.set_progress_bar_config(disable=True)
    with tempfile.TemporaryDirectory() as folder:
        engine = EngineThread(
            lambda: DiffusionPainter(catalogue, cache=Path(folder)), warm=(model.name,)
        )
        await engine.start()
        await engine.settled()
        try:
            return await _measure(size, engine, plain, paint)
        finally:
            await engine.close()


async def _measure(size: Size, engine: EngineThread, plain: Any, paint: Paint) -> Report:
    whole: dict[str, list[float]] = {"ours": [], "plain": []}
    outside: dict[str, list[float]] = {"ours": [], "plain": []}
    previews: list[float] = []
    for number in range(size.rounds + 1):
        for name in whole:
            with _timed(_INFER) as networks, _timed((LatentPreview, "render")) as looks:
                started = time.perf_counter()
                if name == "ours":
                    await engine.paint(paint, None, lambda progress: None)
                else:
                    _plain(plain, paint)
                seconds = time.perf_counter() - started
            if not number:  # the first one warms up
                continue
            whole[name].append(seconds)
            outside[name].append(100 * (1 - sum(networks) / seconds))
            if name == "ours":
                previews.append(100 * sum(looks) / seconds)

    return Report(
        bench="engine",
        title="The engine around its compiled networks",
        settings={"size": f"{paint.width}×{paint.height}", "steps": paint.steps, "guided": "yes"},
        figures=(
            Figure.of("a picture, plain optimum-intel", "s", whole["plain"], spread=False),
            Figure.of(
                "a picture",
                "s",
                whole["ours"],
                against="a picture, plain optimum-intel",
                spread=False,
            ),
            Figure.of(
                "outside the networks, plain optimum-intel", "%", outside["plain"], spread=False
            ),
            Figure.of(
                "outside the networks",
                "%",
                outside["ours"],
                allowed=ALLOWED_PERCENT,
                against="outside the networks, plain optimum-intel",
                spread=False,
            ),
            Figure.of("previews", "%", previews, allowed=PREVIEWS_PERCENT, spread=False),
        ),
    )


def _plain(pipeline: Any, paint: Paint) -> None:
    pipeline(
        paint.prompt,
        width=paint.width,
        height=paint.height,
        num_inference_steps=paint.steps,
        guidance_scale=paint.guidance,
    )


_INFER = (openvino.InferRequest.__mro__[1], "infer")
"""Where Python ends and the compiled network begins."""


@contextmanager
def _timed(method: tuple[Any, str]) -> Iterator[list[float]]:
    """A stopwatch on a method of a class: the seconds of each call."""
    owner, name = method
    original: Callable[..., Any] = getattr(owner, name)
    spent: list[float] = []

    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return original(*arguments, **named)
        finally:
            spent.append(time.perf_counter() - started)

    setattr(owner, name, timed)
    try:
        yield spent
    finally:
        setattr(owner, name, original)
