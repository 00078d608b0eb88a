"""How large networks are run best: measured once, remembered for this machine alone."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import openvino
import pytest

from engine.processors import Layout
from engine.proxies import Numbers, denoiser
from engine.tuning import FILE, Tuning, by_rule, keep, recall, tuned

CORE = openvino.Core()
TWO = Layout(choices=(2,))
MEASURED = Tuning(
    threads=2,
    precision="f32",
    group=0,
    seconds={each.value: seconds for each, seconds in zip(Numbers, (0.3, 0.25, 0.1), strict=True)},
    peak=1e12,
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which this machine was measured."""
    folder = tmp_path_factory.mktemp("tuning")
    tuned(CORE, folder, layout=TWO)
    return folder


def stored(cache: Path) -> dict[str, dict[str, object]]:
    """What the file says."""
    found: dict[str, dict[str, object]] = json.loads((cache / FILE).read_text("utf-8"))
    return found


def test_what_was_measured_is_something_the_processor_can(cache: Path) -> None:
    """Every candidate ran; the choice compiles, and says how fast 8 bits are."""
    found = tuned(CORE, cache, layout=TWO)
    assert found.seconds is not None
    assert set(found.seconds) == set(Numbers)
    assert min(found.seconds.values()) > 0
    assert found.peak > 0
    assert found.eight_bits_pay > 0
    compiled = CORE.compile_model(denoiser(Numbers.weights), "CPU", found.options)
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 2
    assert compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE") == found.group


def test_it_is_measured_once_for_each_set_of_limits(cache: Path) -> None:
    """What stands in the file is believed for the same machine; other limits are another entry."""
    [key] = stored(cache)
    (cache / FILE).write_text(json.dumps({key: asdict(MEASURED)}), "utf-8")
    assert tuned(CORE, cache, layout=TWO) == MEASURED
    other = tuned(CORE, cache, layout=TWO, threads=1)
    assert other.threads == 1
    assert other != MEASURED
    assert len(stored(cache)) == 2
    assert tuned(CORE, cache, layout=TWO) == MEASURED


@pytest.mark.parametrize(
    "nonsense", ["", "[]", '{"x": 1}', json.dumps({"x": {**asdict(MEASURED), "peak": -1}})]
)
def test_a_damaged_memory_counts_as_empty(nonsense: str, tmp_path: Path) -> None:
    """Nonsense and what nobody can have measured is forgotten when something new is kept."""
    (tmp_path / FILE).write_text(nonsense, "utf-8")
    keep(tmp_path, "here", MEASURED)
    assert recall(tmp_path, "here") == MEASURED
    assert recall(tmp_path, "x") is None


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path: Path) -> None:
    """It costs another measurement the next time, no more."""
    (tmp_path / "file").write_text("", "utf-8")
    keep(tmp_path / "file" / "below", "here", MEASURED)
    assert recall(tmp_path / "file" / "below", "here") is None


def test_the_rule_needs_no_measuring() -> None:
    """A person's threads count; fast cores alone where there are others; no binding in a quota."""
    assert by_rule(TWO).options["INFERENCE_NUM_THREADS"] == 2
    assert by_rule(TWO, 5).threads == 5
    mixed = by_rule(Layout(choices=(8, 12), mixed=True))
    assert mixed.options["SCHEDULING_CORE_TYPE"] == "PCORE_ONLY"
    assert "SCHEDULING_CORE_TYPE" not in by_rule(Layout(choices=(8, 12), mixed=True), 12).options
    limited = by_rule(Layout(choices=(3,), limited=True))
    assert limited.options["ENABLE_CPU_PINNING"] is False
    assert limited.eight_bits_pay == 1.0
    assert replace(MEASURED, pinned=False).options["ENABLE_CPU_PINNING"] is False


@pytest.mark.parametrize("numbers", list(Numbers))
def test_the_small_networks_compute_alike(numbers: Numbers) -> None:
    """In any numbers it is the same network, so that what differs is the time."""
    given = np.random.default_rng(1).normal(size=(1, 320, 32, 32)).astype(np.float32)
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    results = [
        CORE.compile_model(denoiser(each), "CPU", exact)(given)[0]
        for each in (Numbers.floating, numbers)
    ]
    apart = np.abs(results[0] - results[1]).mean() / np.abs(results[0]).mean()
    assert apart < 0.1
