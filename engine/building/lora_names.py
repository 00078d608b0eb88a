"""The names that trainers give a network's layers, and which layer of ours each of them means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import torch

Layer: TypeAlias = torch.nn.Linear | torch.nn.Conv2d
PREFIXES = {
    "unet": ("lora_unet", "unet", "lycoris", "diffusion_model", "base_model_model"),
    "transformer": (
        "lora_transformer", "lora_unet", "transformer", "lycoris", "diffusion_model",
        "base_model_model",
    ),
    "text_encoder": ("lora_te1", "lora_te", "text_encoder"),
    "text_encoder_2": ("lora_te2", "text_encoder_2"),
}  # fmt: skip
"""Part of a pipeline -> how names of its layers begin, with underscores for dots."""
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
TOP = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "time_embedding.cond_proj": "time_embed.cond_proj",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
OLD_PROCESSOR = re.compile(r"_processor_(to_(?:q|k|v|out))_lora$")
"""Attention as diffusers once named it: `attn1.processor.to_q_lora`."""


def layers(pipeline: Any) -> dict[str, Layer]:
    """Every layer of the pipeline that can be changed, by every name it may be called by."""
    found: dict[str, Layer] = {}
    for part, prefixes in PREFIXES.items():
        network = getattr(pipeline, part, None)
        if network is None:
            continue
        for name, layer in network.named_modules():
            if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
                for alias in _aliases(network, name):
                    for prefix in prefixes:
                        found.setdefault(flat(f"{prefix}.{alias}"), layer)
    return found


def flat(name: str) -> str:
    """One spelling for all: underscores for dots, and what only wraps a layer left out."""
    name = name.replace(".", "_").replace("_lora_layer", "")
    return OLD_PROCESSOR.sub(lambda found: f"_{found[1]}", name)


def original_name(network: Any, name: str) -> str:
    """What the first publishers' files call a layer of a UNet: `input_blocks.1.1.proj_in`."""
    for ours, theirs in TOP.items():
        if name == ours or name.startswith(f"{ours}."):
            return theirs + name.removeprefix(ours)
    per_block = int(_layers_per_block(network))
    if found := re.fullmatch(r"down_blocks\.(\d+)\.(\w+)\.(\d+)(?:\.(.+))?", name):
        block, kind, index, rest = int(found[1]), found[2], int(found[3]), found[4] or ""
        at = 1 + block * (per_block + 1) + (per_block if kind == "downsamplers" else index)
        if kind == "downsamplers":
            return f"input_blocks.{at}.0.op{_after(rest, 'conv')}"
        return f"input_blocks.{at}.{_inside(kind, rest)}"
    if found := re.fullmatch(r"mid_block\.(\w+)\.(\d+)(?:\.(.+))?", name):
        kind, index, rest = found[1], int(found[2]), found[3] or ""
        at = 1 if kind == "attentions" else 2 * index
        return f"middle_block.{at}.{_inside(kind, rest).partition('.')[2]}"
    if found := re.fullmatch(r"up_blocks\.(\d+)\.(\w+)\.(\d+)(?:\.(.+))?", name):
        block, kind, index, rest = int(found[1]), found[2], int(found[3]), found[4] or ""
        at = block * (per_block + 1) + (per_block if kind == "upsamplers" else index)
        if kind == "upsamplers":
            attends = hasattr(network.up_blocks[block], "attentions")
            return f"output_blocks.{at}.{2 if attends else 1}.conv{_after(rest, 'conv')}"
        return f"output_blocks.{at}.{_inside(kind, rest)}"
    return name


def _aliases(network: Any, name: str) -> Iterator[str]:
    yield name
    if name.startswith("text_model."):
        yield name.removeprefix("text_model.")
    else:
        yield f"text_model.{name}"
    if name.endswith(".to_out.0"):  # diffusers' own files leave the number out
        yield name.removesuffix(".0")
    if hasattr(network, "up_blocks") and hasattr(network, "mid_block"):
        theirs = original_name(network, name)
        if theirs != name:
            yield theirs


def _inside(kind: str, rest: str) -> str:
    """0 is the block of convolutions, 1 the attention beside it."""
    if kind == "attentions":
        return f"1.{rest}"
    first, _, more = rest.partition(".")
    return f"0.{RESNET.get(first, first)}" + (f".{more}" if more else "")


def _after(rest: str, word: str) -> str:
    return rest.removeprefix(word)


def _layers_per_block(network: Any) -> int:
    said = network.config.layers_per_block
    return int(said if isinstance(said, int) else said[0])
