"""Owns the training of one network at one scale, on one core: two train beside each other."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.starter import pace
from engine.starter.muon import Muon, split
from engine.upscalers.data import Pixels, Stock
from engine.upscalers.degrade import NAMES, WAYS
from engine.upscalers.network import Enlarger

_BATCH = 8
_SAVE_SECONDS = 60.0
_TELL = 200  # steps
_SOFT = {"crisp": 0.0, "mend": 0.5}  # the share of pairs with the starter's own softness
_EDGES = 0.5  # what an error in the difference of neighbours counts


def checkpoint_of(scratch: Path, name: str, scale: int) -> Path:
    return scratch / f"{name}-{scale}.pt"


def train(
    scratch: Path, name: str, scale: int, *, minutes: float, start: Path | None = None
) -> None:
    """Train until `minutes` have been spent, from where the checkpoint stands.

    A new training begins with the weights of `start`, where given. What it is shown follows from
    network, scale and step alone, so that it can be repeated.
    """
    torch.set_num_threads(1)
    checkpoint = checkpoint_of(scratch, name, scale)
    on = pace.device()
    torch.manual_seed(4)
    model = Enlarger(scale)
    if start is not None and not checkpoint.exists():
        begin(model, start)
    model = model.to(on, memory_format=torch.channels_last)
    matrices, rest = split(model)
    fresh = 1.0 if start is None else 0.6
    optimizers = (
        Muon(matrices, lr=0.02 * fresh),
        torch.optim.AdamW(rest, lr=1e-3 * fresh, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    )
    clock = pace.Pace(minutes, warm_up=50, floor=0.01)
    mean = pace.Average(model, keep=0.995)
    if checkpoint.exists():
        pace.go_on(checkpoint, model, mean, clock, optimizers)
    seed = (NAMES.index(name) * 10 + scale) * 1_000_003 + clock.step
    stock = Stock(
        folder=scratch, scale=scale, rng=random.Random(seed),
        spoil=WAYS[name], soft=_SOFT[name],
    )  # fmt: skip
    saved = told = time.monotonic()
    totals = [0.0, 0.0, 0.0]
    for small, large in stock.batches(_BATCH):
        shown, wanted = to_tensor(small).to(on), to_tensor(large).to(on)
        with torch.autocast(on.type, torch.bfloat16):
            out = model(shown)
        loss = unlikeness(out, wanted)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        going = clock.tick(*optimizers)
        mean.take(model, clock.step)
        now = time.monotonic()
        if clock.step % 8 == 0:
            plain = F.interpolate(shown, scale_factor=scale, mode="bicubic").clamp(0, 1)
            totals[0] += float(loss.detach())
            totals[1] += decibels(out.detach().clamp(0, 1), wanted)
            totals[2] += decibels(plain, wanted)
        if clock.step % _TELL == 0:
            cost, found, without = (total * 8 / _TELL for total in totals)
            print(
                f"step {clock.step} {clock.done:.1%} loss {cost:.4f} psnr {found:.2f}"
                f" ({found - without:+.2f}) {_TELL / (now - told):.1f}/s",
                flush=True,
            )
            totals, told = [0.0, 0.0, 0.0], now
        if not going or now - saved > _SAVE_SECONDS:
            pace.save(
                checkpoint, model=model.state_dict(), mean=mean.weights, clock=clock.state(),
                optimizers=[o.state_dict() for o in optimizers],
            )  # fmt: skip
            saved = now
        if not going:
            return


def begin(model: Enlarger, start: Path) -> None:
    """Take over the weights of a checkpoint; from one of another scale, all but the last layer."""
    weights = pace.load(start)["mean"]
    own = model.state_dict()
    fitting = {n: w for n, w in weights.items() if w.shape == own[n].shape}
    model.load_state_dict(own | fitting)


def read(checkpoint: Path, scale: int) -> Enlarger:
    """The averaged network of a checkpoint, ready to use."""
    model = Enlarger(scale)
    model.load_state_dict(pace.load(checkpoint)["mean"])
    model.eval().requires_grad_(False)
    return model


def to_tensor(pixels: Pixels) -> Tensor:
    """(n, h, w, 3) bytes to (n, 3, h, w) from 0 to 1, colours lying together in memory."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 255


def unlikeness(out: Tensor, wanted: Tensor) -> Tensor:
    """What training makes small: differences of colours and of edges, large ones not squared."""
    wrong = out - wanted
    edges = wrong.diff(dim=2).abs().mean() + wrong.diff(dim=3).abs().mean()
    return (wrong.square() + 1e-6).sqrt().mean() + _EDGES * edges


def decibels(out: Tensor, wanted: Tensor) -> float:
    """Mean PSNR over a batch."""
    errors = (out - wanted).square().mean(dim=(1, 2, 3)).clamp(min=1e-6)
    return float((-10 * errors.log10()).mean()) if len(errors) else math.nan
