"""Owns the distillation to few steps: the denoiser learns where the teacher's path would end.

What LCM samplers ask of a denoiser is, at every point of a path from noise to picture, the end of
that path (consistency models, Song et al. 2023; latent consistency, Luo et al. 2023). A network of
this size is cheap enough to walk the teacher's whole path to its end, guidance included, and to
learn every point of it from that: no second, trailing network has to stand in for the end.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor

from engine.starter import pace
from engine.starter.denoiser import Painter, Stock, tokens_of
from engine.starter.hands import Hands
from engine.starter.latents import importance
from engine.starter.muon import Muon, split
from engine.starter.shapes import new_denoiser, new_scheduler
from engine.starter.words import read_tokenizer

GUIDANCE = 2.0
"""Guidance that the distilled denoiser has in itself; more of it comes on top."""
LEARNT = 0.75
"""So much of what was learnt is taken over: weights in between keep what the teacher did better
(Wortsman et al. 2022, https://arxiv.org/abs/2109.01903)."""
_FROM_NOISE = 0.4  # the share of paths that begin where every picture does
_STRIDE = 100  # of the schedule's 1000 steps: the teacher's step


def distil(
    pictures: Path, latents: Path, teacher: Path, checkpoint: Path, *,
    minutes: float, cores: int, batch: int,
) -> None:  # fmt: skip
    """Train until `minutes` have been spent, from where the checkpoint stands; `batch` paths."""
    torch.manual_seed(3)
    rng = random.Random(time.time_ns())
    on = pace.device()
    tokenizer = read_tokenizer(teacher.parent / "tokenizer")
    knowing = Painter(tokenizer).to(on)
    knowing.load_state_dict(pace.load(teacher)["mean"])
    knowing.eval().requires_grad_(False)
    learning = Painter(tokenizer).to(on).denoiser
    learning.load_state_dict(knowing.denoiser.state_dict())
    if on.type == "cpu":
        for denoiser in (knowing.denoiser, learning):
            denoiser.set_attn_processor(AttnProcessor())
        knowing.text.set_attn_implementation("eager")
    mean = pace.Average(learning, keep=0.998)
    clock = pace.Pace(minutes, warm_up=50)
    hands = Hands(learning, cores if on.type == "cpu" else 1)
    matrices, rest = split(learning)
    optimizers = (
        Muon(matrices, lr=0.004, spread=hands.pool.map),
        torch.optim.AdamW(rest, lr=3e-4, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    )
    if checkpoint.exists():
        pace.go_on(checkpoint, learning, mean, clock, optimizers)
    remains: Tensor = new_scheduler().alphas_cumprod.to(on)
    stock = Stock(pictures, latents, rng)
    channels = importance(latents).to(on)
    share = batch // len(hands.models)

    def learn(own: UNet2DConditionModel, given: tuple[Tensor, Tensor, list[str]]) -> list[float]:
        clean, weights = given[0].to(on), given[1].to(on)
        start = 999 if rng.random() < _FROM_NOISE else rng.randrange(_STRIDE, 1000)
        noise, keep = torch.randn_like(clean), remains[start]
        noisy = keep.sqrt() * clean + (1 - keep).sqrt() * noise
        with torch.no_grad(), torch.autocast(on.type, torch.bfloat16):
            told = knowing.text(tokens_of(tokenizer, [*given[2], ""]).to(on))[0].float()
            told, empty = told[:-1], told[-1:].expand(len(clean), -1, -1)
            points, steps, end = walk(knowing.denoiser, noisy, start, told, empty)
        count = len(points)
        steps = steps.to(on).repeat_interleave(len(clean))
        along = points.flatten(0, 1)
        with torch.autocast(on.type, torch.bfloat16):
            out = own(along, steps, encoder_hidden_states=told.repeat(count, 1, 1)).sample
        keep = remains[steps][:, None, None, None]
        # the velocity that leads straight to the end
        wanted = (keep.sqrt() * along - end.repeat(count, 1, 1, 1)) / (1 - keep).sqrt()
        errors = (out.float() - wanted).square()
        loss = (weights.repeat(count, 1, 1, 1) * channels * errors).mean()
        loss.backward()
        return [float(loss.detach()), float(len(along))]

    told = saved = time.monotonic()
    total = seen = 0.0
    going = True
    while going:
        loss, points = hands.work(learn, [stock.batch(share) for _ in hands.models])
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        going = clock.tick(*optimizers)
        mean.take(learning, clock.step)
        total, seen = total + loss, seen + points * len(hands.models)
        if clock.step % 20 == 0:
            now = time.monotonic()
            print(
                f"step {clock.step} {clock.done:.1%} loss {total / 20:.4f}"
                f" {seen / (now - told):.1f} points/s",
                flush=True,
            )
            total, seen, told = 0.0, 0.0, now
        if not going or time.monotonic() - saved > 120:
            pace.save(
                checkpoint, model=learning.state_dict(), mean=mean.weights, clock=clock.state(),
                optimizers=[o.state_dict() for o in optimizers],
            )  # fmt: skip
            saved = time.monotonic()


def walk(
    denoiser: UNet2DConditionModel, noisy: Tensor, start: int, told: Tensor, empty: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The guided path from `noisy` latents at step `start` (of 1000) to its end.

    Returns the points on it (n, batch, 16, h, w), the step of each (n,), and where it ends.
    """
    scheduler = new_scheduler()
    count = max(1, round(start / _STRIDE))
    scheduler.set_timesteps(timesteps=[round(start * (1 - i / count)) for i in range(count)])
    points = []
    for step in scheduler.timesteps:
        points.append(noisy)
        both = denoiser(
            torch.cat([noisy, noisy]), step, encoder_hidden_states=torch.cat([empty, told])
        ).sample.float()
        free, bound = both.chunk(2)
        guided = free + GUIDANCE * (bound - free)
        noisy = scheduler.step(guided, step, noisy).prev_sample.float()
    return torch.stack(points), scheduler.timesteps, noisy


def read(checkpoint: Path, teacher: UNet2DConditionModel) -> UNet2DConditionModel:
    """The averaged denoiser of a checkpoint, most of the way from its teacher, ready to paint."""
    denoiser = new_denoiser()
    came_from, learnt = teacher.state_dict(), pace.load(checkpoint)["mean"]
    denoiser.load_state_dict(
        {name: came_from[name].lerp(weight, LEARNT) for name, weight in learnt.items()}
    )
    found: UNet2DConditionModel = denoiser.eval().requires_grad_(False)
    return found
