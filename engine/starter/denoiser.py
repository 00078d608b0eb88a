"""Owns the training of text encoder and denoiser together, on cached latents with fresh captions."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPTextModel, CLIPTokenizer

from engine.starter import pace
from engine.starter.captions import Scene, caption
from engine.starter.latents import read_latents
from engine.starter.pictures import finished_shards, scenes_of, size_of
from engine.starter.shapes import new_denoiser, new_scheduler, new_text_encoder
from engine.starter.words import POSITIONS, read_tokenizer, write_tokenizer

NO_CAPTION = 0.1  # the share of pictures shown without words: what guidance steers away from


class Painter(torch.nn.Module):
    """Text encoder and denoiser as one network that learns."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.text = new_text_encoder(tokenizer)
        self.denoiser = new_denoiser()

    def forward(self, noisy: Tensor, steps: Tensor, tokens: Tensor) -> Tensor:
        told = self.text(tokens)[0]
        out: Tensor = self.denoiser(noisy, steps, encoder_hidden_states=told).sample
        return out


class Stock:
    """All latents and scenes in memory, in batches of one size; takes in new shards when asked."""

    def __init__(self, pictures: Path, latents: Path, rng: random.Random) -> None:
        self.pictures, self.latents, self.rng = pictures, latents, rng
        self.shards: dict[int, tuple[Tensor, list[Scene]]] = {}
        self.restock()

    def restock(self) -> None:
        for shard in finished_shards(self.latents):
            if shard not in self.shards:
                known = (read_latents(self.latents, shard), scenes_of(self.pictures, shard))
                self.shards[shard] = known

    def batch(self, count: int) -> tuple[Tensor, list[str]]:
        size = size_of(self.rng.choice(list(self.shards)))
        alike = [shard for shard in self.shards if size_of(shard) == size]
        chosen = [self.shards[self.rng.choice(alike)] for _ in range(count)]
        picks = [self.rng.randrange(len(scenes)) for _, scenes in chosen]
        found = torch.stack([latents[i] for (latents, _), i in zip(chosen, picks, strict=True)])
        words = [
            "" if self.rng.random() < NO_CAPTION else caption(scenes[i], self.rng)
            for (_, scenes), i in zip(chosen, picks, strict=True)
        ]
        return found.float(), words


def tokens_of(tokenizer: CLIPTokenizer, words: Sequence[str]) -> Tensor:
    told = tokenizer(
        list(words), padding="max_length", truncation=True, max_length=POSITIONS, return_tensors="pt"
    )
    ids: Tensor = told.input_ids
    return ids


def train(
    pictures: Path, latents: Path, checkpoint: Path, *, minutes: float, peak: float, batch: int
) -> None:
    """Train until `minutes` have been spent, from where the checkpoint stands."""
    torch.manual_seed(2)
    rng = random.Random(time.time_ns())
    on = pace.device()
    words = checkpoint.parent / "tokenizer"
    if not (words / "tokenizer_config.json").exists():
        write_tokenizer(words)
    tokenizer = read_tokenizer(words)
    model = Painter(tokenizer).to(on)
    mean = pace.Average(model, keep=0.999)
    clock = pace.Pace(minutes, peak, warm_up=200)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    seen = 0
    if checkpoint.exists():
        before = pace.load(checkpoint)
        model.load_state_dict(before["model"])
        mean.weights = before["mean"]
        optimizer.load_state_dict(before["optimizer"])
        clock.resume(before["clock"])
        seen = before["seen"]
    remains: Tensor = new_scheduler().alphas_cumprod.to(on)
    stock = Stock(pictures, latents, rng)
    told = saved = time.monotonic()
    going, total = True, 0.0
    while going:
        clean, said = stock.batch(batch)
        clean, tokens = clean.to(on), tokens_of(tokenizer, said).to(on)
        even = (torch.arange(batch) + torch.rand(batch)) / batch  # one from each stretch of time
        steps = (even[torch.randperm(batch)] * 1000).long().clamp(max=999).to(on)
        keep = remains[steps].sqrt()[:, None, None, None]
        drown = (1 - remains[steps]).sqrt()[:, None, None, None]
        noise = torch.randn_like(clean)
        with torch.autocast(on.type, torch.bfloat16):
            out = model(keep * clean + drown * noise, steps, tokens)
        loss = F.mse_loss(out.float(), keep * noise - drown * clean)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        going = clock.tick(optimizer)
        mean.take(model, clock.step)
        seen += batch
        total += float(loss.detach())
        if clock.step % 50 == 0:
            now = time.monotonic()
            print(
                f"step {clock.step} {clock.done:.1%} seen {seen} loss {total / 50:.4f}"
                f" {50 * batch / (now - told):.1f} pictures/s, {len(stock.shards)} shards",
                flush=True,
            )
            total, told = 0.0, now
            stock.restock()
        if not going or time.monotonic() - saved > 180:
            pace.save(
                checkpoint, model=model.state_dict(), mean=mean.weights, clock=clock.state(),
                optimizer=optimizer.state_dict(), seen=seen,
            )  # fmt: skip
            saved = time.monotonic()


def read(checkpoint: Path) -> tuple[CLIPTextModel, CLIPTokenizer, UNet2DConditionModel]:
    """The averaged networks of a checkpoint, ready to paint."""
    tokenizer = read_tokenizer(checkpoint.parent / "tokenizer")
    model = Painter(tokenizer)
    model.load_state_dict(pace.load(checkpoint)["mean"])
    model.eval().requires_grad_(False)
    return model.text, tokenizer, model.denoiser
