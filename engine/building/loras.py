"""Fusing low-rank changes (LoRA, LoCon, LoHa, LoKr, as trainers write them) into a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.building.lora_names import Layer, flat, layers
from engine.errors import BrokenModel

Tensors = Mapping[str, torch.Tensor]
ENDINGS = {
    ".lora_down.weight": "down", ".lora_A.weight": "down", ".lora.down.weight": "down",
    ".lora_A.default.weight": "down", "_lora.down.weight": "down",
    ".lora_up.weight": "up", ".lora_B.weight": "up", ".lora.up.weight": "up",
    ".lora_B.default.weight": "up", "_lora.up.weight": "up",
    ".lora_mid.weight": "mid", ".alpha": "alpha", ".diff": "diff", ".diff_b": "bias",
    ".lora_B.bias": "bias", ".dora_scale": "dora_scale", ".lora_magnitude_vector": "dora_scale",
    ".hada_w1_a": "hada_w1_a", ".hada_w1_b": "hada_w1_b",
    ".hada_w2_a": "hada_w2_a", ".hada_w2_b": "hada_w2_b",
    ".hada_t1": "hada_t1", ".hada_t2": "hada_t2",
    ".lokr_w1": "lokr_w1", ".lokr_w1_a": "lokr_w1_a", ".lokr_w1_b": "lokr_w1_b",
    ".lokr_w2": "lokr_w2", ".lokr_w2_a": "lokr_w2_a", ".lokr_w2_b": "lokr_w2_b",
    ".lokr_t2": "lokr_t2",
}  # fmt: skip
"""How a tensor's name ends -> what it is of its layer's change."""
NOT_DONE = ("dora_scale", "hada_t1", "hada_t2", "lokr_t2")
SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """How many layers were changed, and names of those in the file that the model has not."""

    layers: int
    strangers: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        if not self.strangers:
            return f"{self.layers} layers changed"
        shown = ", ".join(self.strangers[:SHOWN])
        return (
            f"{self.layers} layers changed; {len(self.strangers)} are not in this model ({shown}…)"
        )


def fuse(pipeline: Any, file: Path, scale: float = 1.0) -> Fused:
    """Add the changes in `file`, `scale` times, to the pipeline's weights.

    All of it is looked at before anything is changed. Raises `BrokenModel`.
    """
    changes = _read(file)
    known = layers(pipeline)
    fitting: list[tuple[Layer, dict[str, torch.Tensor]]] = []
    strangers = []
    for name, parts in changes.items():
        layer = known.get(flat(name))
        if layer is None:
            strangers.append(name)
            continue
        fitting.append((layer, parts))
    if not fitting:
        shown = ", ".join(sorted(changes)[:SHOWN])
        raise BrokenModel(
            file.name, f"none of its {len(changes)} layers is in this model (such as {shown})"
        )
    made = [(layer, *_change(layer, parts, file.name)) for layer, parts in fitting]
    with torch.no_grad():
        for layer, weight, bias in made:
            layer.weight += scale * weight.to(layer.weight.dtype)
            if bias is not None and layer.bias is not None:
                layer.bias += scale * bias.to(layer.bias.dtype)
    return Fused(layers=len(made), strangers=tuple(sorted(strangers)))


def _read(file: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The tensors of each layer's change by what they are."""
    if file.suffix != ".safetensors":
        raise BrokenModel(file.name, "a LoRA has to be a .safetensors file")
    try:
        tensors: Tensors = load_file(file)
    except FileNotFoundError:
        raise BrokenModel(file.name, f"there is no file {file}") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise BrokenModel(file.name, f"it cannot be read: {error}") from None
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        ending = max((each for each in ENDINGS if key.endswith(each)), key=len, default=None)
        if ending is None:
            continue
        stem = key[: -len(ending)]
        if ending.startswith("_lora."):  # of `…processor.to_q_lora.down.weight`
            stem += "_lora"
        found.setdefault(stem, {})[ENDINGS[ending]] = tensor.float()
    if not found:
        raise BrokenModel(file.name, "there is no LoRA in it")
    return found


def _change(
    layer: Layer, parts: dict[str, torch.Tensor], name: str
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What is to be added to a layer's weight and bias."""
    if left := next((each for each in NOT_DONE if each in parts), None):
        raise BrokenModel(name, f"it changes layers in a way that cannot be fused here ({left})")
    try:
        weight = _product(parts)
        if weight.numel() != layer.weight.numel():
            raise RuntimeError
        return weight.reshape(layer.weight.shape), parts.get("bias")
    except (RuntimeError, KeyError, IndexError):
        forms = ", ".join(str(tuple(each.shape)) for each in parts.values() if each.ndim > 1)
        raise BrokenModel(
            name,
            f"it was made for another model: {forms} does not fit a layer of "
            f"{tuple(layer.weight.shape)}",
        ) from None


def _product(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    if "diff" in parts:
        return parts["diff"]
    if "hada_w1_a" in parts:
        strength = _strength(parts, parts["hada_w1_b"].shape[0])
        first = parts["hada_w1_a"] @ parts["hada_w1_b"]
        return strength * first * (parts["hada_w2_a"] @ parts["hada_w2_b"])
    if "lokr_w2" in parts or "lokr_w2_a" in parts:
        return _kronecker(parts)
    down, up = parts["down"], parts["up"]
    strength = _strength(parts, down.shape[0])
    if "mid" in parts:
        return strength * torch.einsum(
            "or,rshw,si->oihw", up.flatten(1), parts["mid"], down.flatten(1)
        )
    return strength * (up.flatten(1) @ down.flatten(1))


def _kronecker(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    rank = None
    halves = []
    for half in ("lokr_w1", "lokr_w2"):
        if half in parts:
            halves.append(parts[half])
        else:
            low = parts[f"{half}_b"]
            rank = low.shape[0]
            shape = low.shape[1:]
            halves.append((parts[f"{half}_a"] @ low.flatten(1)).reshape(-1, *shape))
    strength = 1.0 if rank is None else _strength(parts, rank)  # whole ones carry no rank
    first, second = halves
    first = first.reshape(*first.shape, *(1,) * (second.ndim - first.ndim))
    return strength * torch.kron(first, second.contiguous())


def _strength(parts: dict[str, torch.Tensor], rank: int) -> float:
    """Trainers divide by the rank and multiply by a number of their own, or do neither."""
    return float(parts["alpha"]) / rank if "alpha" in parts else 1.0
