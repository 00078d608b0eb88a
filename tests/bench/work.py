"""How much there is to compute in a network of fixed shapes: its multiplications and additions."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import openvino

from engine.pooling import pool


def operations(file: Path, shapes: dict[str, list[int]], *, pooled: bool) -> int:
    """Of convolutions, products and attentions; all else is little beside them."""
    network = openvino.Core().read_model(file)
    network.reshape({name: shapes[name] for each in network.inputs for name in each.names})
    if pooled:
        pool(network)
    return 2 * sum(_products(each) for each in network.get_ops())


def _products(node: Any) -> int:
    kind = node.get_type_name()
    if kind == "Convolution":
        return _all(node.output(0)) * prod(int(each) for each in node.input(1).get_shape()[1:])
    if kind == "MatMul":
        axis = -2 if node.get_attributes()["transpose_a"] else -1
        return _all(node.output(0)) * int(node.input(0).get_shape()[axis])
    if kind == "ScaledDotProductAttention":
        return 2 * _all(node.input(0)) * int(node.input(1).get_shape()[2])
    return 0


def _all(place: Any) -> int:
    """The numbers that are there."""
    return prod(int(each) for each in place.get_shape())
