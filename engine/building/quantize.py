"""Bringing OpenVINO networks to 8 bits, by NNCF."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino

from engine.building.calibrate import Inputs
from engine.building.originals import quietly

IR = "openvino_model.xml"
nncf.set_log_level(logging.ERROR)  # it sets its own when it is loaded
LAYERS = ("Convolution", "MatMul")
SPARED = ("conv_in", "conv_out", "time_emb")
"""Small layers at a denoiser's ends that stay exact: that is a decibel, and hardly any time."""


def compress(folder: Path) -> None:
    """Weights in 8 bits, computed with as before."""
    with quietly():
        network = nncf.compress_weights(
            openvino.Core().read_model(folder / IR), mode=nncf.CompressWeightsMode.INT8_ASYM
        )
    _replace(network, folder)


def quantize(
    folder: Path,
    inputs: Sequence[Inputs],
    *,
    attention: bool = True,
    on_input: Callable[[int], None] = lambda done: None,
) -> None:
    """Weights and activations in 8 bits, in the ranges that `inputs` lead to.

    They are looked at several times; `on_input` hears how often one was.
    """
    looks = itertools.count(1)

    def looked_at(given: Inputs) -> Inputs:
        on_input(next(looks))
        return given

    exact = openvino.Core().read_model(folder / IR)
    names = [each.get_friendly_name() for each in exact.get_ops() if each.get_type_name() in LAYERS]
    spared = [name for name in names if any(word in name for word in SPARED)]
    with quietly():
        network = nncf.quantize(
            exact,
            nncf.Dataset(list(inputs), looked_at),
            subset_size=len(inputs),
            preset=nncf.QuantizationPreset.MIXED,
            model_type=nncf.ModelType.TRANSFORMER if attention else None,
            ignored_scope=nncf.IgnoredScope(names=spared) if attention else None,
        )
    _replace(network, folder)


def outputs(folder: Path, inputs: Sequence[Inputs]) -> list[np.ndarray[Any, Any]]:
    """What the network in `folder` makes of each of `inputs`, which all have the same shapes."""
    core = openvino.Core()
    network = core.read_model(folder / IR)
    network.reshape({name: list(value.shape) for name, value in inputs[0].items()})
    compiled = core.compile_model(network, "CPU")
    return [np.array(compiled(each)[0]) for each in inputs]


def decibels(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """How far two decoded pictures, from -1 to 1, are apart."""
    error = float(np.mean((one.clip(-1, 1) - other.clip(-1, 1)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(4 / error)


def _replace(network: openvino.Model, folder: Path) -> None:
    """Write beside the old files, which the network may still be reading, then over them."""
    draft = folder / "draft.xml"
    openvino.save_model(network, draft, compress_to_fp16=True)
    for ending in (".bin", ".xml"):
        draft.with_suffix(ending).replace((folder / IR).with_suffix(ending))
