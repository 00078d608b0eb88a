"""Many pages watch events at once: whether each gets every final one, and how soon.

First a single page, which is the baseline; then a crowd, each page with a job of its own in the
line and so also told of every place it moves up; then as many pages of one person, all of which
are told of everything. The time runs from the server's announcing an event to its arrival in this
program, which shares the cores with the server and its painting engine.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.probed import Probed, Seen, probed
from tests.bench.report import Check, Figure, Report
from tests.bench.submits import ALLOWED_LAG_MS, PROMPT, SETTINGS
from tests.bench.visitors import Heard, Visitor

FINAL = ("done", "failed", "cancelled")
PATIENCE_S = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many pages; a job of each in the crowd has `steps`; one person's pages watch `jobs`."""

    pages: int
    steps: int
    jobs: int


FULL = Size(pages=200, steps=3, jobs=5)
TINY = Size(pages=6, steps=2, jobs=2)


@dataclass(slots=True, kw_only=True)
class Scene:
    """What some pages heard while their jobs were painted, and when that was."""

    heard: list[list[Heard]] = field(default_factory=list)
    jobs: list[list[str]] = field(default_factory=list)
    """Which jobs each of the pages has to hear of."""
    began: float = 0.0
    ended: float = 0.0


def run(size: Size = FULL) -> Report:
    """Milliseconds from announcing to arrival; how late the loop is; whether all came."""
    return asyncio.run(_run(size))


async def _run(size: Size) -> Report:
    with (
        tempfile.TemporaryDirectory() as folder,
        probed(Path(folder) / "data", settings=SETTINGS) as server,
    ):
        await asyncio.to_thread(server.wait_until_ready)
        one = await _scene(server, people=1, pages=1, jobs=size.jobs, steps=size.steps)
        crowd = await _scene(server, people=size.pages, pages=1, jobs=1, steps=size.steps)
        tabs = await _scene(server, people=1, pages=size.pages, jobs=size.jobs, steps=8)
        seen = await asyncio.to_thread(server.seen)
        await asyncio.to_thread(server.stop)
    scenes = {"one page": one, "a crowd": crowd, "one person's": tabs}
    figures = []
    for name, scene in scenes.items():
        steps, finals = _delays(scene, seen)
        alone = name == "one page"
        for what, values in (("step", steps), ("final event", finals)):
            against = None if alone else f"{what}, one page"
            figures.append(Figure.of(f"{what}, {name}", "ms", values, against=against))
        lags = seen.lags_between(scene.began, scene.ended)
        figures.append(
            Figure.of(
                f"event loop late, {name}",
                "ms",
                lags,
                allowed=ALLOWED_LAG_MS if name == "a crowd" else None,
                against=None if alone else "event loop late, one page",
            )
        )
    return Report(
        bench="watching",
        title=f"{size.pages} pages watch at once",
        settings={"pages": size.pages, "jobs of one person": size.jobs},
        figures=tuple(figures),
        checks=tuple(_all_came(name, scene) for name, scene in scenes.items()),
    )


async def _scene(server: Probed, *, people: int, pages: int, jobs: int, steps: int) -> Scene:
    """Open all pages, then let everybody ask, and listen until all of it is painted."""
    scene = Scene(heard=[[] for _ in range(people * pages)])
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as listening:
        visiting: list[Visitor] = []
        for _ in range(people):
            first = await stack.enter_async_context(Visitor(server.url))
            more = [Visitor(server.url, first.cookie) for _ in range(pages - 1)]
            visiting += [first, *[await stack.enter_async_context(each) for each in more]]
        news = asyncio.Event()
        tasks = [
            listening.create_task(_listen(page, heard, news))
            for page, heard in zip(visiting, scene.heard, strict=True)
        ]
        await _until(news, lambda: all(scene.heard))  # each stream is open
        scene.began = time.monotonic()
        own: list[set[str]] = [set() for _ in range(people)]
        for number in range(people):
            for _ in range(jobs):
                job = await visiting[number * pages].ask(prompt=PROMPT, steps=steps)
                own[number].add(job["id"])
        scene.jobs = [sorted(own[n // pages]) for n in range(len(visiting))]
        await _until(news, lambda: all(map(_complete, scene.heard, scene.jobs)))
        scene.ended = time.monotonic()
        for task in tasks:
            task.cancel()
    return scene


async def _listen(page: Visitor, heard: list[Heard], news: asyncio.Event) -> None:
    async for event in page.events():
        heard.append(event)
        if event.name in FINAL or len(heard) == 1:
            news.set()


async def _until(news: asyncio.Event, holds: Callable[[], bool]) -> None:
    """Wait until it holds; what does not come within reason is told by the checks."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                news.clear()
                await news.wait()


def _complete(heard: Iterable[Heard], jobs: Iterable[str]) -> bool:
    return set(jobs) <= {event.data["id"] for event in heard if event.name in FINAL}


def _delays(scene: Scene, seen: Seen) -> tuple[list[float], list[float]]:
    """Milliseconds from announcing to arrival, of the steps and of the final events."""
    at = {
        (each.name, each.public, each.index, each.step): each.at
        for each in seen.told
        if each.name in FINAL or each.step
    }
    steps, finals = [], []
    for event in (event for page in scene.heard for event in page):
        if event.name == "step" and event.data["step"]:
            key = ("step", event.data["id"], event.data["index"], event.data["step"])
            steps.append(1000 * (event.at - at[key]))
        elif event.name in FINAL:
            finals.append(1000 * (event.at - at[event.name, event.data["id"], 0, 0]))
    return steps, finals


def _all_came(name: str, scene: Scene) -> Check:
    """Whether every page got the final event of each of its jobs, once."""
    wanted = sum(len(jobs) for jobs in scene.jobs)
    once = 0
    for heard, jobs in zip(scene.heard, scene.jobs, strict=True):
        came = Counter(event.data["id"] for event in heard if event.name in FINAL)
        once += sum(came[job] == 1 for job in jobs)
    return Check(
        what=f"each page gets every final event ({name})",
        holds=once == wanted,
        seen=f"{once} of {wanted}, each once, on {len(scene.jobs)} pages",
    )
