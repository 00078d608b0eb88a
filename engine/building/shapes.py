"""The form of a model, read from the shapes of its tensors, for the configurations we have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.building.headers import UNET, VAE, Shapes
from engine.errors import BrokenModel

CLIPS = {
    "text_encoder": (
        "cond_stage_model.transformer.text_model.",
        "conditioner.embedders.0.transformer.text_model.",
    ),
}
OPEN_CLIPS = {
    "text_encoder": "cond_stage_model.model.",
    "text_encoder_2": "conditioner.embedders.1.model.",
}
HEAD = 64
"""Channels of one attention head, everywhere but in the first UNets, which have eight heads."""


def adapt(folder: Path, shapes: Shapes, name: str) -> None:
    """Correct the configurations in `folder` by what the shapes say. Raises `BrokenModel`."""
    try:
        _change(folder / "unet", unet(shapes, _read(folder / "unet")))
        if any(key.startswith(VAE) for key in shapes):
            _change(folder / "vae", autoencoder(shapes))
        for part, prefixes in CLIPS.items():
            for prefix in prefixes:
                if f"{prefix}embeddings.token_embedding.weight" in shapes:
                    _change(folder / part, clip(shapes, prefix))
        for part, prefix in OPEN_CLIPS.items():
            if f"{prefix}token_embedding.weight" in shapes:
                last = 0 if part == "text_encoder_2" else 1
                _change(folder / part, open_clip(shapes, prefix, leaving=last))
    except (KeyError, IndexError, ValueError) as error:
        raise BrokenModel(name, f"its tensors have an unknown form ({error})") from None


def unet(shapes: Shapes, config: Mapping[str, Any]) -> dict[str, Any]:
    """Widths, depths and attention of a UNet."""
    levels: list[dict[str, Any]] = [_level()]
    index = 1
    while True:
        at = f"{UNET}input_blocks.{index}."
        if f"{at}0.op.weight" in shapes:
            levels.append(_level())
        elif f"{at}0.out_layers.3.weight" in shapes:
            level = levels[-1]
            level["width"] = shapes[f"{at}0.out_layers.3.weight"][0]
            level["count"] += 1
            level["depth"] = _count(shapes, f"{at}1.transformer_blocks.")
            if level["depth"]:
                across = shapes[f"{at}1.transformer_blocks.0.attn2.to_k.weight"][1]
                flat = len(shapes[f"{at}1.proj_in.weight"]) == 2
                level |= {"across": across, "flat": flat}
        else:
            break
        index += 1
    widths = [level["width"] for level in levels]
    attending = [level for level in levels if level["depth"]]
    downs = ["CrossAttnDownBlock2D" if each["depth"] else "DownBlock2D" for each in levels]
    ups = ["CrossAttnUpBlock2D" if each["depth"] else "UpBlock2D" for each in reversed(levels)]
    found: dict[str, Any] = {
        "block_out_channels": widths,
        "layers_per_block": levels[0]["count"],
        "down_block_types": downs,
        "up_block_types": ups,
        "cross_attention_dim": attending[0]["across"],
        "use_linear_projection": attending[0]["flat"],
        "time_cond_proj_dim": shapes.get(f"{UNET}time_embed.cond_proj.weight", (0, None))[1],
    }
    if isinstance(config["attention_head_dim"], list):
        found["attention_head_dim"] = [max(1, width // HEAD) for width in widths]
    if "transformer_layers_per_block" in config:
        found["transformer_layers_per_block"] = [max(1, each["depth"]) for each in levels]
        label = shapes[f"{UNET}label_emb.0.0.weight"][1]
        pooled = label - 6 * int(config["addition_time_embed_dim"])
        if pooled <= 0:
            raise ValueError("label_emb")
        found["projection_class_embeddings_input_dim"] = label
    return found


def autoencoder(shapes: Shapes) -> dict[str, Any]:
    """Widths and depths of an autoencoder."""
    levels = _count(shapes, f"{VAE}encoder.down.")
    widths = [shapes[f"{VAE}encoder.down.{each}.block.0.conv1.weight"][0] for each in range(levels)]
    return {
        "block_out_channels": widths,
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": _count(shapes, f"{VAE}encoder.down.0.block."),
        "latent_channels": shapes[f"{VAE}decoder.conv_in.weight"][1],
    }


def clip(shapes: Shapes, prefix: str) -> dict[str, Any]:
    """Width and depth of a text encoder."""
    vocabulary, width = shapes[f"{prefix}embeddings.token_embedding.weight"]
    return {
        "vocab_size": vocabulary,
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "hidden_size": width,
        "projection_dim": width,
        "num_attention_heads": max(1, width // HEAD),
        "num_hidden_layers": _count(shapes, f"{prefix}encoder.layers."),
        "intermediate_size": shapes[f"{prefix}encoder.layers.0.mlp.fc1.weight"][0],
        "max_position_embeddings": shapes[f"{prefix}embeddings.position_embedding.weight"][0],
    }


def open_clip(shapes: Shapes, prefix: str, *, leaving: int) -> dict[str, Any]:
    """The same of one in the other spelling, of which the last layers may go unused."""
    vocabulary, width = shapes[f"{prefix}token_embedding.weight"]
    found = {
        "vocab_size": vocabulary,
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "hidden_size": width,
        "num_attention_heads": max(1, width // HEAD),
        "intermediate_size": shapes[f"{prefix}transformer.resblocks.0.mlp.c_fc.weight"][0],
        "num_hidden_layers": _count(shapes, f"{prefix}transformer.resblocks.") - leaving,
    }
    if f"{prefix}text_projection" in shapes and not leaving:
        found["projection_dim"] = shapes[f"{prefix}text_projection"][1]
    return found


def _level() -> dict[str, Any]:
    return {"width": 0, "count": 0, "depth": 0}


def _count(shapes: Shapes, prefix: str) -> int:
    """How many numbers in a row follow the prefix."""
    ends = re.compile(re.escape(prefix) + r"(\d+)\.")
    found = {int(match[1]) for key in shapes if (match := ends.match(key))}
    return len(found)


def _read(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "config.json").read_text("utf-8"))
    return found


def _change(place: Path, words: Mapping[str, Any]) -> None:
    said = _read(place) | dict(words)
    (place / "config.json").write_text(json.dumps(said, indent=2) + "\n", "utf-8")
