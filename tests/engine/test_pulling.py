"""Pulling models of every family from a hub on loopback, until they paint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.adopting import adopt
from engine.catalogue import FAMILIES, Catalogue, Model
from engine.describing import describe, offered
from engine.diffusion import DiffusionPainter
from engine.errors import BrokenModel
from engine.fetching import FetchError, git_sum, sum_of
from engine.hub import Hub, look
from engine.pulling import assemble, gather, plan, read_note, spoilt, workspace
from engine.repertoire import Form, Offer
from engine.request import Ask
from engine.resolving import resolve
from engine.selecting import weights_of
from tests import tiny
from tests.loopback_hub import LoopbackHub, Repository

Tiny = Callable[[str], Path]


def _publish(folder: Path, model: Path) -> Repository:
    """As somebody would publish it: no card of ours, and things that nobody needs."""
    shutil.copytree(model, folder)
    (folder / "atelier.toml").unlink(missing_ok=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    (folder / "picture.png").write_bytes(b"large and useless")
    (folder / "safety_checker").mkdir()
    (folder / "safety_checker" / "openvino_model.bin").write_bytes(b"not asked for")
    (folder / "unet").mkdir(exist_ok=True)
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"a pickle")
    return Repository(folder=folder, card={"license": "mit"})


def _paints(models: Path, model: Model, cache: Path) -> np.ndarray:
    catalogue = Catalogue.read((models,))
    assert catalogue.broken == {}
    painter = DiffusionPainter(catalogue, cache=cache)
    width, height = model.sizes[0]
    ask = Ask(prompt="a fox", steps=model.min_steps, seed=5, width=width, height=height)
    paint = resolve(ask, model, draw_seed=lambda: 5).paint
    [picture] = painter.paint(paint, None, lambda progress: None)
    assert picture.image.size == (width, height)
    return np.asarray(picture.image)


@pytest.mark.slow
def test_a_model_of_every_family_is_pulled_and_paints(tmp_path: Path, tiny_model: Tiny) -> None:
    """From the hub to a picture, with the card that the catalogue and its files give it."""
    models = tmp_path / "models"
    sizes = ((tiny.SIDE, tiny.SIDE),)  # what FLUX does not say of itself
    with LoopbackHub() as server:
        hub = Hub(endpoint=server.address)
        for family in FAMILIES:
            server.repositories[f"maker/{family}"] = _publish(
                tmp_path / "hub" / family, tiny_model(family)
            )
            card = {"sizes": sizes, "description": "tiny"}
            offer = Offer(name=family, repository=f"maker/{family}", card=card)
            wanted = plan(hub, offer)
            assert (wanted.licence, wanted.commercial) == ("mit", True)
            gather(hub, wanted, models)
            model = assemble(wanted, models)
            assert (model.name, model.family, model.title) == (family, family, family)
            assert (model.licence, model.description) == ("mit", "tiny")
            assert not workspace(models, family).exists()
            assert not (model.folder / "safety_checker").exists()
            assert not list(model.folder.rglob("*.png"))
            assert not list(model.folder.glob("unet/diffusion*"))
            note = read_note(model.folder)
            assert note is not None
            assert note["commits"] == {f"maker/{family}": look(hub, f"maker/{family}").commit}
            assert spoilt(model.folder, _sum) == []
            assert _paints(models, model, tmp_path / "cache").std() > 0
    weights = next(model.folder.glob("*/openvino_model.bin"))
    weights.write_bytes(weights.read_bytes()[::-1])
    assert spoilt(model.folder, _sum) == [weights.relative_to(model.folder).as_posix()]


def _sum(file: Path, was: str) -> str:
    return sum_of(file) if len(was) == 64 else git_sum(file)


@pytest.mark.slow
def test_a_tiny_decoder_is_put_in_the_place_of_the_large_one(
    tmp_path: Path, tiny_model: Tiny
) -> None:
    """It comes from a repository of its own; the large one stays for a second look."""
    models = tmp_path / "models"
    source = tiny_model("stable-diffusion")
    decoder = tmp_path / "hub" / "decoder"
    shutil.copytree(source / "vae_decoder", decoder / "vae_decoder")
    config = json.loads((decoder / "vae_decoder" / "config.json").read_text(encoding="utf-8"))
    config["marked"] = True
    (decoder / "vae_decoder" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with LoopbackHub() as server:
        server.repositories["maker/model"] = _publish(tmp_path / "hub" / "model", source)
        server.repositories["maker/tiny"] = Repository(folder=decoder)
        hub = Hub(endpoint=server.address)
        offer = Offer(name="both", repository="maker/model", tiny_decoder="maker/tiny")
        wanted = plan(hub, offer)
        assert wanted.bytes == sum(parcel.bytes for parcel in wanted.parcels)
        server.cut_after.append(1000)
        gather(hub, wanted, models)
        model = assemble(wanted, models)
    assert model.second_look
    assert "marked" in (model.folder / "vae_decoder" / "config.json").read_text(encoding="utf-8")
    assert "marked" not in (model.folder / "vae_decoder_hd" / "config.json").read_text(
        encoding="utf-8"
    )
    assert spoilt(model.folder, _sum) == []
    assert model.negative  # found out: nobody said anything of it
    assert _paints(models, model, tmp_path / "cache").std() > 0


def test_what_lacks_a_part_becomes_no_model(tmp_path: Path, starter: Path) -> None:
    """It is refused before it has a name, and what was fetched stays for another try."""
    models = tmp_path / "models"
    published = _publish(tmp_path / "hub", starter)
    (published.folder / "text_encoder" / "openvino_model.bin").unlink()
    with LoopbackHub({"maker/model": published}) as server:
        hub = Hub(endpoint=server.address)
        wanted = plan(hub, Offer(name="half", repository="maker/model"))
        gather(hub, wanted, models)
        with pytest.raises(BrokenModel, match=r"text_encoder/openvino_model\.bin is missing"):
            assemble(wanted, models)
        assert not (models / "half").exists()
        assert Catalogue.read((models,)).broken == {}
        part = "text_encoder/openvino_model.bin"
        shutil.copy(starter / part, published.folder / part)
        before = len(server.asked)
        wanted = plan(hub, Offer(name="half", repository="maker/model"))
        gather(hub, wanted, models)
        assert assemble(wanted, models).name == "half"
        assert [path for path, _ in server.asked[before:]] == [part]


@pytest.fixture
def starter() -> Path:
    return Path(__file__).parents[2] / "engine" / "starter" / "model"


def test_what_it_may_be_used_for_is_read_from_its_licence(tmp_path: Path, starter: Path) -> None:
    """Where the catalogue says nothing, the repository's own licence decides."""
    published = _publish(tmp_path / "hub", starter)
    for licence, commercial in (
        ("apache-2.0", True),
        ("cc-by-nc-4.0", False),
        ("sai-nc-community", False),
        ("openrail++", True),
        ("nvidia-non-commercial", False),
    ):
        repository = Repository(folder=published.folder, card={"license": licence})
        with LoopbackHub({"maker/model": repository}) as server:
            hub = Hub(endpoint=server.address)
            offer = Offer(name="model", repository="maker/model")
            wanted = plan(hub, offer)
            assert (wanted.licence, wanted.commercial) == (licence, commercial)
            said = Offer(name="model", repository="maker/model", card={"commercial": False})
            assert not plan(hub, said).commercial


