"""The starter's recipe, from renders to a distilled denoiser, on very little of everything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from torch import Tensor

from engine.starter import autoencoder, denoiser, distilling, export, judge, latents, pace, pictures
from engine.starter.captions import caption
from engine.starter.shapes import CHANNELS, new_scheduler

FEW = 12
WORDS = "a lighthouse on the sea at sunset"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Checkpoints thawed from the shipped weights, and one small shard with its latents."""
    folder = tmp_path_factory.mktemp("starter")
    with pytest.MonkeyPatch.context() as patch:
        for module in (pictures, latents):
            patch.setattr(module, "SHARD", FEW)
        export.thaw(folder)
        pictures.render_shards(folder / "pictures", 0, 0, 1)
        latents.write_latents(folder / "pictures", folder / "autoencoder.pt", folder / "latents")
        yield folder


@pytest.fixture(scope="module")
def taught() -> StableDiffusionPipeline:
    """The shipped weights in torch, with the denoiser from before it was distilled."""
    pipeline: StableDiffusionPipeline = judge.original()
    pipeline.register_modules(unet=export.teacher(), scheduler=new_scheduler())
    return pipeline


def _told(pipeline: StableDiffusionPipeline, *words: str) -> Tensor:
    found: Tensor = pipeline.text_encoder(denoiser.tokens_of(pipeline.tokenizer, words))[0]
    return found


def _noise(count: int) -> Tensor:
    return torch.randn((count, CHANNELS, 16, 16), generator=torch.Generator().manual_seed(4))


def _distilled(scratch: Path, minutes: float) -> dict[str, Any]:
    """What the checkpoint holds after so much of it."""
    distilling.distil(
        scratch / "pictures",
        scratch / "latents",
        scratch / "denoiser.pt",
        scratch / "few_steps.pt",
        minutes=minutes,
        cores=1,
        batch=2,
    )
    return pace.load(scratch / "few_steps.pt")


@pytest.mark.slow
def test_checkpoints_come_back_from_what_ships(scratch: Path) -> None:
    """The shipped weights are a place to train on from; what is there already stays."""
    shipped = AutoencoderKL.from_pretrained(export.WEIGHTS / "vae", torch_dtype=torch.float32)
    again = latents.current(scratch / "latents", scratch / "autoencoder.pt")
    pixels = autoencoder.to_tensor(pictures.pixels_of(scratch / "pictures", 0)[:2])
    with torch.no_grad():
        both = [
            each.decode(each.encode(pixels).latent_dist.mean).sample for each in (shipped, again)
        ]
    assert float((both[0] - both[1]).abs().mean()) < 0.01
    _, _, unet = denoiser.read(scratch / "denoiser.pt")
    known = export.teacher().state_dict()
    assert all(torch.equal(value, known[name]) for name, value in unet.state_dict().items())
    with pytest.raises(FileExistsError):
        export.thaw(scratch)


@pytest.mark.slow
@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
def test_the_teacher_walks_as_the_pipeline_does(taught: StableDiffusionPipeline) -> None:
    """From noise to the same end, guidance included; a shorter path has fewer points."""
    told, empty = _told(taught, WORDS), _told(taught, "")
    noise = _noise(1)
    points, steps, end = distilling.walk(taught.unet, noise, 999, told, empty)
    theirs = taught(
        WORDS, latents=noise, num_inference_steps=10, guidance_scale=distilling.GUIDANCE,
        output_type="latent",
    ).images  # fmt: skip
    assert points.shape == (10, *noise.shape) and list(steps) == sorted(steps, reverse=True)
    assert float((end - theirs).abs().max()) < 0.02  # its last step is at 99, not 100
    assert torch.equal(points[0], noise)
    assert len(distilling.walk(taught.unet, noise, 240, told, empty)[0]) == 2


@pytest.mark.slow
@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
def test_what_ships_knows_where_paths_end(taught: StableDiffusionPipeline) -> None:
    """At once, better than the teacher could say from there, and guided as it is."""
    rng = random.Random(9)
    words = [caption(scene, rng) for scene, _ in judge.orders(4, unseen=False)]
    told, empty = _told(taught, *words), _told(taught, "").expand(len(words), -1, -1)
    points, steps, end = distilling.walk(taught.unet, _noise(len(words)), 999, told, empty)
    quick = judge.original().unet
    remains = taught.scheduler.alphas_cumprod
    errors: dict[str, float] = {"teacher": 0.0, "quick": 0.0}
    for at, step in zip(points, steps, strict=True):
        keep, drown = remains[step].sqrt(), (1 - remains[step]).sqrt()
        free, bound = (taught.unet(at, step, each).sample for each in (empty, told))
        said = {
            "teacher": free + distilling.GUIDANCE * (bound - free),
            "quick": quick(at, step, told).sample,
        }
        for name, velocity in said.items():
            errors[name] += float((keep * at - drown * velocity - end).square().mean())
    assert errors["quick"] < 0.7 * errors["teacher"]


@pytest.mark.slow
def test_a_distillation_goes_on_where_it_stopped(scratch: Path) -> None:
    """First from what was thawed, as a new one; then from its own checkpoint."""
    first = _distilled(scratch, 0.05)
    assert first["clock"]["step"] >= 1
    second = _distilled(scratch, first["clock"]["spent"] / 60 + 0.05)
    assert second["clock"]["step"] > first["clock"]["step"]
    before, after = first["model"], second["model"]
    assert any(not torch.equal(before[name], after[name]) for name in before)
    teacher = export.teacher()
    painted = distilling.read(scratch / "few_steps.pt", teacher)
    name = "conv_out.weight"
    there, here = teacher.state_dict()[name], painted.state_dict()[name]
    between = there + distilling.LEARNT * (second["mean"][name] - there)
    assert torch.allclose(here, between, atol=1e-6)
    assert not painted.training


@pytest.mark.slow
def test_the_other_trainings_go_on_too(scratch: Path) -> None:
    """A few steps each: the denoiser, and the decoder, whose encoder keeps still."""
    folders = scratch / "pictures", scratch / "latents"
    denoiser.train(*folders, scratch / "denoiser.pt", minutes=0.05, cores=1, batch=2)
    assert pace.load(scratch / "denoiser.pt")["seen"] >= 2
    before = latents.current(scratch / "latents", scratch / "autoencoder.pt")
    autoencoder.train(
        scratch / "pictures", scratch / "autoencoder.pt", minutes=0.05, cores=1, decoder_only=True
    )
    after = latents.current(scratch / "latents", scratch / "autoencoder.pt")
    moved = {
        name.split(".")[0]
        for name, value in before.state_dict().items()
        if not torch.allclose(value, after.state_dict()[name], atol=1e-4)
    }
    assert "decoder" in moved and moved <= {"decoder", "post_quant_conv"}
