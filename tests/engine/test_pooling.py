"""Keys and values averaged over squares: on the starter's own denoiser, and in 8 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from engine.catalogue import STARTER
from engine.pooling import pool

CORE = openvino.Core()
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}
PLACES, CHANNELS, HEADS, SIDE = 64, 16, 2, 8


def starter() -> openvino.Model:
    """Its denoiser, for pictures of 256×256: attentions see 64 and 16 places."""
    network = CORE.read_model(STARTER / "unet" / "openvino_model.xml")
    network.reshape(
        {"sample": [1, 16, 16, 16], "timestep": [], "encoder_hidden_states": [1, 77, 192]}
    )
    return network


def given() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "sample": rng.normal(size=(1, 16, 16, 16)).astype(np.float32),
        "timestep": np.int64(500),
        "encoder_hidden_states": rng.normal(size=(1, 77, 192)).astype(np.float32),
    }


def attention(*, eight_bits: bool = False, batch: int = 1) -> openvino.Model:
    """One self-attention over the places of a picture, as exporters write it."""
    rng = np.random.default_rng(0)
    sample = ops.parameter([batch, CHANNELS, SIDE, SIDE], np.float32, name="sample")
    rows = ops.transpose(ops.reshape(sample, [batch, CHANNELS, PLACES], False), [0, 2, 1])
    if eight_bits:
        ends = [ops.constant(np.float32(each)) for each in (-4, 4, -4, 4)]
        rows = ops.fake_quantize(rows, *ends, 256)
    heads = []
    for _ in range(3):
        weight = ops.constant(rng.normal(size=(CHANNELS, CHANNELS)).astype(np.float32) / 4)
        linear = ops.reshape(ops.matmul(rows, weight, False, True), [batch, -1, HEADS, 8], False)
        heads.append(ops.transpose(linear, [0, 2, 1, 3]))
    seen = ops.scaled_dot_product_attention(*heads, causal=False)
    return openvino.Model([ops.result(seen)], [sample], "attention")


def by_hand(sample: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same with keys and values of averaged places, in numpy."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(CHANNELS, CHANNELS)).astype(np.float32) / 4 for _ in range(3)]
    batch = len(sample)
    rows = sample.reshape(batch, CHANNELS, PLACES).transpose(0, 2, 1)
    half = SIDE // 2
    squares = sample.reshape(batch, CHANNELS, half, 2, half, 2).mean((3, 5))
    small = squares.reshape(batch, CHANNELS, PLACES // 4).transpose(0, 2, 1)
    query, key, value = (
        (each @ weight.T).reshape(batch, -1, HEADS, 8).transpose(0, 2, 1, 3)
        for each, weight in zip((rows, small, small), weights, strict=True)
    )
    likeness = query @ key.transpose(0, 1, 3, 2) / np.sqrt(8)
    share = np.exp(likeness - likeness.max(-1, keepdims=True))
    result: np.ndarray[Any, Any] = share / share.sum(-1, keepdims=True) @ value
    return result


@pytest.mark.parametrize("batch", [1, 2])
def test_it_computes_what_averaged_places_give(batch: int) -> None:
    """Rewritten graph and arithmetic by hand agree, guided (two at once) or not."""
    sample = np.random.default_rng(1).normal(size=(batch, CHANNELS, SIDE, SIDE)).astype(np.float32)
    network = attention(batch=batch)
    assert pool(network, large=PLACES) == 1
    found = CORE.compile_model(network, "CPU", EXACT)(sample)[0]
    np.testing.assert_allclose(found, by_hand(sample), atol=1e-4)


def test_averages_stand_before_the_eight_bits() -> None:
    """Where numbers are brought to 8 bits first, the average is brought there too, not undone."""
    network = attention(eight_bits=True)
    assert pool(network, large=PLACES) == 1
    [seen] = [op for op in network.get_ops() if op.get_type_name() == "ScaledDotProductAttention"]
    assert seen.input(1).get_shape()[2] == PLACES // 4
    node = seen.input(1).get_source_output().get_node()
    while node.get_type_name() != "MatMul":
        node = node.input(0).get_source_output().get_node()
    assert node.input(0).get_source_output().get_node().get_type_name() == "FakeQuantize"
    sample = np.random.default_rng(1).normal(size=(1, CHANNELS, SIDE, SIDE)).astype(np.float32)
    found = CORE.compile_model(network, "CPU", EXACT)(sample)[0]
    assert np.abs(found - by_hand(sample)).mean() < 0.1


def test_only_what_is_large_and_looks_at_itself_changes() -> None:
    """Small pictures keep every key; words never are averaged; an odd grid is left alone."""
    before = CORE.compile_model(starter(), "CPU", EXACT)(given())[0]
    untouched = starter()
    assert pool(untouched) == 0
    assert (CORE.compile_model(untouched, "CPU", EXACT)(given())[0] == before).all()
    pooled = starter()
    assert pool(pooled, large=64) == 3
    words = [
        each.input(1).get_shape()[2]
        for each in pooled.get_ops()
        if each.get_type_name() == "ScaledDotProductAttention"
    ]
    assert 77 in words
    after = CORE.compile_model(pooled, "CPU", EXACT)(given())[0]
    assert 0 < np.abs(after - before).mean() < 0.1 * np.abs(before).mean()
    odd = starter()
    odd.reshape({"sample": [1, 16, 12, 20], "timestep": [], "encoder_hidden_states": [1, 77, 192]})
    assert pool(odd, large=60) > 0
    odd = starter()
    odd.reshape({"sample": [1, 16, 20, 12], "timestep": [], "encoder_hidden_states": [1, 77, 192]})
    assert pool(odd, large=10**6) == 0


def test_a_pooled_network_can_be_stored(tmp_path: Path) -> None:
    """What was rewritten is a network like any other."""
    network = attention()
    pool(network, large=PLACES)
    openvino.save_model(network, tmp_path / "pooled.xml")
    assert CORE.read_model(tmp_path / "pooled.xml").get_ops()
