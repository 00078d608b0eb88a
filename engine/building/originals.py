"""The original: a diffusers pipeline in fp32, of which family it is and how it wants to paint."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch

from engine import schedulers
from engine.describing import describe, offered
from engine.describing import family_of as family_of_class
from engine.errors import BrokenModel

PIPELINES = {
    "stable-diffusion": "StableDiffusionPipeline",
    "latent-consistency": "LatentConsistencyModelPipeline",
    "stable-diffusion-xl": "StableDiffusionXLPipeline",
    "flux": "FluxPipeline",
    "sana-sprint": "SanaSprintPipeline",
}
SPACED = {"lcm": "leading", "tcd": "leading"}
"""How those that were distilled space their steps, whatever the model was trained with."""
ETA = 0.3
"""How much fresh noise a TCD step takes when nobody says."""
OPTIONAL = ("safety_checker", "feature_extractor", "image_encoder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a model wants to paint, where its name says so: distilled ones need few steps."""

    words: tuple[str, ...]
    steps: int
    most: int
    scheduler: str = ""
    guided: bool = False
    """Whether a little guidance still does it good."""

    @property
    def card(self) -> dict[str, Any]:
        """What this means for the model's card."""
        said: dict[str, Any] = {
            "default_steps": self.steps,
            "max_steps": self.most,
            "default_guidance": 1.0 if self.guided else 0.0,
            "guidance": self.guided,
            "negative": self.guided,
            "scheduler": self.scheduler or None,
            "schedulers": offered(self.scheduler, ()),
        }
        if self.guided:
            said["max_guidance"] = 3.0
        return said


MANNERS = (
    Manner(words=("turbo",), steps=1, most=8, scheduler="euler"),
    Manner(words=("sdxs",), steps=1, most=1),
    Manner(words=("lightning",), steps=4, most=8, scheduler="euler"),
    Manner(words=("hyper", "hypersd"), steps=2, most=8, scheduler="tcd"),
    Manner(words=("tcd",), steps=4, most=12, scheduler="tcd"),
    Manner(words=("lcm", "lcmlora"), steps=4, most=12, scheduler="lcm", guided=True),
)
"""The first of which a word stands in the name of a LoRA (the last one given) or of the source."""


def family_of(index: Path) -> str:
    """The family a `model_index.json` speaks of; raises `BrokenModel`."""
    return str(describe(index.parent)["family"])


def open_folder(folder: Path, **parts: Any) -> Any:
    """The pipeline of a diffusers folder in fp32, with `parts` of yours; raises `BrokenModel`."""
    family = family_of(folder / "model_index.json")
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    variant = "fp16" if _only_variant(folder, "fp16") else None
    given: dict[str, Any] = {each: None for each in OPTIONAL if each in index} | parts
    if "safety_checker" in index:
        given["requires_safety_checker"] = False
    try:
        with quietly():
            pipeline = getattr(diffusers, PIPELINES[family]).from_pretrained(
                folder, torch_dtype=torch.float32, variant=variant, local_files_only=True,
                use_safetensors=True, **given,
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        raise BrokenModel(folder.name, f"it cannot be read: {in_a_line(error)}") from error
    return quiet(pipeline)


@contextmanager
def quietly() -> Iterator[None]:
    """The libraries draw bars and print tables of their own; ours is enough."""
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        yield


def quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def family(pipeline: Any) -> str:
    """Which family it is; an SD with a guidance embedding is a latent consistency model."""
    found = family_of_class(type(pipeline).__name__) or ""
    if found == "stable-diffusion" and pipeline.unet.config.time_cond_proj_dim:
        return "latent-consistency"
    return found


def as_family(pipeline: Any) -> Any:
    """The same parts in the pipeline of their family."""
    wanted = PIPELINES[family(pipeline)]
    if type(pipeline).__name__ == wanted:
        return pipeline
    kind = getattr(diffusers, wanted)
    takes = kind._get_signature_keys(kind)[0]
    if wanted == PIPELINES["latent-consistency"]:
        put_scheduler(pipeline, "lcm")  # it calls none else
    parts = {name: pipeline.components.get(name) for name in takes}
    return quiet(kind(**parts, requires_safety_checker=False))


def denoiser(pipeline: Any) -> Any:
    """Its main network."""
    return pipeline.transformer if hasattr(pipeline, "transformer") else pipeline.unet


def put_scheduler(pipeline: Any, name: str) -> None:
    """Let it sample by the scheduler of that name, as far as the model's own words allow.

    Without a name it keeps its own, if that is one that the painter has. Raises `BrokenModel`.
    """
    own = type(pipeline.scheduler).__name__
    if name and own in (*schedulers.FLOWS, *schedulers.CONSISTENT):
        raise BrokenModel(name, f"{family(pipeline)} has a scheduler of its own")
    if not name and own in (*schedulers.STEADY, *schedulers.FLOWS, *schedulers.CONSISTENT):
        return
    name = name or "dpm++"
    kind, said = schedulers.NAMED[name]
    kept = {k: v for k, v in pipeline.scheduler.config.items() if not k.startswith("_")}
    if name in SPACED:
        kept["timestep_spacing"] = SPACED[name]
    pipeline.scheduler = getattr(diffusers, kind).from_config(kept | said)


def manner(names: tuple[str, ...]) -> Manner | None:
    """How to paint, by what the names say (the first name that says something counts)."""
    for name in names:
        words = set(re.split(r"[^a-z0-9+]+", name.lower()))
        for each in MANNERS:
            if words & set(each.words):
                return each
    return None


def paint(
    pipeline: Any, prompt: str, seed: int, *, size: tuple[int, int], steps: int, guidance: float
) -> Any:
    """One picture of the prompt, from that seed."""
    return pipeline(
        prompt, width=size[0], height=size[1], num_inference_steps=steps, guidance_scale=guidance,
        generator=torch.Generator("cpu").manual_seed(seed), **extras(pipeline),
    ).images[0]  # fmt: skip


def extras(pipeline: Any) -> dict[str, Any]:
    """What a family's pipeline wants to be told besides."""
    if "SanaSprint" in type(pipeline).__name__:
        return {"use_resolution_binning": False}
    if type(pipeline.scheduler).__name__ == "TCDScheduler":
        return {"eta": ETA}
    return {}


def weigh(pipeline: Any) -> int:
    """Bytes of its weights as they are published: two for each number."""
    parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    return 2 * sum(int(each.numel()) for part in parts for each in part.parameters())


def in_a_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]


def _only_variant(folder: Path, variant: str) -> bool:
    files = [file.name for file in folder.rglob("*.safetensors")]
    plain = [name for name in files if f".{variant}." not in name]
    return bool(files) and not plain
