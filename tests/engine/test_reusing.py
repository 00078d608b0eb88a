"""What is deep in a denoiser, found once and used twice: on the starter's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from engine.building.sheet import psnr
from engine.catalogue import Catalogue
from engine.diffusion import DiffusionPainter
from engine.request import Ask
from engine.resolving import resolve
from engine.reusing import DEEP, above, reuses, tell
from tests.engine.test_pooling import CORE, EXACT, given, starter


def test_the_upper_part_says_the_same_of_what_was_deep_in_the_same_step() -> None:
    """Cut and put together again it is the same network, and the part needs no words."""
    whole = CORE.compile_model(tell(starter()), "CPU", EXACT)
    part = CORE.compile_model(above(starter()), "CPU", EXACT)
    said, deep = whole(given()).values()
    names = {name for each in part.inputs for name in each.names}
    again = part({name: value for name, value in {**given(), DEEP: deep}.items() if name in names})
    assert names == {"sample", "timestep", DEEP}
    assert np.allclose(said, again[0], atol=1e-4)


def test_the_first_steps_are_computed_whole() -> None:
    """Every other one after them takes over what the one before found."""
    assert [number for number in range(9) if reuses(number)] == [3, 5, 7]


def test_a_network_without_such_blocks_cannot_be_cut() -> None:
    """And says so."""
    sample = ops.parameter([1, 4, 8, 8], np.float32)
    plain = openvino.Model([ops.result(ops.relu(sample))], [sample], "plain")
    with pytest.raises(ValueError, match="no blocks"):
        tell(plain)


def test_a_model_that_says_so_paints_almost_the_same(tmp_path: Path) -> None:
    """The first three steps are the same to the byte, also for the second picture of a request."""
    model = Catalogue.read().get("starter")
    other = replace(model, name="other", reusing=True)
    catalogue = Catalogue(models={each.name: each for each in (model, other)})
    painter = DiffusionPainter(catalogue, cache=tmp_path)

    def painted(name: str, steps: int) -> list[Any]:
        ask = Ask(prompt="a lighthouse on the sea", seed=5, steps=steps, count=2)
        paint = resolve(ask, catalogue.get(name), draw_seed=lambda: 0).paint
        return [each.image for each in painter.paint(paint, None, lambda progress: None)]

    for one, two in zip(painted("starter", 3), painted("other", 3), strict=True):
        assert one.tobytes() == two.tobytes()
    for one, two in zip(painted("starter", 8), painted("other", 8), strict=True):
        assert one.tobytes() != two.tobytes()
        assert psnr(one, two) > 35
