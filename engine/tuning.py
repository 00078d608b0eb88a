"""How large networks are run best on this machine: measured once with small ones, remembered.

What is chosen holds for one processor, one version of OpenVINO and one set of limits (processors,
quota); anything else is measured anew, in some seconds. Small models are painted by rule, since
measuring would take longer than it could win.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import structlog

from engine import processors
from engine.processors import Layout
from engine.proxies import Numbers, denoiser, product, product_work

log = structlog.get_logger(__name__)

FILE = "painting.json"
KEPT = 8
"""Machines that are remembered, the latest ones: a data folder may travel."""
ROUNDS = 6
WORTH = 0.97
"""What is not faster than this share of the rule's time is not worth leaving the rule."""
LARGE = 200_000_000
"""Bytes of weights from which on a denoiser is worth measuring for."""
GROUPS = (32, 0)
"""How 8-bit weights meet floating activations: these are turned into 8 bits in groups, or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How to run a network. Without `seconds` it is the rule, and nothing was measured.

    `precision` is what is multiplied where nothing is in 8 bits ("" leaves it to OpenVINO),
    `group` how many activations share a scale where only weights are (0: they stay as they are).
    `seconds` are those of a small denoiser by what its numbers are kept in; `peak` is the number
    of 8-bit operations a second in a large product.
    """

    threads: int
    precision: str = ""
    group: int | None = None
    pinned: bool = True
    fast_only: bool = False
    seconds: Mapping[str, float] | None = None
    peak: float = 0.0

    @property
    def options(self) -> dict[str, Any]:
        """As OpenVINO's compiler wants it: one picture at a time, on all threads at once."""
        said: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": self.threads,
        }
        if self.precision:
            said["INFERENCE_PRECISION_HINT"] = self.precision
        if self.group is not None:
            said["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = self.group
        if not self.pinned:
            said["ENABLE_CPU_PINNING"] = False
        if self.fast_only:
            said["SCHEDULING_CORE_TYPE"] = "PCORE_ONLY"
        return said

    @property
    def eight_bits_pay(self) -> float:
        """How many times as fast it is with weights and activations in 8 bits; 1 if unknown."""
        if not self.seconds:
            return 1.0
        return self.seconds[Numbers.floating] / self.seconds[Numbers.whole]


def by_rule(layout: Layout, threads: int | None = None) -> Tuning:
    """How to run a network without measuring; `threads` were chosen by a person."""
    count = threads or layout.threads
    return Tuning(
        threads=count,
        pinned=not layout.limited,
        fast_only=layout.mixed and count <= layout.threads,
    )


def tuned(
    core: openvino.Core | None,
    cache: Path,
    *,
    layout: Layout | None = None,
    threads: int | None = None,
    anew: bool = False,
) -> Tuning:
    """What is best here for large networks: remembered in the folder `cache`, or measured now."""
    place = layout or processors.layout()
    key = _key(place, threads)
    known = None if anew else recall(cache, key)
    if known is not None:
        return known
    started = time.perf_counter()
    found = measure(place, threads=threads)
    log.info("measured", **asdict(found), took=round(time.perf_counter() - started, 2))
    keep(cache, key, found)
    return found


def measure(layout: Layout, *, threads: int | None = None) -> Tuning:
    """Try what may be fast, and return the best; nothing is remembered."""
    core = openvino.Core()  # one of its own has no cache, where all that is slow would stay
    rule = by_rule(layout, threads)
    counts = (threads,) if threads else layout.choices
    precisions = _precisions(core)
    asked = [
        Tuning(
            threads=count,
            precision=precision,
            pinned=rule.pinned,
            fast_only=layout.mixed and count <= layout.threads,
        )
        for count, precision in itertools.product(counts, precisions)
    ]
    floating = _race(core, denoiser(Numbers.floating), asked)
    best = _winner(asked, floating)
    grouped = [_with(best, group=group) for group in GROUPS]
    weights = _race(core, denoiser(Numbers.weights), grouped)
    chosen = _winner(grouped, weights)
    [whole] = _race(core, denoiser(Numbers.whole), [chosen])
    [peak] = _race(core, product(), [chosen])
    return _with(
        chosen,
        seconds={
            Numbers.floating.value: floating[asked.index(best)],
            Numbers.weights.value: weights[grouped.index(chosen)],
            Numbers.whole.value: whole,
        },
        peak=product_work() / peak,
    )


def _with(tuning: Tuning, **changes: Any) -> Tuning:
    return Tuning(**{**asdict(tuning), **changes})


def _precisions(core: openvino.Core) -> tuple[str, ...]:
    """Those the processor has units for; OpenVINO's own choice first."""
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    names = {"BF16": "bf16", "FP16": "f16", "FP32": "f32"}
    return tuple(name for each, name in names.items() if each in able) or ("f32",)


def _race(core: openvino.Core, network: openvino.Model, runners: list[Tuning]) -> list[float]:
    """The least seconds of each, run in turns: whatever else the machine does only adds to it."""
    requests = []
    for each in runners:
        compiled = core.compile_model(network, "CPU", each.options)
        request = compiled.create_infer_request()
        given = compiled.inputs[0]
        request.set_input_tensor(openvino.Tensor(np.full(given.shape, 0.1, np.float32)))
        requests.append(request)
    times: list[list[float]] = [[] for _ in runners]
    for number in range(ROUNDS + 1):
        for request, seen in zip(requests, times, strict=True):
            started = time.perf_counter()
            request.infer()
            if number:  # the first one allocates
                seen.append(time.perf_counter() - started)
    return [round(min(seen), 6) for seen in times]


def _winner(runners: list[Tuning], seconds: Iterable[float]) -> Tuning:
    """The fastest; the first one, which is the rule's, where that is as fast."""
    found = list(seconds)
    fastest = min(found)
    return runners[0] if fastest > WORTH * found[0] else runners[found.index(fastest)]


def _key(layout: Layout, threads: int | None) -> str:
    circumstances = (
        openvino.get_version(),
        platform.machine(),
        processors.model(),
        layout,
        threads,
    )
    return hashlib.sha256(repr(circumstances).encode()).hexdigest()[:24]


def _read(file: Path) -> dict[str, Tuning]:
    """What is known; a damaged or foreign file counts as empty."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {key: _sound(Tuning(**each)) for key, each in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return {}


def _sound(tuning: Tuning) -> Tuning:
    """Itself if it can have been measured; raises `ValueError` or `KeyError`."""
    seconds = [float((tuning.seconds or {})[each]) for each in Numbers]
    if min(seconds) <= 0 or tuning.peak <= 0 or int(tuning.threads) < 1:
        raise ValueError("nobody measured this")
    if tuning.precision not in ("bf16", "f16", "f32") or tuning.group not in GROUPS:
        raise ValueError("nobody chose this")
    return tuning


def recall(cache: Path, key: str) -> Tuning | None:
    """What is remembered under `key`."""
    return _read(cache / FILE).get(key)


def keep(cache: Path, key: str, tuning: Tuning) -> None:
    """Remember; a folder that cannot be written to costs another measurement, no more."""
    file = cache / FILE
    known = _read(file)
    known.pop(key, None)
    known[key] = tuning
    latest = {name: asdict(each) for name, each in list(known.items())[-KEPT:]}
    temporary = file.with_suffix(".tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(latest, indent=1) + "\n", encoding="utf-8")
        temporary.replace(file)
    except OSError:
        return
