"""Owns the pictures' latents on disk, and the autoencoder evened out for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from engine.starter import autoencoder, pace
from engine.starter.pictures import SHARD, finished_shards, pixels_of

EVEN = "autoencoder"  # the folder of the evened autoencoder, beside the latents


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
def even_out(model: AutoencoderKL, pictures: Path, count: int = 240) -> AutoencoderKL:
    """Fold each latent channel's mean and spread into the 1x1 convolutions around the latents.

    The pictures stay the same, the latents become what diffusion expects: mean 0, spread 1 in
    every channel. The pipeline's single `scaling_factor` is then rightly 1.
    """
    first = finished_shards(pictures)[0]
    pixels = autoencoder.to_tensor(pixels_of(pictures, first)[:count])
    found = torch.cat([model.encode(few).latent_dist.mean for few in pixels.split(8)])
    return _fold(model, found.mean(dim=(0, 2, 3)), found.std(dim=(0, 2, 3)))


def _fold(model: AutoencoderKL, mean: Tensor, spread: Tensor) -> AutoencoderKL:
    channels = len(mean)
    into, out = _around(model)
    assert into.bias is not None and out.bias is not None
    into.weight[:channels] /= spread[:, None, None, None]
    into.bias[:channels] = (into.bias[:channels] - mean) / spread
    into.bias[channels:] -= 2 * spread.log()  # the log of the variance
    out.bias += out.weight[:, :, 0, 0] @ mean
    out.weight *= spread[None, :, None, None]
    model.register_to_config(scaling_factor=1.0)
    return model


def _around(model: AutoencoderKL) -> tuple[torch.nn.Conv2d, torch.nn.Conv2d]:
    into, out = model.quant_conv, model.post_quant_conv
    assert into is not None and out is not None
    return into, out


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
def write_latents(pictures: Path, checkpoint: Path, folder: Path) -> None:
    """The latents of every rendered shard; those already there are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / EVEN / "config.json").exists():
        even_out(autoencoder.read(checkpoint), pictures).save_pretrained(folder / EVEN)
    on = pace.device()
    model = AutoencoderKL.from_pretrained(folder / EVEN).to(on).eval()
    for shard in finished_shards(pictures):
        path = folder / f"{shard:04}.npy"
        if path.exists():
            continue
        pixels = pixels_of(pictures, shard)
        parts: list[Tensor] = []
        for start in range(0, SHARD, 10):
            few = autoencoder.to_tensor(pixels[start : start + 10]).to(on)
            with torch.autocast(on.type, torch.bfloat16):
                parts.append(model.encode(few).latent_dist.mean.half().cpu())
        fresh = path.with_suffix(".part")
        with fresh.open("wb") as file:
            np.save(file, torch.cat(parts).numpy())
        fresh.replace(path)
        print(f"latents {shard} spread {float(torch.cat(parts).float().std()):.3f}", flush=True)


def importance(folder: Path, count: int = 24) -> Tensor:
    """(16, 1, 1): what an error in each latent channel counts, 1 on average.

    The root of how much noise in that channel alone changes the picture: channels differ by
    factors of a hundred, and without this most of the training goes into those nobody sees.
    """
    path = folder / EVEN / "importance.npy"
    if not path.exists():
        model = AutoencoderKL.from_pretrained(folder / EVEN).eval()
        clean = read_latents(folder, 0)[:count].float()
        noise = 0.3 * torch.randn(clean[:, 0].shape, generator=torch.Generator().manual_seed(0))
        found = []
        with torch.no_grad():
            before = model.decode(clean).sample
            for channel in range(clean.shape[1]):
                noisy = clean.clone()
                noisy[:, channel] += noise
                found.append(float((model.decode(noisy).sample - before).square().mean()))
        weights = torch.tensor(found).sqrt()
        weights = (weights / weights.mean()).clamp(0.25, 4.0)
        np.save(path, (weights / weights.mean()).numpy())
    weights = torch.from_numpy(np.load(path))
    return weights[:, None, None]


def read_latents(folder: Path, shard: int) -> Tensor:
    """(500, 16, height / 16, width / 16) in half precision."""
    return torch.from_numpy(np.load(folder / f"{shard:04}.npy"))


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
def current(folder: Path, checkpoint: Path) -> AutoencoderKL:
    """The evened autoencoder with its newest decoder; the latents on disk must stay valid."""
    evened: AutoencoderKL = AutoencoderKL.from_pretrained(folder / EVEN).eval()
    newest = autoencoder.read(checkpoint)
    before, after = evened.encoder.state_dict(), newest.encoder.state_dict()
    if any(not torch.equal(before[name], after[name]) for name in before):
        raise ValueError("the encoder has moved since: compute the latents anew")
    told, raw = _around(evened)[0], _around(newest)[0]  # what was folded in is their difference
    assert told.bias is not None and raw.bias is not None
    channels = len(raw.bias) // 2
    spread = (raw.weight[:channels] / told.weight[:channels])[:, 0, 0, 0]
    mean = raw.bias[:channels] - told.bias[:channels] * spread
    return _fold(newest, mean, spread)
