"""Owns the training of the autoencoder, and the pictures' way into latents and back."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.starter import pace
from engine.starter.hands import Hands
from engine.starter.muon import Muon, split
from engine.starter.pictures import finished_shards, pieces, pixels_of, size_of
from engine.starter.shapes import SIZES, new_autoencoder

_KL = 3e-5
# (share of the time, side of the crops, crops a step): small and many, then whole pictures
_CROPS = ((0.5, 96, 4), (0.8, 128, 3), (1.01, 256, 1))


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """(n, h, w, 3) bytes to (n, 3, h, w) from -1 to 1."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def train(
    pictures: Path, checkpoint: Path, *, minutes: float, cores: int, decoder_only: bool = False
) -> None:
    """Train until `minutes` have been spent, from where the checkpoint stands.

    With `decoder_only` the encoder keeps still, so that latents computed before stay valid.
    """
    torch.manual_seed(1)
    rng = random.Random(time.time_ns())
    on = pace.device()
    model = new_autoencoder().to(on)
    if decoder_only:
        for name, weight in model.named_parameters():
            weight.requires_grad_(name.startswith(("decoder", "post_quant")))
    clock = pace.Pace(minutes, warm_up=60)
    hands = Hands(model, cores if on.type == "cpu" else 1)
    matrices, rest = split(model)
    optimizers = (
        Muon(matrices, lr=0.01, spread=hands.pool.map),
        torch.optim.AdamW(rest, lr=2e-3, betas=(0.9, 0.98), weight_decay=1e-4, fused=True),
    )
    mean = pace.Average(model, keep=0.998)
    if checkpoint.exists():
        before = pace.load(checkpoint)
        model.load_state_dict(before["model"])
        mean.weights = before["mean"]
        if before.get("decoder_only") == decoder_only:
            clock.resume(before["clock"])
            for optimizer, state in zip(optimizers, before["optimizers"], strict=True):
                optimizer.load_state_dict(state)
    saved = told = time.monotonic()
    going, totals = True, [0.0, 0.0, 0.0]
    feed = _crops(pictures, rng, clock, decoder_only)

    def learn(own: AutoencoderKL, pixels: Tensor) -> list[float]:
        with torch.autocast(on.type, torch.bfloat16):
            if decoder_only:
                with torch.no_grad():
                    latents = own.encode(pixels).latent_dist.mean
                cost = torch.zeros((), device=on)
            else:
                posterior = own.encode(pixels).latent_dist
                latents = posterior.sample()
                cost = posterior.kl().mean() / posterior.mean[0].numel()
            latents = latents + 0.03 * torch.randn_like(latents)
            out = own.decode(latents).sample.float()
        loss = unlikeness(out, pixels) + _KL * cost
        loss.backward()
        return [float(loss.detach()), float(F.mse_loss(out.detach(), pixels))]

    while going:
        loss, error = hands.work(learn, [next(feed).to(on) for _ in hands.models])
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        going = clock.tick(*optimizers)
        mean.take(model, clock.step)
        totals = [totals[0] + loss, totals[1] + error, totals[2] + 1]
        if clock.step % 100 == 0:
            psnr = 10 * math.log10(4 / (totals[1] / totals[2]))
            now = time.monotonic()
            print(
                f"step {clock.step} {clock.done:.0%} loss {totals[0] / totals[2]:.4f}"
                f" psnr {psnr:.2f} {totals[2] / (now - told):.2f}/s",
                flush=True,
            )
            totals, told = [0.0, 0.0, 0.0], now
        if not going or time.monotonic() - saved > 120:
            pace.save(
                checkpoint, model=model.state_dict(), mean=mean.weights, clock=clock.state(),
                optimizers=[o.state_dict() for o in optimizers], decoder_only=decoder_only,
            )  # fmt: skip
            saved = time.monotonic()


def unlikeness(out: Tensor, pixels: Tensor) -> Tensor:
    """What the autoencoder is to make small: differences of colours and of edges."""
    down = F.l1_loss(out.diff(dim=2), pixels.diff(dim=2))
    across = F.l1_loss(out.diff(dim=3), pixels.diff(dim=3))
    return F.l1_loss(out, pixels) + F.mse_loss(out, pixels) + 0.5 * (down + across)


def read(checkpoint: Path) -> AutoencoderKL:
    """The averaged autoencoder of a checkpoint, ready to use."""
    model = new_autoencoder()
    model.load_state_dict(pace.load(checkpoint)["mean"])
    return model.eval().requires_grad_(False)


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
def measure(model: AutoencoderKL, pictures: Path, count: int = 60) -> tuple[float, float]:
    """Mean PSNR in dB over whole pictures, and the standard deviation of their latents."""
    square = [s for s in finished_shards(pictures) if size_of(s) == SIZES[0]]
    pixels = to_tensor(pixels_of(pictures, square[-1])[:count])
    marks: list[float] = []
    spreads: list[Tensor] = []
    for few in pixels.split(4):
        latents = model.encode(few).latent_dist.mean
        out = model.decode(latents).sample.clamp(-1, 1)
        marks += [
            10 * math.log10(4 / float(F.mse_loss(a, b))) for a, b in zip(out, few, strict=True)
        ]
        spreads.append(latents.flatten())
    return sum(marks) / len(marks), float(torch.cat(spreads).std())


def _crops(pictures: Path, rng: random.Random, clock: pace.Pace, whole: bool) -> Iterator[Tensor]:
    feed = pieces(pictures, rng)
    while True:
        side, count = next((side, count) for share, side, count in _CROPS if clock.done < share)
        if whole and side < 128:
            side, count = 128, 6
        batch: list[NDArray[np.uint8]] = []
        for picture, _ in feed:
            h, w = picture.shape[:2]
            if side <= min(h, w):
                top, left = rng.randrange(h - side + 1), rng.randrange(w - side + 1)
                batch.append(picture[top : top + side, left : left + side])
            elif not batch or batch[0].shape == picture.shape:
                batch.append(picture)
            if len(batch) == count:
                break
        yield to_tensor(np.stack(batch))
