"""Tiny decoders: attached to a model as what it paints with, its full one kept beside it.

A tiny autoencoder takes and gives what a full one does, a little less sharp and twenty times as
fast. Its encoder comes along where there is one; both say so in their own `config.json`, and the
latents are theirs as they are (`scaling_factor` 1).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import openvino
import torch
from diffusers import AutoencoderTiny

from engine.building.originals import in_a_line
from engine.catalogue import FULL_DECODER
from engine.errors import BrokenModel

IR = "openvino_model.xml"
CERTAIN = -30.0
"""The logarithm of a variance that is none: an encoder that gives latents, not a distribution."""


class _Decode(torch.nn.Module):  # type: ignore[misc] # torch brings no annotations
    def __init__(self, tiny: Any) -> None:
        super().__init__()
        self.tiny = tiny

    def forward(self, latent_sample: torch.Tensor) -> torch.Tensor:
        decoded: torch.Tensor = self.tiny.decode(latent_sample, return_dict=False)[0]
        return decoded


class _Encode(torch.nn.Module):  # type: ignore[misc] # torch brings no annotations
    def __init__(self, tiny: Any) -> None:
        super().__init__()
        self.tiny = tiny

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        latents = self.tiny.encode(sample, return_dict=False)[0]
        return torch.cat([latents, torch.full_like(latents, CERTAIN)], dim=1)


def attach(found: Path, folder: Path, name: str) -> None:
    """Make what is in `found` the decoder of the model in `folder`; raises `BrokenModel`.

    `found` is a diffusers folder of an AutoencoderTiny (or has one in `vae/`), or has OpenVINO
    networks, by themselves or in `vae_decoder/` and `vae_encoder/`.
    """
    channels = _latents(folder / "vae_decoder")
    full = folder / FULL_DECODER
    shutil.rmtree(full, ignore_errors=True)
    (folder / "vae_decoder").rename(full)
    place = next((each for each in (found, found / "vae") if _is_tiny(each)), None)
    if place is not None:
        try:
            tiny = AutoencoderTiny.from_pretrained(
                place, torch_dtype=torch.float32, local_files_only=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            reason = f"its tiny decoder cannot be read: {in_a_line(error)}"
            raise BrokenModel(name, reason) from error
        write(tiny, folder)
    elif (found / "vae_decoder" / IR).is_file():
        _copy(found / "vae_decoder", folder / "vae_decoder")
        if (found / "vae_encoder" / IR).is_file() and _certain(found / "vae_encoder" / IR):
            _copy(found / "vae_encoder", folder / "vae_encoder")
    elif (found / IR).is_file():
        _copy(found, folder / "vae_decoder")
    else:
        raise BrokenModel(name, f"there is neither an AutoencoderTiny nor {IR} in {found}")
    if (theirs := _latents(folder / "vae_decoder")) != channels:
        raise BrokenModel(
            name,
            f"the tiny decoder is for latents of {theirs} channels, this model's have {channels}",
        )


def write(tiny: AutoencoderTiny, folder: Path) -> None:
    """Write a tiny autoencoder's two halves as OpenVINO networks of any size."""
    tiny = tiny.eval().float()
    latents = torch.zeros(1, tiny.config.latent_channels, 8, 8)
    picture = torch.zeros(1, tiny.config.in_channels, 64, 64)
    for part, half, example, given, made in (
        ("vae_decoder", _Decode(tiny), latents, "latent_sample", "sample"),
        ("vae_encoder", _Encode(tiny), picture, "sample", "latent_parameters"),
    ):
        with torch.no_grad():
            network = openvino.convert_model(
                half.eval(), example_input=example, input=[-1, example.shape[1], -1, -1]
            )
        network.inputs[0].get_tensor().set_names({given})
        network.outputs[0].get_tensor().set_names({made})
        place = folder / part
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        openvino.save_model(network, place / IR, compress_to_fp16=True)
        _write_config(dict(tiny.config), place)


def _write_config(config: dict[str, Any], place: Path) -> None:
    said = {k: v for k, v in config.items() if k != "_name_or_path"}
    channels = said.get("decoder_block_out_channels") or said.get("block_out_channels")
    said |= {"scaling_factor": said.get("scaling_factor") or 1.0}
    if channels:
        said["block_out_channels"] = list(channels)
    (place / "config.json").write_text(json.dumps(said, indent=2, default=list) + "\n", "utf-8")


def _copy(found: Path, place: Path) -> None:
    """Take over two networks' files and what they say, which some leave out."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for file in (IR, "openvino_model.bin", "config.json"):
        if (found / file).is_file():
            shutil.copy(found / file, place / file)
    said: dict[str, Any] = {}
    if (place / "config.json").is_file():
        said = json.loads((place / "config.json").read_text("utf-8"))
    network = openvino.Core().read_model(place / IR)
    shape = network.inputs[0].get_partial_shape()
    if place.name == "vae_decoder" and shape[1].is_static:
        said.setdefault("latent_channels", shape[1].get_length())
    said.setdefault("_class_name", "AutoencoderTiny")
    if not said.get("block_out_channels") and not said.get("decoder_block_out_channels"):
        said["block_out_channels"] = [64, 64, 64, 64]
    _write_config(said, place)


def _certain(file: Path) -> bool:
    """Whether an encoder's output has the form that a full one's has: means and variances."""
    network = openvino.Core().read_model(file)
    return "latent_parameters" in network.outputs[0].get_names()


def _is_tiny(folder: Path) -> bool:
    try:
        said = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return (
        isinstance(said, dict)
        and said.get("_class_name") == "AutoencoderTiny"
        and any(folder.glob("*.safetensors"))
    )


def _latents(folder: Path) -> int:
    shape = openvino.Core().read_model(folder / IR).inputs[0].get_partial_shape()
    if shape[1].is_static:
        return int(shape[1].get_length())
    return int(json.loads((folder / "config.json").read_text("utf-8")).get("latent_channels", 4))
