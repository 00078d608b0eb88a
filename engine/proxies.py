"""Small networks that stand in for large ones: what a denoiser consists of, in one size.

Compiling a whole denoiser in every way that might be fast would take minutes; these take a second
and want the same of the processor. Their weights are random, which makes no difference to speed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as ops

CHANNELS, SIDE, INNER = 320, 32, 1280
PEAK = (1024, 1280, 1280)
"""Rows, depth and columns of a product that keeps the processor's matrix units busy."""


class Numbers(StrEnum):
    """What the weights of a network are kept in, and what is multiplied."""

    floating = "floating"  # weights in 16 bits, products as precise as the processor likes
    weights = "weights"  # weights in 8 bits, products in floating point
    whole = "whole"  # weights and activations in 8 bits


def denoiser(numbers: Numbers) -> openvino.Model:
    """Convolutions and linear layers as a denoiser has them, at 32×32 places."""
    rng = np.random.default_rng(0)
    shape = [1, CHANNELS, SIDE, SIDE]
    given = ops.parameter(shape, np.float32, name="sample")
    flow = ops.convolution(
        _activation(given, numbers),
        _weight(_random(rng, CHANNELS, CHANNELS, 3, 3), numbers),
        *([1, 1], [1, 1], [1, 1], [1, 1]),
    )
    rows = ops.reshape(ops.swish(flow), [1, CHANNELS, SIDE * SIDE], False)
    rows = ops.transpose(rows, [0, 2, 1])
    for width, depth in ((INNER, CHANNELS), (CHANNELS, INNER)):
        rows = _linear(rows, _random(rng, width, depth), numbers)
    flow = ops.reshape(ops.transpose(rows, [0, 2, 1]), shape, False)
    return openvino.Model([ops.result(flow)], [given], f"denoiser-{numbers}")


def product() -> openvino.Model:
    """One large product in 8 bits, and nothing else."""
    rows, depth, columns = PEAK
    rng = np.random.default_rng(0)
    given = ops.parameter([1, rows, depth], np.float32, name="sample")
    made = _linear(given, _random(rng, columns, depth), Numbers.whole)
    # What comes in is turned into 8 bits once, for both.
    made = _linear(made, _random(rng, columns, columns), Numbers.whole)
    return openvino.Model([ops.result(made)], [given], "product")


def product_work() -> int:
    """The additions and multiplications of `product`."""
    rows, depth, columns = PEAK
    return 2 * rows * columns * (depth + columns)


def _random(rng: np.random.Generator, *shape: int) -> Any:
    """Weights that neither enlarge nor shrink what goes through them."""
    return rng.normal(scale=np.prod(shape[1:]) ** -0.5, size=shape)


def _linear(rows: Any, weight: Any, numbers: Numbers) -> Any:
    return ops.matmul(_activation(rows, numbers), _weight(weight, numbers), False, True)


def _activation(flow: Any, numbers: Numbers) -> Any:
    if numbers is not Numbers.whole:
        return flow
    low, high = (ops.constant(np.float32(end)) for end in (-4.0, 4.0 * 127 / 128))
    return ops.fake_quantize(flow, low, high, low, high, 256)


def _weight(values: Any, numbers: Numbers) -> Any:
    if numbers is Numbers.floating:
        return ops.convert(ops.constant(values.astype(np.float16)), np.float32)
    each_output = tuple(range(1, values.ndim))
    scale = np.abs(values).max(axis=each_output, keepdims=True) / 127
    kept = ops.constant(np.round(values / scale).astype(np.int8))
    return ops.multiply(ops.convert(kept, np.float32), ops.constant(scale.astype(np.float32)))
