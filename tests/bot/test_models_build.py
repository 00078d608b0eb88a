"""`atelier models build` as people use it, with a hub on loopback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli import main
from bot.models_build import name_of
from engine.building.sources import Sources, tokenizer_here
from engine.catalogue import Catalogue
from engine.errors import BrokenModel
from engine.hub import Hub
from tests import tiny
from tests.loopback_hub import LoopbackHub, Repository

SourceOf = Callable[[str], Path]


def test_a_name_comes_of_the_source() -> None:
    """Repositories, files and folders give a name that a model may have."""
    assert name_of("stabilityai/SD-Turbo") == "sd-turbo"
    assert name_of("~/Downloads/My Dreamy Model v8.safetensors") == "my-dreamy-model-v8"
    assert name_of("/models/it.v2/") == "it.v2"


@pytest.mark.slow
def test_everything_from_the_hub(
    tiny_source: SourceOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Model, LoRA and tiny decoder are fetched, fused and attached; the numbers are printed."""
    import torch
    from safetensors.torch import save_file

    changes = tmp_path / "lora"
    changes.mkdir()
    stem = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_q"
    save_file(
        {
            f"{stem}.lora_down.weight": torch.ones(2, 32) / 50,
            f"{stem}.lora_up.weight": torch.ones(32, 2) / 50,
        },
        changes / "lcm-changes.safetensors",
    )
    repositories = {
        "some/model": Repository(
            folder=tiny_source("stable-diffusion"), card={"license": "openrail"}
        ),
        "some/lora": Repository(folder=changes),
        "some/taesd": Repository(folder=tiny.make_tiny_decoder(tmp_path / "taesd")),
    }
    data = tmp_path / "data"
    monkeypatch.setenv("ATELIER_DATA", str(data))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with LoopbackHub(repositories=repositories) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        arguments = ["models", "build", "some/model", "--name", "mine", "--sizes", "64x64"]
        arguments += ["--lora", "some/lora:0.5", "--tiny-decoder", "some/taesd"]
        arguments += ["--weights-only", "--samples", "1"]
        assert main(arguments) == 0
        said = capsys.readouterr().out
        assert "mine: stable-diffusion, weights, decoder tiny" in said
        assert "1 layers changed" in said
        assert "dB" in said
        (model,) = (each for each in Catalogue.read((data / "models",)).models.values()
                    if each.name == "mine")  # fmt: skip
        assert (model.licence, model.scheduler, model.default_steps) == ("openrail", "lcm", 4)
        assert model.second_look
        assert not any((data / "models" / ".fetched").iterdir())
        assert main(arguments) == 2
        assert "--replace" in capsys.readouterr().err


def test_sources_are_found_where_they_are(tiny_source: SourceOf, tmp_path: Path) -> None:
    """Folders here, files on the hub; what is ambiguous, missing or a pickle is said in a line."""
    many = tmp_path / "many"
    many.mkdir()
    for name in ("a.safetensors", "b.safetensors", "c.ckpt"):
        (many / name).write_bytes(b"some bytes")
    words = tmp_path / "words"
    words.mkdir()
    (words / "tokenizer.json").write_text("{}", "utf-8")
    repositories = {"some/many": Repository(folder=many), "openai/words": Repository(folder=words)}
    with LoopbackHub(repositories=repositories) as server:
        sources = Sources(hub=Hub(endpoint=server.address), kept=tmp_path / "kept")
        found = sources.model("some/many/a.safetensors")
        assert found.path.read_bytes() == b"some bytes"
        assert found.origin == "some/many/a.safetensors"
        assert sources.model(str(many)).path == many
        assert (sources.rest("openai/words", "tokenizer").path / "tokenizer.json").is_file()
        for wrong, word in (
            ("some/many", "some/many/a.safetensors"),
            ("some/many/c.ckpt", "programs"),
            ("./nothing", "no such file"),
            ("nothing", "no such file"),
        ):
            with pytest.raises(BrokenModel, match=word):
                sources.model(wrong)
        with pytest.raises(BrokenModel, match="name one of them"):
            sources.lora("some/many")
        with pytest.raises(BrokenModel, match="no tiny decoder"):
            sources.decoder("some/many")
    assert tokenizer_here([tiny_source("stable-diffusion")]) is None


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--steps", "0"], "--steps"),
        (["--guidance", "99"], "--guidance"),
        (["--sizes", "huge"], "--sizes"),
        (["--samples", "99"], "--samples"),
        (["--name", "starter"], "already"),
        (["--prompts", "/nowhere"], "nowhere"),
    ],
)
def test_wrong_options_are_one_line(
    options: list[str],
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is fetched or read."""
    monkeypatch.setenv("ATELIER_DATA", str(tmp_path))
    assert main(["models", "build", "some/model", *options]) == 2
    said = capsys.readouterr().err
    assert word in said
    assert len(said.strip().splitlines()) == 1
