"""A compiled network of fixed shapes, called with as little as possible around it.

OpenVINO's own call looks at every input's type, shape and flags each time, which takes longer than
a sampler's step of arithmetic. Where shapes are fixed, copying into the request's own tensors says
the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino

# OpenVINO's binding prepares its look at numpy's arrays when that is first needed, under a lock
# that it waits for while it holds Python's: two threads that both come first wait for ever.
openvino.Tensor(np.zeros(1, np.float32)).data  # noqa: B018


class Compiled(openvino.CompiledModel):  # type: ignore[misc] # openvino brings no annotations
    """Belongs to one thread, like the painter that calls it."""

    def __init__(self, network: openvino.CompiledModel, kept: Any = None) -> None:
        """`kept` is what the network was mapped from, which has to stay as long as it does."""
        super().__init__(network)
        self._request = self.create_infer_request()
        self._views: dict[str, Any] = {
            name: self._request.get_tensor(each).data for each in self.inputs for name in each.names
        }
        self._given: dict[str, Any] = {}
        kinds = {each.get_element_type() for each in self.inputs}
        self._plain = not kinds & {openvino.Type.bf16, openvino.Type.string}
        self._kept = kept  # the last one, since the others go first

    def __call__(self, inputs: Mapping[str, Any], **options: Any) -> Any:
        """Run it on inputs by name; the outputs are new arrays.

        An array that cannot be written to is copied once, however often it is given in a row.
        """
        if not self._plain:  # numpy has no such numbers
            return super().__call__(inputs, **options)
        for name, value in inputs.items():
            if self._given.get(name) is not value:
                self._views[name][...] = found = np.asarray(value)
                self._given[name] = None if found.flags.writeable else found
        return self._request.infer()
