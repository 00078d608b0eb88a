"""What lies deep in a denoiser changes little from step to step: `tell` it once, `above` it use it.

Of two steps the second computes only the uppermost level, which sees the details, and takes from
the step before what the levels below made of the whole. For that the graph is cut where these come
up into the last block: `tell` makes it an output of the whole network, `above` an input of what is
left. The first steps, in which a picture finds its form, are computed whole. A model's card says
whether it is done (`reusing = true`); the idea is DeepCache's.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as ops

DEEP = "deep"
FIRST = 3
"""So many steps are computed whole at first: with fewer, subjects are lost (see DECISIONS)."""
BLOCK = re.compile(r"up_blocks\.(\d+)[./]")


def reuses(number: int) -> bool:
    """Whether step `number` of a picture, from 0, takes over what the step before found."""
    return number >= FIRST and (number - FIRST) % 2 == 0


def tell(network: openvino.Model) -> openvino.Model:
    """Let `network`, whose shapes are fixed, tell what is deep in it. Raises `ValueError`."""
    told = ops.result(_cut(network).get_source_output())
    network.add_results([told])
    network.validate_nodes_and_infer_types()
    told.output(0).get_tensor().set_names({DEEP})
    return network


def above(network: openvino.Model) -> openvino.Model:
    """What is left of it where the deep part is one more input. Raises `ValueError`."""
    place = _cut(network)
    given = ops.parameter(list(place.get_shape()), np.float32, name=DEEP)
    given.output(0).get_tensor().set_names({DEEP})
    place.replace_source_output(given.output(0))
    said = network.get_results()[0]
    behind = _behind(said)
    needed = [each for each in network.get_parameters() if each.get_name() in behind]
    return openvino.Model([said], [*needed, given], f"{network.get_friendly_name()} above")


def _cut(network: openvino.Model) -> Any:
    """Where what comes from below meets the details, first thing in the last block."""
    found: dict[int, Any] = {}
    for node in network.get_ordered_ops():
        block = BLOCK.search(node.get_friendly_name())
        if block is None or node.get_type_name() != "Concat":
            continue
        if len(node.output(0).get_shape()) == 4:
            found.setdefault(int(block[1]), node)
    if not found:
        raise ValueError("its denoiser has no blocks that could be reused")
    return found[max(found)].input(0)


def _behind(said: Any) -> set[str]:
    """The names of all that `said` is made from."""
    todo, seen = [said], set()
    while todo:
        node = todo.pop()
        if node.get_name() not in seen:
            seen.add(node.get_name())
            todo += [each.get_source_output().get_node() for each in node.inputs()]
    return seen
