"""From the start of the process to its first answer and its first picture.

Cold means that our data folder is new: nothing compiled, no preview learned. The baseline of the
first picture is a program of a few lines that loads the same model with optimum-intel and paints.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.report import Figure, Report
from tests.serving import ROOT, Serving, serving

PROMPT = "the sea at night"
PLAIN = f"""
from optimum.intel import OVStableDiffusionPipeline
made = OVStableDiffusionPipeline.from_pretrained("engine/starter/model", safety_checker=None)
made({PROMPT!r}, width=256, height=256, num_inference_steps=8, guidance_scale=2.0)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many times a server is started with a new data folder, and again with the same.

    Where it has to be fair, a plain load that nobody counts goes ahead.
    """

    rounds: int
    fair: bool = True


FULL, TINY = Size(rounds=2), Size(rounds=1, fair=False)


def run(size: Size = FULL) -> Report:
    """Seconds to the first answer and to the first picture, with cold caches and warm ones."""
    answers: dict[str, list[float]] = {"cold": [], "warm": []}
    pictures: dict[str, list[float]] = {"cold": [], "warm": []}
    plain = []
    if size.fair:
        _plain()  # what the system reads from the disk for the first time is nobody's
    for _ in range(size.rounds):
        with (
            tempfile.TemporaryDirectory() as folder,
            serving(Path(folder) / "data", start=False) as server,
        ):
            for caches in answers:
                answer, picture = _life(server)
                answers[caches].append(answer)
                pictures[caches].append(picture)
        plain.append(_plain())

    base = "first picture, plain optimum-intel"
    return Report(
        bench="start",
        title="From the start of the process",
        settings={"rounds": size.rounds},
        figures=(
            Figure.of("first answer, caches cold", "s", answers["cold"], spread=False),
            Figure.of(
                "first answer, caches warm",
                "s",
                answers["warm"],
                against="first answer, caches cold",
                spread=False,
            ),
            Figure.of(base, "s", plain, spread=False),
            Figure.of(
                "first picture, caches cold", "s", pictures["cold"], against=base, spread=False
            ),
            Figure.of(
                "first picture, caches warm", "s", pictures["warm"], against=base, spread=False
            ),
        ),
    )


def _life(server: Serving) -> tuple[float, float]:
    started = time.perf_counter()
    server.start()
    answered = time.perf_counter() - started
    with httpx.Client(base_url=server.url, timeout=30) as client:
        job = client.post("/api/jobs", json={"prompt": PROMPT}).json()["id"]
        while client.get(f"/api/jobs/{job}").json()["state"] != "done":
            time.sleep(0.05)
    painted = time.perf_counter() - started
    server.stop()
    return answered, painted


def _plain() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", PLAIN], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started
