"""Enlarging 512×512 to 2048×2048 against plain PyTorch with the same network, in turns.

Two networks: the one that ships (`crisp`), and one as large as Real-ESRGAN's general-x4v3, whose
weights are random, since they do not change how long it takes. What is spent outside the networks
is measured by a stopwatch around them; memory by processes that enlarge one picture each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from engine import conversion
from engine.installing import Card, install
from engine.lens import Glass, motley
from engine.networks import SHIPPED, Networks
from engine.upscaler import Upscaler
from engine.upscalers.network import Enlarger, Finished
from tests.bench.report import Check, Figure, Report

OUTSIDE_PERCENT = 10.0
BESIDE_MB = 50
GENERAL = {"scale": 4, "width": 64, "layers": 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`rounds` enlargements of a picture of `side` pixels; memory at these `sides`.

    `all_kinds`: in 8 bits and with the large network too.
    """

    rounds: int
    side: int
    sides: tuple[int, ...]
    all_kinds: bool


FULL = Size(rounds=5, side=512, sides=(256, 512, 1024, 2048), all_kinds=True)
TINY = Size(rounds=1, side=64, sides=(64,), all_kinds=False)


def run(size: Size = FULL) -> Report:
    """Seconds a picture, ours and PyTorch's; what is spent outside; memory against size."""
    with tempfile.TemporaryDirectory() as folder:
        return _run(size, Path(folder))


def _run(size: Size, folder: Path) -> Report:
    torch.manual_seed(1)
    plain: dict[str, torch.nn.Module] = {"crisp": _crisp()}
    models = folder / "models"
    if size.all_kinds:
        plain["general"] = _general()
        weights = folder / "general.pth"
        torch.save({"params": plain["general"].state_dict()}, weights)
        tiles = [motley(128, seed) for seed in range(4)]
        shipped = SHIPPED / "crisp" / "x4.xml"
        install([weights], Card(name="general"), models)
        install([weights], Card(name="general-8bit"), models, int8=True, pictures=tiles)
        install([shipped], Card(name="crisp-8bit"), models, int8=True, pictures=tiles)
    upscaler = Upscaler(Networks.read((models,)), cache=folder)
    image = Image.fromarray(motley(size.side))
    works: dict[str, Callable[[], Any]] = {}
    for name, network in plain.items():
        works[f"{name}, PyTorch"] = partial(_plainly, network, image)
        works[f"{name}, PyTorch bf16"] = partial(_plainly, network, image, torch.bfloat16)
        works[name] = partial(upscaler.upscale, image, 4, name)
        if size.all_kinds:
            works[f"{name}, 8-bit"] = partial(upscaler.upscale, image, 4, f"{name}-8bit")
    times: dict[str, list[float]] = {name: [] for name in works}
    outside: dict[str, list[float]] = {name: [] for name in plain}
    for number in range(size.rounds + 1):
        for name, work in works.items():
            with _looking() as looks:
                started = time.perf_counter()
                work()
                seconds = time.perf_counter() - started
            if number:  # the first one warms up, and measures
                times[name].append(seconds)
                if name in outside:
                    outside[name].append(100 * (1 - sum(looks) / seconds))
    memory = {side: _memory(side, folder) for side in size.sides}
    return _report(size, times, outside, memory)


def _report(
    size: Size,
    times: dict[str, list[float]],
    outside: dict[str, list[float]],
    memory: dict[int, float],
) -> Report:
    figures = []
    for name, values in times.items():
        base = f"{name.partition(',')[0]}, PyTorch"
        found = Figure.of(name, "s", values, spread=False)
        figures.append(found if name == base else replace(found, against=base))
    for name, values in outside.items():
        what = f"outside the network, {name}"
        figures.append(Figure.of(what, "%", values, allowed=OUTSIDE_PERCENT, spread=False))
    for side, megabytes in memory.items():
        what = f"memory beside the pixels, {side}² → {4 * side}²"
        figures.append(Figure.of(what, "MB", [megabytes], spread=False))
    most = max(memory.values())
    return Report(
        bench="enlarging",
        title=f"Enlarging {size.side}² to {4 * size.side}²",
        settings={"rounds": size.rounds},
        figures=tuple(figures),
        checks=(
            Check(
                what=f"memory beside the pixels under {BESIDE_MB} MB, however large the picture",
                holds=most < BESIDE_MB,
                seen=f"{most:.0f} MB at most",
            ),
        ),
    )


def _crisp() -> torch.nn.Module:
    found = Enlarger(4)
    weights = load_file(SHIPPED / "crisp" / "weights.safetensors")
    own = {name[3:]: weight.float() for name, weight in weights.items() if name[:3] == "x4."}
    found.load_state_dict(own)
    return Finished(found).eval()


def _general() -> torch.nn.Module:
    network = conversion.SRVGGNetCompact(**GENERAL).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.3)
    return network


def _plainly(
    network: torch.nn.Module, image: Image.Image, kind: torch.dtype = torch.float32
) -> Image.Image:
    """The picture in one piece through PyTorch, as a script of ten lines would do it."""
    tensor = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None].float() / 255
    enabled = kind is not torch.float32
    with torch.inference_mode(), torch.autocast("cpu", kind, enabled=enabled):
        found = network(tensor)[0].float().clamp(0, 1)
    return Image.fromarray((found.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))


@contextmanager
def _looking() -> Iterator[list[float]]:
    """The seconds that go into the compiled networks meanwhile."""
    spent: list[float] = []
    look = Glass.look

    def timed(self: Glass, tiles: list[Any]) -> list[Any]:
        started = time.perf_counter()
        try:
            return look(self, tiles)
        finally:
            spent.append(time.perf_counter() - started)

    Glass.look = timed  # type: ignore[method-assign] # a stopwatch
    try:
        yield spent
    finally:
        Glass.look = look  # type: ignore[method-assign]


CHILD = """
import json, resource, sys
from pathlib import Path
from PIL import Image
from engine.networks import Networks
from engine.upscaler import Upscaler
upscaler = Upscaler(Networks.read(), cache=Path(sys.argv[2]))
side = int(sys.argv[1])
upscaler.upscale(Image.effect_noise((400, 400), 40).convert("RGB"), 4, "crisp")
image = Image.effect_noise((side, side), 40).convert("RGB")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew
now = int([l for l in open("/proc/self/status") if l.startswith("VmRSS")][0].split()[1])
made = upscaler.upscale(image, 4, "crisp")
peak = int([l for l in open("/proc/self/status") if l.startswith("VmHWM")][0].split()[1])
print(json.dumps([now, peak, made.size[0]]))
"""


def _memory(side: int, folder: Path) -> float:
    """Megabytes at the peak of enlarging one picture, over the enlarged picture itself.

    That one is there twice, in 3 bytes a pixel as it grows, in Pillow's 4 as it is handed out. What
    was free from before may be used again, so the rest can be less than nothing.
    """
    command = [sys.executable, "-c", CHILD, str(side), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    before, peak, width = json.loads(done.stdout.splitlines()[-1])
    return float((peak - before) * 1024 - 7 * width**2) / 1e6
