"""What is in a `.safetensors` file by its header alone: names, shapes, and which family that is."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from engine.errors import BrokenModel

Shapes = Mapping[str, tuple[int, ...]]
MOST_HEADER = 100_000_000
UNET, VAE = "model.diffusion_model.", "first_stage_model."
TRANSFORMERS = {
    "double_blocks.0.img_attn.qkv.weight": ("flux", "FluxTransformer2DModel"),
    "single_transformer_blocks.0.attn.to_q.weight": ("flux", "FluxTransformer2DModel"),
    "blocks.0.cross_attn.q_linear.weight": ("sana-sprint", "SanaTransformer2DModel"),
    "caption_norm.weight": ("sana-sprint", "SanaTransformer2DModel"),
}
"""A name that only one family has -> the family, and the class of its transformer."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Which of our configurations a file is of, or which transformer is in it."""

    family: str
    configs: str = ""
    transformer: str = ""


def read_shapes(file: Path) -> Shapes:
    """Names and shapes of all that is in a file, without reading it. Raises `BrokenModel`."""
    if file.suffix.lower() != ".safetensors":
        raise BrokenModel(
            file.name,
            "a single file has to be .safetensors (the older forms can hold programs, "
            "which are never run)",
        )
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            if not 2 <= length <= MOST_HEADER:
                raise ValueError("no header")
            header = json.loads(opened.read(length))
        if not isinstance(header, dict):
            raise ValueError("no header")
        ends = max(int(each["data_offsets"][1]) for n, each in header.items() if n[:2] != "__")
        if file.stat().st_size < 8 + length + ends:
            raise BrokenModel(file.name, "its end is missing")
        return {n: tuple(each["shape"]) for n, each in header.items() if n[:2] != "__"}
    except FileNotFoundError:
        raise BrokenModel(file.name, f"there is no file {file}") from None
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        raise BrokenModel(file.name, "it is no .safetensors file") from None


def kind_of(shapes: Shapes, name: str) -> Kind:
    """What a file with such names and shapes is. Raises `BrokenModel`."""
    first = shapes.get(f"{UNET}input_blocks.0.0.weight")
    if first is not None:
        if first[1] != 4:
            raise BrokenModel(
                name, f"it takes {first[1]} channels (an inpainting or editing model); only 4 work"
            )
        if any(key.startswith("conditioner.embedders.1.") for key in shapes):
            return Kind("stable-diffusion-xl", "stable-diffusion-xl")
        if any(key.startswith("conditioner.embedders.0.model.") for key in shapes):
            raise BrokenModel(name, "it is a refiner, which cannot paint by itself")
        if any(key.startswith("cond_stage_model.model.") for key in shapes):
            return Kind("stable-diffusion", "stable-diffusion-2")
        widths = {shape[1] for key, shape in shapes.items() if key.endswith("attn2.to_k.weight")}
        if 2048 in widths:
            return Kind("stable-diffusion-xl", "stable-diffusion-xl")
        by_width = "stable-diffusion-2" if 1024 in widths else "stable-diffusion-1"
        return Kind("stable-diffusion", by_width)
    for mark, (family, transformer) in TRANSFORMERS.items():
        if mark in shapes or f"{UNET}{mark}" in shapes:
            return Kind(family, transformer=transformer)
    if any("lora" in key for key in shapes):
        raise BrokenModel(name, "it is a LoRA: name it with --lora, beside the model it changes")
    raise BrokenModel(name, "it is a single file of no family known here")


def needs_rest(file: Path) -> str:
    """What a folder has to bring for this file: "tokenizer", or "everything else"."""
    return "everything else" if kind_of(read_shapes(file), file.name).transformer else "tokenizer"


def count_numbers(place: Path) -> int:
    """How many numbers the weights in a file or folder have. Raises `BrokenModel`."""
    files = [place] if place.is_file() else sorted(place.rglob("*.safetensors"))
    return sum(prod(shape) for file in files for shape in read_shapes(file).values())
