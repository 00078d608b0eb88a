"""Fewer keys and values for the largest self-attentions of a denoiser: `pool`.

At 64×64 latents a self-attention compares each of 4096 places with each other one. What a place
looks at may be coarser than the place itself: averaged over squares of 2×2 there are a quarter of
the keys and values, and a quarter of the work, without any training. The networks' graphs are
rewritten for a fixed size, so it works for whatever was exported, in 8 bits too. A model's card
says whether it is done (`pooling = true`), since it changes the picture a little.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openvino
from openvino import opset13 as ops

LARGE = 3072
"""Smaller attentions are left alone: they cost little, and their places see further already."""
SIDE = 2
"""Squares of so many places along each side become one."""


def pool(network: openvino.Model, *, large: int = LARGE) -> int:
    """Rewrite `network`, whose shapes are fixed, in place; returns how many attentions changed."""
    grids = dict(_grids(network))
    found = [each for each in network.get_ops() if _is_large_self_attention(each, grids, large)]
    pooled: dict[tuple[str, int], Any] = {}
    changed = 0
    for attention in found:
        inputs = [_linear(attention.input(number)) for number in (1, 2)]
        if None in inputs:
            continue
        grid = grids[attention.input(1).get_shape()[2]]
        for linear in inputs:
            data = linear.input(0)
            data.replace_source_output(_smaller(data.get_source_output(), grid, pooled))
        changed += 1
    if changed:
        network.validate_nodes_and_infer_types()
    return changed


def _grids(network: openvino.Model) -> Iterator[tuple[int, tuple[int, int]]]:
    """Number of places -> (height, width), for the latents and each time they are halved."""
    for each in network.inputs:
        shape = each.get_partial_shape()
        if shape.rank.is_dynamic or shape.rank.get_length() != 4 or shape.is_dynamic:
            continue
        height, width = (shape[axis].get_length() for axis in (2, 3))
        while height > 1 and width > 1:
            yield height * width, (height, width)
            if height % 2 or width % 2:
                return
            height, width = height // 2, width // 2


def _is_large_self_attention(
    node: openvino.Node, grids: dict[int, tuple[int, int]], large: int
) -> bool:
    if node.get_type_name() != "ScaledDotProductAttention":
        return False
    shapes = [node.input(number).get_partial_shape() for number in range(2)]
    if any(shape.is_dynamic or shape.rank.get_length() != 4 for shape in shapes):
        return False
    asking, seen = (shape[2].get_length() for shape in shapes)
    grid = grids.get(seen)
    return bool(
        asking == seen >= large
        and grid is not None
        and not any(length % SIDE for length in grid)
        and len(node.inputs()) == 3  # with a mask, each place has its own
    )


def _linear(place: Any) -> Any:
    """The product with the weights that keys or values come from, behind what only arranges."""
    node = place.get_source_output().get_node()
    while node.get_type_name() in ("Transpose", "Reshape", "Add", "FakeQuantize"):
        node = node.input(0).get_source_output().get_node()
    if node.get_type_name() != "MatMul" or len(node.output(0).get_shape()) != 3:
        return None
    return node


def _smaller(data: Any, grid: tuple[int, int], pooled: dict[tuple[str, int], Any]) -> Any:
    """(batch, places, channels) averaged over squares; the same for keys and values."""
    node = data.get_node()
    key = (node.get_friendly_name(), data.get_index())
    if key in pooled:
        return pooled[key]
    if node.get_type_name() == "FakeQuantize":
        # Averages of 8-bit numbers are no 8-bit numbers: the average comes first.
        inputs = [node.input(number).get_source_output() for number in range(5)]
        inputs[0] = _smaller(inputs[0], grid, pooled)
        made = ops.fake_quantize(*inputs, levels=node.get_attributes()["levels"]).output(0)
    else:
        batch, places, channels = data.get_shape()
        height, width = (length // SIDE for length in grid)
        # Five axes, since OpenVINO has no fast way to reduce six.
        squares = ops.reshape(data, [batch * height, SIDE, width, SIDE, channels], False)
        mean = ops.reduce_mean(squares, ops.constant([1, 3]), keep_dims=False)
        made = ops.reshape(mean, [batch, places // SIDE**2, channels], False).output(0)
    pooled[key] = made
    return made
