"""Models in one `.safetensors` file, as they are shared for other front ends.

Such a file has names and shapes, but says nothing of the model's form: that stands in `configs/`,
and where a file's shapes differ from its family's, the file is right. What it lacks (always the
tokenizer) comes from a folder.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import diffusers
import torch
from safetensors.torch import load_file

from engine.building import originals
from engine.building.headers import UNET, VAE, Kind, Shapes, kind_of, read_shapes
from engine.building.lora_names import original_name
from engine.building.shapes import adapt
from engine.errors import BrokenModel

CONFIGS = Path(__file__).with_name("configs")
TEXTS = ("cond_stage_model.", "conditioner.embedders.")
PREDICTIONS = ("epsilon", "v_prediction")


def open_file(file: Path, *, rest: Path | None, prediction: str | None = None) -> Any:
    """The pipeline of a single file in fp32; raises `BrokenModel`."""
    shapes = read_shapes(file)
    kind = kind_of(shapes, file.name)
    if rest is None or not rest.is_dir():
        raise BrokenModel(
            file.name,
            "a single file brings no tokenizer; name a model's folder that has it (--rest)",
        )
    if prediction is not None and prediction not in PREDICTIONS:
        raise BrokenModel(file.name, f"it predicts {' or '.join(PREDICTIONS)}, not {prediction}")
    try:
        if kind.transformer:
            return _with_transformer(file, kind, rest)
        with tempfile.TemporaryDirectory() as place:
            configs = Path(place) / "configs"
            _put_configs(kind, shapes, configs, rest, prediction, file.name)
            return _with_unet(file, kind, shapes, configs, rest)
    except BrokenModel:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError, TypeError) as error:
        reason = f"it cannot be read: {originals.in_a_line(error)}"
        raise BrokenModel(file.name, reason) from error


def _with_transformer(file: Path, kind: Kind, rest: Path) -> Any:
    """The transformer of the file among the parts of a whole folder."""
    if originals.family_of(rest / "model_index.json") != kind.family:
        raise BrokenModel(file.name, f"{rest.name} is no folder of {kind.family}")
    transformer = getattr(diffusers, kind.transformer).from_single_file(
        str(file), config=str(rest), subfolder="transformer", torch_dtype=torch.float32,
        local_files_only=True,
    )  # fmt: skip
    return originals.open_folder(rest, transformer=transformer)


def _with_unet(file: Path, kind: Kind, shapes: Shapes, configs: Path, rest: Path) -> Any:
    """The pipeline of a file that has the UNet, and mostly text encoders and autoencoder too."""
    lacking: dict[str, Any] = {}
    if not any(key.startswith(VAE) for key in shapes):
        lacking["vae"] = _from_rest("AutoencoderKL", "vae", rest, file.name)
    if not any(key.startswith(TEXTS) for key in shapes):
        raise BrokenModel(
            file.name, "there is no text encoder in it: only the UNet, which cannot paint alone"
        )
    pipeline = getattr(diffusers, originals.PIPELINES[kind.family]).from_single_file(
        str(file), config=str(configs), torch_dtype=torch.float32, local_files_only=True, **lacking
    )
    _check_whole(pipeline, shapes, file.name)
    projection = f"{UNET}time_embed.cond_proj.weight"
    if projection in shapes:  # the library's table of names has no place for it
        weights = load_file(file)
        with torch.no_grad():
            pipeline.unet.time_embedding.cond_proj.weight.copy_(weights[projection])
    return originals.quiet(pipeline)


def _check_whole(pipeline: Any, shapes: Shapes, name: str) -> None:
    """The library leaves at chance what a file has not: that must not become a model."""
    missing = []
    for ours in pipeline.unet.state_dict():
        layer, _, what = ours.rpartition(".")
        theirs = f"{UNET}{original_name(pipeline.unet, layer)}.{what}"
        if theirs not in shapes:
            missing.append(theirs)
    for prefixes, networks in (
        ((VAE,), (pipeline.vae,)),
        (TEXTS, (pipeline.text_encoder, getattr(pipeline, "text_encoder_2", None))),
    ):
        there = sum(key.startswith(prefixes) for key in shapes)
        wanted = sum(len(each.state_dict()) for each in networks if each is not None)
        if there and there < wanted * 0.7:  # some publishers join three tensors into one
            missing.append(f"some of {prefixes[0]}*")
    if missing:
        raise BrokenModel(name, f"{len(missing)} of its tensors are missing, such as {missing[0]}")


def _put_configs(
    kind: Kind, shapes: Shapes, folder: Path, rest: Path, prediction: str | None, name: str
) -> None:
    """Our configurations as the file's shapes want them, with tokenizers from `rest`."""
    shutil.copytree(CONFIGS / kind.configs, folder)
    adapt(folder, shapes, name)
    if prediction is not None:
        _say(folder / "scheduler" / "scheduler_config.json", prediction_type=prediction)
    source = rest / "tokenizer" if (rest / "tokenizer").is_dir() else rest
    if not any((source / each).is_file() for each in ("tokenizer.json", "vocab.json")):
        raise BrokenModel(name, f"there is no tokenizer in {rest}")
    shutil.copytree(source, folder / "tokenizer")
    if kind.configs != "stable-diffusion-1":  # trained with another filling
        second = folder / ("tokenizer_2" if kind.family == "stable-diffusion-xl" else "tokenizer")
        if second.name == "tokenizer_2":
            shutil.copytree(source, second)
        _say(second / "tokenizer_config.json", pad_token="!")  # noqa: S106


def _say(file: Path, **words: Any) -> None:
    said = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    file.write_text(json.dumps(said | words, indent=2) + "\n", "utf-8")


def _from_rest(kind: str, part: str, rest: Path, name: str) -> Any:
    if not (rest / part / "config.json").is_file():
        raise BrokenModel(name, f"it has no {part}, and neither has {rest}")
    return getattr(diffusers, kind).from_pretrained(
        rest / part, torch_dtype=torch.float32, local_files_only=True
    )
