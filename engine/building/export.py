"""The way from a diffusers pipeline to a folder of OpenVINO networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from optimum.exporters.openvino import export_from_model
from optimum.intel import OVConfig

from engine.building import decoder, originals
from engine.errors import BrokenModel

IR = "openvino_model.xml"


def write_configs(pipeline: Any, folder: Path) -> None:
    """All that a model folder says of itself, without any weights."""
    pipeline.save_config(folder)
    for name, part in pipeline.components.items():
        if part is None:
            continue
        if hasattr(part, "save_config"):
            part.save_config(folder / name)
        elif isinstance(part, torch.nn.Module):
            part.config.save_pretrained(folder / name)
        else:
            part.save_pretrained(folder / name)


def export(pipeline: Any, folder: Path, name: str) -> None:
    """Write the networks of `pipeline` with 16-bit weights; raises `BrokenModel`."""
    tiny = pipeline.vae if isinstance(pipeline.vae, AutoencoderTiny) else None
    try:
        if tiny is not None:  # the exporter knows none: it gets another, which is replaced below
            pipeline.vae = _stand_in(tiny)
        with torch.no_grad(), originals.quietly():
            export_from_model(
                pipeline, folder, task="text-to-image", stateful=False,
                ov_config=OVConfig(dtype="fp16"),
            )  # fmt: skip
        if tiny is not None:
            decoder.write(tiny, folder)
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BrokenModel(name, f"it cannot be exported: {originals.in_a_line(error)}") from error
    finally:
        if tiny is not None:
            pipeline.vae = tiny
    forget_places(folder)


def forget_places(folder: Path) -> None:
    """Take out where on this machine the model was made from."""
    for file in folder.rglob("*.json"):
        told = json.loads(file.read_text("utf-8"))
        if isinstance(told, dict) and told.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _stand_in(tiny: AutoencoderTiny) -> AutoencoderKL:
    """The smallest autoencoder with latents of the same form."""
    levels = len(tiny.config.decoder_block_out_channels)
    return AutoencoderKL(
        block_out_channels=(4,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        latent_channels=tiny.config.latent_channels,
        norm_num_groups=1,
        layers_per_block=1,
    )