def test_weights_are_selected_to_be_built(tmp_path: Path) -> None:
    """Safetensors alone, the smaller of two precisions under its plain name, no second copies."""
    for path in (
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
        "text_encoder/config.json",
        "text_encoder/model-00001-of-00002.safetensors",
        "text_encoder/model-00002-of-00002.safetensors",
        "text_encoder/model.safetensors.index.json",
        "text_encoder/pytorch_model.bin",
        "tokenizer/vocab.json",
        "scheduler/scheduler_config.json",
        "safety_checker/model.safetensors",
        "v1-5-pruned.safetensors",
        "v1-5-pruned.ckpt",
    ):
        file = tmp_path / "hub" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path, encoding="utf-8")
    lora = tmp_path / "lora"
    lora.mkdir()
    (lora / "change.safetensors").write_text("low rank", encoding="utf-8")
    repositories = {
        "maker/weights": Repository(folder=tmp_path / "hub"),
        "maker/lora": Repository(folder=lora),
    }
    with LoopbackHub(repositories) as server:
        hub = Hub(endpoint=server.address)
        places = {file.place: file.path for file in weights_of(look(hub, "maker/weights"))}
        assert places.pop("unet/diffusion_pytorch_model.safetensors").endswith("fp16.safetensors")
        assert sorted(places) == [
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model-00001-of-00002.safetensors",
            "text_encoder/model-00002-of-00002.safetensors",
            "text_encoder/model.safetensors.index.json",
            "tokenizer/vocab.json",
            "unet/config.json",
        ]
        loras = (("maker/lora/change.safetensors", 0.8),)
        offer = Offer(name="w", repository="maker/weights", form=Form.diffusers, loras=loras)
        wanted = plan(hub, offer)
        place = gather(hub, wanted, tmp_path / "models")
        assert (place / "loras/0/0.safetensors").read_text(encoding="utf-8") == "low rank"
        # Nobody said that it has to be built: what is there says so.
        assert plan(hub, Offer(name="w", repository="maker/weights")).offer.form is Form.diffusers
        with pytest.raises(FetchError, match="no file other"):
            odd = Offer(
                name="w",
                repository="maker/weights",
                form=Form.diffusers,
                loras=(("maker/lora/other.safetensors", 1.0),),
            )
            plan(hub, odd)


