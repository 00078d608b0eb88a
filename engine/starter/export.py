"""Owns the way out: an fp16 diffusers folder, and from that OpenVINO with 8-bit weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from optimum.intel import OVStableDiffusionPipeline, OVWeightQuantizationConfig

from engine.starter import denoiser, distilling, latents, pace
from engine.starter.shapes import put_together

HERE = Path(__file__).parent
MODEL = HERE / "model"
WEIGHTS = HERE / "weights"
TEACHER = HERE / "teacher"  # the denoiser before it was distilled
PROBE = "probe.safetensors"
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
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def write_weights(pipeline: StableDiffusionPipeline, folder: Path = WEIGHTS) -> None:
    """The trained parts as fp16 safetensors: what everything else is made from."""
    with replacing(folder) as fresh:
        pipeline.to(dtype=torch.float16).save_pretrained(fresh)
        _forget_places(fresh)


def write_teacher(unet: UNet2DConditionModel, folder: Path = TEACHER) -> None:
    """The denoiser that the one in `WEIGHTS` was distilled from, as fp16 safetensors."""
    with replacing(folder) as fresh:
        unet.to(dtype=torch.float16).save_pretrained(fresh)
        _forget_places(fresh)


def teacher(folder: Path = TEACHER) -> UNet2DConditionModel:
    """It walks the whole way from noise to picture, and says at each point what it sees there."""
    found: UNet2DConditionModel = UNet2DConditionModel.from_pretrained(
        folder, torch_dtype=torch.float32
    )
    return found


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
        _forget_places(fresh)
        shutil.copy(CARD, fresh / "atelier.toml")


def _forget_places(folder: Path) -> None:
    """Take out where on this machine the model was made from."""
    for file in folder.rglob("*.json"):
        told = json.loads(file.read_text("utf-8"))
        if isinstance(told, dict) and told.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def from_checkpoints(scratch: Path) -> None:
    """Put the trained parts together and write all folders."""
    text_encoder, tokenizer, knowing = denoiser.read(scratch / "denoiser.pt")
    quick = distilling.read(scratch / "few_steps.pt", knowing)
    vae = latents.current(scratch / "latents", scratch / "autoencoder.pt")
    write_weights(put_together(vae, text_encoder, tokenizer, quick))
    write_teacher(knowing)
    write_model()
    if (scratch / PROBE).exists():
        shutil.copy(scratch / PROBE, HERE / PROBE)


def thaw(scratch: Path, weights: Path = WEIGHTS) -> None:
    """The way back: checkpoints from the fp16 weights, to train on where scratch was lost."""
    pipeline = StableDiffusionPipeline.from_pretrained(weights, torch_dtype=torch.float32)
    pipeline.tokenizer.save_pretrained(scratch / "tokenizer")
    painter = denoiser.Painter(pipeline.tokenizer)
    painter.text.load_state_dict(pipeline.text_encoder.state_dict())
    painter.denoiser.load_state_dict(teacher().state_dict())
    parts = {"denoiser": painter, "few_steps": pipeline.unet, "autoencoder": pipeline.vae}
    for name, part in parts.items():
        path = scratch / f"{name}.pt"
        if path.exists():
            raise FileExistsError(f"{path} is there already: train on from that")
        pace.save(path, model=part.state_dict(), mean=part.state_dict())


def megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
