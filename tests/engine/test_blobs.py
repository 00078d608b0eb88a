"""Large compiled networks kept on disk: mapped at the next start, and never believed blindly."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest

from engine.blobs import KEPT, Blobs
from engine.catalogue import STARTER
from engine.compiled import Compiled

CORE = openvino.Core()
OPTIONS = {"PERFORMANCE_HINT": "LATENCY"}
SHAPES = {"latent_sample": [1, 16, 8, 8]}


@dataclass
class Bench:
    """The starter's decoder in a folder of its own, and how often it had to be compiled."""

    folder: Path
    compiled: int = 0
    inputs: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(STARTER / "vae_decoder", self.folder / "model")
        self.file = self.folder / "model" / "openvino_model.xml"
        self.kept = self.folder / "networks"
        rng = np.random.default_rng(0)
        self.inputs = {"latent_sample": rng.normal(size=(1, 16, 8, 8)).astype(np.float32)}

    def run(self, *circumstances: object, least: int = 0) -> np.ndarray[Any, Any]:
        """What the network makes of its input, kept or compiled."""

        def make() -> openvino.Model:
            self.compiled += 1
            network = CORE.read_model(self.file)
            network.reshape(SHAPES)
            return network

        blobs = Blobs(CORE, self.kept, least=least)
        network, kept = blobs.compiled(self.file, SHAPES, OPTIONS, make, *circumstances)
        result: np.ndarray[Any, Any] = Compiled(network, kept)(self.inputs)[0].copy()
        return result


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_was_compiled_is_mapped_the_next_time(bench: Bench) -> None:
    """The second load compiles nothing and paints the same; other circumstances are another."""
    first = bench.run()
    assert (bench.run() == first).all()
    assert bench.compiled == 1
    assert (bench.run("pooled") == first).all()
    assert bench.compiled == 2


def test_a_changed_file_is_compiled_anew(bench: Bench) -> None:
    """Weights that were replaced are not mistaken for what was compiled of the old ones."""
    bench.run()
    os.utime(bench.file.with_suffix(".bin"), ns=(1, 1))
    bench.run()
    assert bench.compiled == 2


@pytest.mark.parametrize("content", [b"", b"nonsense", b"<?xml?>\nnonsense"])
def test_what_is_damaged_is_compiled_anew(bench: Bench, content: bytes) -> None:
    """An empty or foreign file is thrown away; the one after it can be used again."""
    first = bench.run()
    [blob] = bench.kept.glob("*/*.blob")
    blob.chmod(0o600)
    blob.write_bytes(content)
    assert (bench.run() == first).all()
    assert (bench.run() == first).all()
    assert bench.compiled == 2


def test_a_process_that_was_killed_leaves_nothing_that_is_used(bench: Bench) -> None:
    """What is half written has no name, and goes with the next network."""
    half = bench.kept / ".abc.999999999"
    half.mkdir(parents=True)
    (half / "x.blob").write_bytes(b"half")
    bench.run()
    assert not half.exists()
    assert len(list(bench.kept.iterdir())) == 1


def test_only_so_many_are_kept(bench: Bench) -> None:
    """The one used longest ago goes; the one used last stays."""
    for number in range(KEPT + 1):
        bench.run(number)
        for place, folder in enumerate(sorted(bench.kept.iterdir(), key=os.path.getmtime)):
            os.utime(folder, (place, place))
    assert len(list(bench.kept.iterdir())) == KEPT
    assert bench.compiled == KEPT + 1
    bench.run(KEPT)
    assert bench.compiled == KEPT + 1
    bench.run(0)
    assert bench.compiled == KEPT + 2


def test_small_networks_and_full_disks_are_just_compiled(bench: Bench) -> None:
    """Nothing is kept of what is small, nor where nothing can be written."""
    bench.run(least=10**9)
    assert not bench.kept.exists()
    bench.kept.write_bytes(b"no folder")
    first, second = bench.run(), bench.run()
    assert (first == second).all()
    assert bench.compiled == 3
