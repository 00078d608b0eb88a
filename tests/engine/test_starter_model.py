"""The starter's model folder: small enough, complete, and the same model as its fp16 weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.catalogue import PARTS, STARTER, read_model
from engine.starter.world import ATTRIBUTES, world

WEIGHTS, TEACHER = STARTER.parent / "weights", STARTER.parent / "teacher"
LIMIT_8_BIT, LIMIT_FP16 = 25e6, 45e6  # bytes


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_the_model_is_small() -> None:
    """What ships, 8-bit, stays under 25 MB; the fp16 weights it is made from under 45 MB each."""
    assert 5e6 < size(STARTER) <= LIMIT_8_BIT
    for folder in (WEIGHTS, TEACHER):
        assert 5e6 < size(folder) <= LIMIT_FP16


def test_the_model_is_complete() -> None:
    """Networks, tokenizer and scheduler are where diffusers and optimum-intel look for them."""
    for part in (*PARTS["stable-diffusion"], "vae_encoder"):
        assert (STARTER / part / "openvino_model.xml").stat().st_size > 0
        assert (STARTER / part / "openvino_model.bin").stat().st_size > 0
    index = json.loads((STARTER / "model_index.json").read_text("utf-8"))
    assert {"scheduler", "tokenizer", "text_encoder", "unet", "vae"} <= set(index)
    assert list((STARTER / "tokenizer").glob("*.json"))
    assert (STARTER / "scheduler" / "scheduler_config.json").exists()


def test_its_weights_are_eight_bits() -> None:
    """Nearly every weight of the denoiser is a byte, not a float."""
    floats = size(WEIGHTS / "unet") / 2
    assert (STARTER / "unet" / "openvino_model.bin").stat().st_size < floats * 1.1


def test_the_card_can_be_read() -> None:
    """The catalogue takes the starter, with the sizes it was trained on."""
    model = read_model(STARTER)
    assert model.name == "starter"
    assert model.sizes == ((256, 256), (320, 192), (192, 320))
    assert (model.scheduler, model.default_steps) == ("lcm", 8)
    assert model.negative and model.guidance and model.image_to_image


def test_no_file_tells_of_the_machine_it_was_made_on() -> None:
    """No absolute path of a home or work folder is left in what ships."""
    for file in [
        *STARTER.rglob("*.json"),
        *STARTER.rglob("*.xml"),
        *WEIGHTS.rglob("*.json"),
        *TEACHER.rglob("*.json"),
    ]:
        told = file.read_text("utf-8")
        assert str(STARTER.parents[2]) not in told and "/home/" not in told, file


def test_words_survive_the_tokenizer() -> None:
    """Every wording of the world comes back as it went in, and strange letters do no harm."""
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.CLIPTokenizer.from_pretrained(STARTER / "tokenizer")
    assert tokenizer.model_max_length == 77
    told = world()
    for attribute in ATTRIBUTES:
        for name in told.names(attribute):
            for words in told.phrases(attribute, name):
                ids = tokenizer(words).input_ids
                back = tokenizer.decode(ids, skip_special_tokens=True)
                assert back.replace(" - ", "-").strip() == words
                assert len(ids) <= 2 + len(words.replace("-", " - ").split()), words
    assert len(tokenizer("łódź 🦊 ß" * 80, truncation=True).input_ids) == 77
    assert len(tokenizer("", padding="max_length").input_ids) == 77


@pytest.mark.slow
def test_it_paints_what_its_weights_paint() -> None:
    """OpenVINO with 8-bit weights and torch in fp32 paint nearly the same picture."""
    judge = pytest.importorskip("engine.starter.judge")
    words = "a lighthouse on the sea at sunset"
    light = judge.paint(judge.shipped(), words, 5)
    full = judge.paint(judge.original(), words, 5)
    apart = np.abs(np.asarray(light, np.float32) - np.asarray(full, np.float32)).mean()
    assert apart < 12
