"""Models in one file: whatever their publishers' spelling, they paint as their original does."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from engine.building import originals
from engine.building.headers import kind_of, needs_rest, read_shapes
from engine.building.single_file import CONFIGS, open_file
from engine.errors import BrokenModel
from tests.engine import published

STARTER = Path(__file__).parents[2] / "engine" / "starter" / "model"
PARAMETERS = {
    "stable-diffusion-1/unet": 859_520_964,
    "stable-diffusion-1/vae": 83_653_863,
    "stable-diffusion-1/text_encoder": 123_060_480,
    "stable-diffusion-2/unet": 865_910_724,
    "stable-diffusion-2/vae": 83_653_863,
    "stable-diffusion-2/text_encoder": 340_387_840,
    "stable-diffusion-xl/unet": 2_567_463_684,
    "stable-diffusion-xl/vae": 83_653_863,
    "stable-diffusion-xl/text_encoder": 123_060_480,
    "stable-diffusion-xl/text_encoder_2": 694_659_840,
}
"""How many numbers the published networks have."""
MAKERS: dict[str, Callable[[], Any]] = {
    "first": published.stable_diffusion,
    "second": lambda: published.stable_diffusion(second=True),
    "xl": published.stable_diffusion_xl,
    "consistency": lambda: published.stable_diffusion(condition=64),
}


@pytest.mark.parametrize("place", PARAMETERS)
def test_our_configurations_are_those_of_the_published_networks(place: str) -> None:
    """A network made of each has exactly as many numbers as the one that was published."""
    said = json.loads((CONFIGS / place / "config.json").read_text("utf-8"))
    with torch.device("meta"):
        if "_class_name" in said:
            network = getattr(diffusers, said["_class_name"]).from_config(said)
        else:
            kind = getattr(transformers, said["architectures"][0])
            network = kind(transformers.CLIPTextConfig(**said))
    assert sum(each.numel() for each in network.parameters()) == PARAMETERS[place]


@pytest.mark.parametrize("kind", MAKERS)
def test_one_file_paints_as_its_original(kind: str, tmp_path: Path) -> None:
    """Read back from one file, every tensor is in its place: the same seed, the same picture."""
    original = originals.quiet(MAKERS[kind]())
    file = published.write(original, tmp_path / "model.safetensors")
    read = originals.as_family(open_file(file, rest=STARTER))
    if kind == "consistency":
        assert originals.family(read) == "latent-consistency"
        original = originals.as_family(original)
        original.scheduler = read.scheduler
    if kind == "second":  # a tokenizer that fills up with another word
        original.tokenizer = read.tokenizer
    one, other = (
        np.asarray(originals.paint(each, "a fox", 5, size=(64, 64), steps=2, guidance=3.0), float)
        for each in (original, read)
    )
    assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize("family", ["flux", "sana-sprint"])
def test_a_transformer_alone_takes_the_rest_from_a_folder(
    family: str, tiny_source: Callable[[str], Path], tmp_path: Path
) -> None:
    """One network in the file, everything else from a folder of its family, and of no other."""
    rest = tiny_source(family)
    tensors = load_file(rest / "transformer" / "diffusion_pytorch_model.safetensors")
    changed = {name: tensor * 1.5 for name, tensor in tensors.items()}
    file = tmp_path / "transformer.safetensors"
    save_file(changed, file)
    assert needs_rest(file) == "everything else"
    read = open_file(file, rest=rest)
    assert originals.family(read) == family
    found = read.transformer.state_dict()
    assert all(torch.allclose(found[name], tensor) for name, tensor in changed.items())
    with pytest.raises(BrokenModel, match="no folder of"):
        open_file(file, rest=tiny_source("stable-diffusion"))


def test_what_a_file_is_shows_in_its_header(tmp_path: Path) -> None:
    """Files that cannot be built are refused for what they are, before they are read."""
    for tensors, word in (
        ({"lora_unet_x.lora_down.weight": torch.zeros(1)}, "--lora"),
        ({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(8, 9, 3, 3)}, "inpainting"),
        ({"something": torch.zeros(1)}, "no family"),
    ):
        file = tmp_path / "it.safetensors"
        save_file(tensors, file)
        with pytest.raises(BrokenModel, match=word):
            kind_of(read_shapes(file), file.name)
    flux = tmp_path / "flux.safetensors"
    save_file({"double_blocks.0.img_attn.qkv.weight": torch.zeros(1)}, flux)
    assert needs_rest(flux) == "everything else"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no .safetensors"),
        (b"\x00" * 64, "no .safetensors"),
        (struct.pack("<Q", 1 << 60) + b"{}", "no .safetensors"),
        (struct.pack("<Q", 2) + b"{}", "no .safetensors"),
        (struct.pack("<Q", 4) + b"null", "no .safetensors"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    """Damaged headers, however large they say they are, cost nothing and end in one line."""
    file = tmp_path / "it.safetensors"
    file.write_bytes(content)
    with pytest.raises(BrokenModel, match=word):
        read_shapes(file)


def test_old_forms_that_can_hold_programs_are_never_opened(tmp_path: Path) -> None:
    """A .ckpt is a pickle: it is refused by its name, without a look inside."""
    file = tmp_path / "model.ckpt"
    file.write_bytes(b"cos\nsystem\n")
    with pytest.raises(BrokenModel, match="never run"):
        open_file(file, rest=STARTER)


def test_a_file_without_some_of_its_tensors_becomes_no_model(tmp_path: Path) -> None:
    """Missing weights would be left at chance: instead it says which."""
    file = published.write(published.stable_diffusion(), tmp_path / "model.safetensors")
    tensors = load_file(file)
    gone = next(name for name in tensors if "middle_block" in name)
    del tensors[gone]
    save_file(tensors, file)
    with pytest.raises(BrokenModel, match="missing"):
        open_file(file, rest=STARTER)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BrokenModel, match="its end is missing"):
        open_file(file, rest=STARTER)


def test_a_file_alone_says_what_it_lacks(tmp_path: Path) -> None:
    """No tokenizer beside it: one line that names the option."""
    file = published.write(published.stable_diffusion(), tmp_path / "model.safetensors")
    with pytest.raises(BrokenModel, match="--rest"):
        open_file(file, rest=None)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BrokenModel, match="no tokenizer"):
        open_file(file, rest=empty)
