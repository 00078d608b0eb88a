"""Owns the way out: fp16 diffusers folder from trained parts, and OpenVINO with 8-bit weights from that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from optimum.intel import OVStableDiffusionPipeline, OVWeightQuantizationConfig

HERE = Path(__file__).parent
MODEL = HERE / "model"
WEIGHTS = HERE / "weights"
CARD = HERE / "card.toml"  # becomes the model folder's atelier.toml


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A fresh folder beside `folder` that takes its place if all goes well."""
    fresh = folder.with_name(f".{folder.name}.new")
    old = folder.with_name(f".{folder.name}.old")
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir(parents=True)
    yield fresh
    if folder.exists():
        os.rename(folder, old)
    os.rename(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)


def write_weights(pipeline: StableDiffusionPipeline, folder: Path = WEIGHTS) -> None:
    """The trained parts as fp16 safetensors: what everything else is made from."""
    with replacing(folder) as fresh:
        pipeline.to(dtype=torch.float16).save_pretrained(fresh)


def write_model(weights: Path = WEIGHTS, folder: Path = MODEL) -> None:
    """OpenVINO IR with 8-bit weights, with the card that tells the catalogue about it."""
    with replacing(folder) as fresh:
        pipeline = OVStableDiffusionPipeline.from_pretrained(
            weights,
            export=True,
            compile=False,
            quantization_config=OVWeightQuantizationConfig(bits=8, sym=False),
        )
        pipeline.save_pretrained(fresh)
        shutil.copy(CARD, fresh / "atelier.toml")


def megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
