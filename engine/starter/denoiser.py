"""Owns the training of text encoder and denoiser, on cached latents with fresh captions."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from math import ceil
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPTextModel, CLIPTokenizer

from engine.starter import pace
from engine.starter.captions import Scene, caption
from engine.starter.hands import Hands
from engine.starter.latents import importance, read_latents
from engine.starter.muon import Muon, split
from engine.starter.pictures import finished_shards, scenes_of, size_of
from engine.starter.scenes import stage
from engine.starter.shapes import FACTOR, new_denoiser, new_scheduler, new_text_encoder
from engine.starter.words import POSITIONS, read_tokenizer, write_tokenizer
from engine.starter.world import NOTHING

_NOISIER = 0.75
_SUBJECT = 4.0  # an error there counts so much more: small as it is, it is what people asked for
_SKY = 2.0  # there stand the time and the weather
NO_CAPTION = 0.1  # the share of pictures shown without words: what guidance steers away from


class Painter(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
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
        self.shards: dict[int, tuple[Tensor, Tensor, list[Scene]]] = {}
        self.restock()

    def restock(self) -> None:
        for shard in finished_shards(self.latents):
            if shard not in self.shards:
                scenes = scenes_of(self.pictures, shard)
                weights = torch.stack([weights_of(scene, *size_of(shard)) for scene in scenes])
                self.shards[shard] = (read_latents(self.latents, shard), weights, scenes)

    def batch(self, count: int) -> tuple[Tensor, Tensor, list[str]]:
        """Latents, what an error counts at each of their positions, and captions."""
        size = size_of(self.rng.choice(list(self.shards)))
        alike = [shard for shard in self.shards if size_of(shard) == size]
        chosen = [self.shards[self.rng.choice(alike)] for _ in range(count)]
        picks = [self.rng.randrange(len(scenes)) for _, _, scenes in chosen]
        both = list(zip(chosen, picks, strict=True))
        found = torch.stack([latents[i] for (latents, _, _), i in both])
        weights = torch.stack([weights[i] for (_, weights, _), i in both])
        words = [
            "" if self.rng.random() < NO_CAPTION else caption(scenes[i], self.rng)
            for (_, _, scenes), i in both
        ]
        return found.float(), weights, words


def weights_of(scene: Scene, width: int, height: int) -> Tensor:
    """(1, height / 16, width / 16): what an error counts there, 1 on average."""
    weights = torch.ones(1, height // FACTOR, width // FACTOR)
    where = stage(scene, width, height)
    weights[:, : round(where.horizon * height / FACTOR)] = _SKY
    if scene.subject != NOTHING:
        box = [side / FACTOR for side in where.around(width, height)]
        left, top, right, bottom = max(0, int(box[0])), max(0, int(box[1])), *map(ceil, box[2:])
        weights[:, top:bottom, left:right] = _SUBJECT
    return weights / weights.mean()


def tokens_of(tokenizer: CLIPTokenizer, words: Sequence[str]) -> Tensor:
    told = tokenizer(
        list(words),
        padding="max_length",
        truncation=True,
        max_length=POSITIONS,
        return_tensors="pt",
    )
    ids: Tensor = told.input_ids
    return ids


def train(
    pictures: Path, latents: Path, checkpoint: Path, *, minutes: float, cores: int, batch: int
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
    if on.type == "cpu":  # on so few positions the plain sums are faster than the fused ones
        model.denoiser.set_attn_processor(AttnProcessor())
        model.text.set_attn_implementation("eager")
    mean = pace.Average(model, keep=0.997)
    clock = pace.Pace(minutes, warm_up=100)
    hands = Hands(model, cores if on.type == "cpu" else 1)
    matrices, rest = split(model)
    optimizers = (
        Muon(matrices, lr=0.01, spread=hands.pool.map),
        torch.optim.AdamW(rest, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    )
    seen = 0
    if checkpoint.exists():
        seen = pace.go_on(checkpoint, model, mean, clock, optimizers).get("seen", 0)
    remains: Tensor = new_scheduler().alphas_cumprod.to(on)
    stock = Stock(pictures, latents, rng)
    channels = importance(latents).to(on)
    told = saved = time.monotonic()
    going, total, added = True, 0.0, 0
    share = batch // len(hands.models)

    def learn(own: Painter, given: tuple[Tensor, Tensor, list[str]]) -> list[float]:
        clean, weights, tokens = given[0].to(on), given[1].to(on), tokens_of(tokenizer, given[2])
        even = (torch.arange(share) + torch.rand(share)) / share  # one from each stretch of time
        # more of the noisy end, where it is decided what the picture shows
        steps = (even**_NOISIER * 1000).long().clamp(max=999).to(on)
        keep = remains[steps].sqrt()[:, None, None, None]
        drown = (1 - remains[steps]).sqrt()[:, None, None, None]
        noise = torch.randn_like(clean)
        with torch.autocast(on.type, torch.bfloat16):
            out = own(keep * clean + drown * noise, steps, tokens.to(on))
        errors = F.mse_loss(out.float(), keep * noise - drown * clean, reduction="none")
        loss = (weights * channels * errors).mean()
        loss.backward()
        return [float(loss.detach())]

    while going:
        (loss,) = hands.work(learn, [stock.batch(share) for _ in hands.models])
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        going = clock.tick(*optimizers)
        mean.take(model, clock.step)
        seen += batch
        total += loss
        added += 1
        if clock.step % 50 == 0:
            now = time.monotonic()
            print(
                f"step {clock.step} {clock.done:.1%} seen {seen} loss {total / added:.4f}"
                f" {added * batch / (now - told):.1f} pictures/s, {len(stock.shards)} shards",
                flush=True,
            )
            total, added, told = 0.0, 0, now
            stock.restock()
        if not going or time.monotonic() - saved > 180:
            pace.save(
                checkpoint, model=model.state_dict(), mean=mean.weights, clock=clock.state(),
                optimizers=[o.state_dict() for o in optimizers], seen=seen,
            )  # fmt: skip
            saved = time.monotonic()


def read(checkpoint: Path) -> tuple[CLIPTextModel, CLIPTokenizer, UNet2DConditionModel]:
    """The averaged networks of a checkpoint, ready to paint."""
    tokenizer = read_tokenizer(checkpoint.parent / "tokenizer")
    model = Painter(tokenizer)
    model.load_state_dict(pace.load(checkpoint)["mean"])
    model.eval().requires_grad_(False)
    return model.text, tokenizer, model.denoiser
