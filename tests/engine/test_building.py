"""Building: what comes out paints as its original does, says so in numbers, or is not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.building import build
from engine.building.recipe import (
    NOTE,
    Lora,
    Precision,
    Recipe,
    Source,
    read_note,
    read_prompts,
)
from engine.catalogue import FULL_DECODER, Catalogue, read_model
from engine.errors import BrokenModel
from tests import tiny

STARTER = Path(__file__).parents[2] / "engine" / "starter" / "weights"
SourceOf = Callable[[str], Path]


def _recipe(path: Path, name: str = "made", **given: Any) -> Recipe:
    """As little work as shows that it works."""
    values: dict[str, Any] = {
        "precision": Precision.weights, "samples": 1, "inputs": 2,
        "card": {"default_steps": 2, "sizes": ((64, 64),)},
    }  # fmt: skip
    return Recipe(name=name, source=Source(path=path), **(values | given))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "precision", "least"),
    [
        ("latent-consistency", Precision.fp16, 35.0),
        ("stable-diffusion-xl", Precision.weights, 25.0),
        ("flux", Precision.int8, 25.0),
        ("sana-sprint", Precision.weights, 25.0),
    ],
)
def test_every_family_is_built(
    family: str, precision: Precision, least: float, tiny_source: SourceOf, tmp_path: Path
) -> None:
    """From a diffusers folder to a model on offer, whose pictures are those of the original."""
    stages: list[str] = []
    built = build(
        _recipe(tiny_source(family), precision=precision),
        tmp_path,
        on_stage=lambda what, done, total: stages.append(what),
    )
    offered = Catalogue.read((tmp_path,))
    assert not offered.broken
    model = offered.get("made")
    assert (model.family, model.default_steps, model.sizes[0]) == (family, 2, (64, 64))
    assert built.folder == model.folder == tmp_path / "made"
    assert not model.pooling  # exact ones and transformers see every place
    assert built.mean_psnr >= least
    said = read_note(model.folder)
    assert said is not None
    assert said["psnr"] == list(built.psnr)
    assert said["precision"] == str(precision)
    assert said["seconds_after"] > 0
    assert "exporting to OpenVINO" in stages
    assert [each.name for each in tmp_path.iterdir()] == ["made"]
    assert not [file for file in model.folder.rglob("*") if file.name.startswith(".")]
    for file in model.folder.rglob("*.json"):
        assert str(tiny_source(family)) not in file.read_text("utf-8") or file.name == NOTE


@pytest.mark.slow
def test_the_starter_in_8_bits_stays_the_starter(tmp_path: Path) -> None:
    """Weights and activations in 8 bits, calibrated on its own trajectories: the eye sees none."""
    built = build(
        _recipe(
            STARTER,
            precision=Precision.int8,
            inputs=4,
            prompts=("a lighthouse on the sea at sunset", "a castle in the mountains at night"),
            card={"default_steps": 2, "default_guidance": 2.0, "sizes": ((256, 256),)},
        ),
        tmp_path,
    )
    assert built.mean_psnr > 28
    assert built.bytes_after < 0.75 * built.bytes_before
    with Image.open(built.sheet) as sheet:
        assert sheet.width > 2 * 256
        assert sheet.height > 256
        colours = np.asarray(sheet.convert("RGB"))
    assert len(np.unique(colours.reshape(-1, 3), axis=0)) > 500
    network = (built.folder / "unet" / "openvino_model.xml").read_text("utf-8")
    assert network.count('type="FakeQuantize"') > 50
    assert read_model(built.folder).pooling


@pytest.mark.slow
def test_who_is_killed_leaves_nothing_that_half_loads(
    tiny_source: SourceOf, tmp_path: Path
) -> None:
    """Killed in the middle: no model is on offer, and what lies about goes with the next build."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom tests.engine.test_building import _recipe\n"
        "from engine.building import build\n"
        "build(_recipe(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    source = tiny_source("stable-diffusion")
    process = subprocess.Popen(
        [sys.executable, "-c", code, source, tmp_path], cwd=Path(__file__).parents[2]
    )
    draft = tmp_path / ".new-made"
    deadline = time.monotonic() + 120
    while not any(draft.rglob("config.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert draft.is_dir()
    offered = Catalogue.read((tmp_path,))
    assert "made" not in offered.models
    assert not offered.broken
    with pytest.raises(BrokenModel, match="no file"):
        build(_recipe(source, loras=(Lora(file=tmp_path / "a.safetensors"),)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_built_is_refused_before_any_work(
    tiny_source: SourceOf, tmp_path: Path
) -> None:
    """Names, memory and what the source is are looked at first, and nothing is left behind."""
    recipe = _recipe(tiny_source("stable-diffusion"))
    empty = tmp_path / "empty"
    empty.mkdir()
    models = tmp_path / "models"
    (models / "taken").mkdir(parents=True)
    for wrong, word in (
        (replace(recipe, name="Not A Name"), "no name"),
        (replace(recipe, name="taken"), "already"),
        (replace(recipe, memory=100_000), "of memory"),
        (replace(recipe, source=Source(path=empty)), "model_index"),
        (replace(recipe, loras=(Lora(file=empty / "a.safetensors"),)), "no file"),
    ):
        with pytest.raises(BrokenModel, match=word):
            build(wrong, models)
    assert [each.name for each in models.iterdir()] == ["taken"]


def test_a_tiny_decoder_takes_the_place_and_the_full_one_stays(
    tiny_model: SourceOf, tmp_path: Path
) -> None:
    """The tiny decoder is what paints, its encoder comes along, the full one waits beside it."""
    from engine.building import decoder

    found = tiny.make_tiny_decoder(tmp_path / "taesd")
    folder = tiny.copy(tiny_model("stable-diffusion"), tmp_path / "model")
    decoder.attach(found, folder, "model")
    assert read_model(folder).second_look
    for part in ("vae_decoder", "vae_encoder"):
        said = json.loads((folder / part / "config.json").read_text("utf-8"))
        assert (said["_class_name"], said["scaling_factor"]) == ("AutoencoderTiny", 1.0)
    full = json.loads((folder / FULL_DECODER / "config.json").read_text("utf-8"))
    assert full["scaling_factor"] == 0.18215
    again = tiny.copy(tiny_model("stable-diffusion"), tmp_path / "again")
    decoder.attach(folder / "vae_decoder", again, "again")  # OpenVINO networks are taken as well
    assert read_model(again).second_look
    wide = tiny.make_tiny_decoder(tmp_path / "taef1", channels=16)
    with pytest.raises(BrokenModel, match="16 channels"):
        decoder.attach(wide, tiny.copy(tiny_model("stable-diffusion"), tmp_path / "third"), "third")


def test_names_say_how_distilled_models_want_to_paint() -> None:
    """A word of its own counts, whatever stands around it; a part of another word does not."""
    from engine.building.originals import manner

    for name, steps, scheduler in (
        ("stabilityai/sd-turbo", 1, "euler"),
        ("ByteDance/SDXL-Lightning", 4, "euler"),
        ("latent-consistency/lcm-lora-sdv1-5", 4, "lcm"),
        ("ByteDance/Hyper-SD/Hyper-SD15-1step-lora.safetensors", 2, "tcd"),
    ):
        found = manner((name,))
        assert found is not None
        assert (found.steps, found.scheduler) == (steps, scheduler)
    assert manner(("hyperrealistic_v3.safetensors", "some/model")) is None
    first = manner(("lcm-lora", "some/sd-turbo"))
    assert first is not None
    assert first.scheduler == "lcm"


def test_our_prompts_differ_and_weigh_nothing() -> None:
    """Many, all different, short enough for one piece, and without marks that mean something."""
    prompts = read_prompts()
    assert len(set(prompts)) == len(prompts) >= 32
    for prompt in prompts:
        assert len(prompt.split()) < 30
        assert not set("()[]:\\") & set(prompt)