def test_a_folder_of_networks_is_taken_in(tmp_path: Path, starter: Path) -> None:
    """Copied and given a card, its own if it has one; what cannot be used is said."""
    models = tmp_path / "models"
    model = adopt(starter, "mine", models, {"title": "Mine", "licence": None})
    assert (model.title, model.family, model.licence) == ("Mine", "stable-diffusion", "Apache-2.0")
    assert model.default_steps == 8
    plain = tmp_path / "plain"
    shutil.copytree(starter, plain)
    (plain / "atelier.toml").unlink()
    found = adopt(plain, "plain", models, {"title": "", "licence": "MIT"})
    assert (found.title, found.licence, found.default_steps) == ("plain", "MIT", 20)
    assert Catalogue.read((models,)).broken == {}
    with pytest.raises(BrokenModel, match="already"):
        adopt(plain, "mine", models, {})
    with pytest.raises(BrokenModel, match="no name"):
        adopt(plain, "../mine", models, {})
    with pytest.raises(BrokenModel, match="no OpenVINO model"):
        adopt(tmp_path / "models", "other", models, {})
    (plain / "text_encoder" / "openvino_model.bin").unlink()
    with pytest.raises(BrokenModel, match="is missing"):
        adopt(plain, "other", models, {})
    assert sorted(each.name for each in models.iterdir()) == ["mine", "plain"]


def test_weights_alone_have_to_be_built(tmp_path: Path) -> None:
    """With the command that does it."""
    weights = Path(__file__).parents[2] / "engine" / "starter" / "weights"
    with pytest.raises(BrokenModel, match="atelier models build"):
        adopt(weights, "weights", tmp_path, {})
    assert describe(weights)["family"] == "stable-diffusion"
    assert describe(weights)["sizes"][0] == (256, 256)


def test_only_what_a_model_was_distilled_for_is_offered(tmp_path: Path) -> None:
    """LCM and TCD paint mush with a plain model, and so do others with one made for these."""
    weights = Path(__file__).parents[2] / "engine" / "starter" / "weights"
    assert describe(weights)["schedulers"] == ("lcm", "tcd")
    made = tmp_path / "made"
    shutil.copytree(weights, made, ignore=shutil.ignore_patterns("*.safetensors"))
    file = made / "scheduler" / "scheduler_config.json"
    file.write_text('{"_class_name": "DPMSolverMultistepScheduler"}', encoding="utf-8")
    assert describe(made)["schedulers"] == ("dpm++", "euler")
    assert offered("euler", ()) == ("euler",)
    assert offered("tcd", ("dpm++", "euler")) == ("tcd", "lcm")
    assert offered(None, ("dpm++", "euler")) == ("dpm++", "euler")
