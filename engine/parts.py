"""What is loaded of one model: its compiled networks, each once a shape, shared by its sessions.

A network goes when the last session that uses it has gone. Shapes are fixed and set by us: a UNet
compiled for dynamic ones takes twice as long a step and half a minute for its first run, and
optimum-intel gives every UNet without a `timestep_cond` input the batch of guided painting, also
when nothing is guided.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
import openvino

from engine import reusing
from engine.blobs import Blobs
from engine.compiled import Compiled
from engine.errors import BrokenModel
from engine.pooling import pool
from engine.tokens import Words

if TYPE_CHECKING:
    from engine.catalogue import Model

Array = np.ndarray[Any, np.dtype[Any]]
Shapes = Callable[[str, int], "list[int]"]
"""The fixed shape of an input by its name and the number of its dimensions."""

OVERHEAD = 2.0
"""Resident memory of a compiled network relative to its weight file, measured with headroom."""
REMEMBERED = 32 * 2**20
"""Bytes of what text encoders said that are kept, those used longest ago going first."""
DENOISERS = ("unet", "transformer")
ABOVE = 0.15
"""How much of a denoiser's weights lie above its deep part."""


class Form(StrEnum):
    """How much of a network is compiled (engine/reusing.py)."""

    whole = "whole"
    telling = "telling"  # all of it, and it tells what is deep in it
    above = "above"  # only what is above that


class Parts:
    """The folder of one model, and what is in memory of it."""

    def __init__(
        self,
        core: openvino.Core,
        blobs: Blobs,
        options: Callable[[int], dict[str, Any]],
        model: Model,
    ) -> None:
        """`options` tells how networks are compiled, by the bytes of the model's largest one."""
        self.model = model
        self._core = core
        self._blobs = blobs
        self._options = options(max(self.file_bytes(each) for each in DENOISERS))
        self._compiled: WeakValueDictionary[Any, Compiled] = WeakValueDictionary()
        self._words: dict[str, Words] = {}
        self._configs: dict[str, dict[str, Any]] = {}
        self._said: OrderedDict[Any, Array] = OrderedDict()

    def has(self, part: str) -> bool:
        return (self.model.folder / part / "openvino_model.xml").is_file()

    def file_bytes(self, part: str) -> int:
        file = self.model.folder / part / "openvino_model.bin"
        return file.stat().st_size if file.is_file() else 0

    def estimate(self, part: str) -> int:
        """The memory that a network of that part takes, once for each shape."""
        return int(OVERHEAD * self.file_bytes(part))

    @property
    def loaded(self) -> dict[int, int]:
        """The memory of each network in use, by its identity."""
        return {
            id(each): round(self.estimate(key[0]) * (ABOVE if key[1] is Form.above else 1))
            for key, each in list(self._compiled.items())
        }

    def config(self, part: str) -> dict[str, Any]:
        """What a part's `config.json` says."""
        return self.read(f"{part}/config.json")

    def read(self, name: str) -> dict[str, Any]:
        """One of the model's JSON files; raises `BrokenModel`."""
        if name not in self._configs:
            try:
                found = json.loads((self.model.folder / name).read_text(encoding="utf-8"))
            except FileNotFoundError:
                raise BrokenModel(self.model.name, f"{name} is missing") from None
            except ValueError:
                raise BrokenModel(self.model.name, f"{name} is not JSON") from None
            if not isinstance(found, dict):
                raise BrokenModel(self.model.name, f"{name} is not a JSON object")
            self._configs[name] = found
        return self._configs[name]

    def words(self, folder: str = "tokenizer") -> Words:
        """The tokenizer in that folder; raises `BrokenModel`."""
        if folder not in self._words:
            try:
                self._words[folder] = Words(self.model.folder / folder)
            except (OSError, ValueError, TypeError, KeyError) as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise BrokenModel(self.model.name, f"{folder} cannot be read: {reason}") from error
        return self._words[folder]

    def network(self, part: str, shapes: Shapes, form: Form = Form.whole) -> Compiled:
        """The network of that part for those shapes, compiled if it is not there."""
        file = self.model.folder / part / "openvino_model.xml"
        if not file.is_file():
            raise BrokenModel(self.model.name, f"{part}/{file.name} is missing")
        network = self._core.read_model(file)
        fixed = {
            each: shapes(each.get_any_name(), each.get_partial_shape().rank.get_length())
            for each in network.inputs
        }
        key = (part, form, tuple((each.get_any_name(), *fixed[each]) for each in network.inputs))
        known = self._compiled.get(key)
        if known is None:
            pooling = self.model.pooling and part in DENOISERS

            def prepared() -> openvino.Model:
                network.reshape(fixed)
                if pooling:
                    pool(network)
                cut = {Form.telling: reusing.tell, Form.above: reusing.above}.get(form)
                return network if cut is None else cut(network)

            by_name = {each.get_any_name(): fixed[each] for each in network.inputs}
            made, kept = self._blobs.compiled(file, by_name, self._options, prepared, pooling, form)
            known = Compiled(made, kept)
            self._compiled[key] = known
        return known

    def said(self, key: Any, ask: Callable[[], Array]) -> Array:
        """What a text encoder said to the words of `key`; `ask` it if that is not known."""
        if key in self._said:
            self._said.move_to_end(key)
            return self._said[key]
        answer = self._said[key] = ask()
        held = sum(each.nbytes for each in self._said.values())
        while held > REMEMBERED and len(self._said) > 1:
            held -= self._said.popitem(last=False)[1].nbytes
        return answer
