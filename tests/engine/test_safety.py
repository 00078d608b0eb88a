"""Finished pictures are judged: by a tiny classifier with random weights, converted here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import BrokenModel
from engine.hub import Hub
from engine.safety import NETWORK, Classifier
from engine.safety_model import classifier
from tests.loopback_hub import LoopbackHub, Repository

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier as transformers saves it, of a few thousand random weights."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("published") / "tiny-judge"
    labels = {0: "normal", 1: "nsfw"}
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=8,
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
    )
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def converted(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as OpenVINO runs it."""
    return classifier(str(published), tmp_path_factory.mktemp("cache"), Hub(offline=True))


def test_it_judges_as_its_own_library_does(published: Path, converted: Path) -> None:
    """The same likelihood from the same pixels, whatever the size and mode of the picture."""
    import torch
    from transformers import ViTForImageClassification, ViTImageProcessor

    judge = Classifier(converted)
    rng = np.random.default_rng(1)
    noise = Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
    theirs = ViTForImageClassification.from_pretrained(published).eval()
    pixels = ViTImageProcessor.from_pretrained(published)(noise, return_tensors="pt")
    with torch.no_grad():
        expected = theirs(**pixels).logits.softmax(-1)[0, 1].item()
    assert judge(noise) == pytest.approx(expected, abs=0.01)
    assert 0.0 < judge(Image.new("L", (500, 20), 80)) < 1.0


def test_it_is_converted_once(published: Path, converted: Path) -> None:
    """What was made is taken again; what was broken off is not."""
    made = (converted / NETWORK).stat().st_mtime_ns
    half = converted.with_name(f"{converted.name}.unfinished")
    half.mkdir(exist_ok=True)
    again = classifier(str(published), converted.parent, Hub(offline=True))
    assert again == converted
    assert (again / NETWORK).stat().st_mtime_ns == made


def test_a_classifier_whose_classes_mean_nothing_is_refused(
    converted: Path, tmp_path: Path
) -> None:
    """Cats and dogs do not tell what is harmful; nor does a folder that is not there."""
    folder = shutil.copytree(converted, tmp_path / "pets")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["id2label"] = {"0": "cat", "1": "dog"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BrokenModel, match="cat, dog"):
        Classifier(folder)
    with pytest.raises(BrokenModel, match="no such folder"):
        classifier("nowhere", tmp_path, Hub(offline=True))


def test_half_a_classifier_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    """One clear reason, and no folder that looks whole."""
    torn = tmp_path / "torn"
    torn.mkdir()
    (torn / "config.json").write_text('{"model_type": "vit"}', encoding="utf-8")
    with pytest.raises(BrokenModel, match="preprocessor_config"):
        classifier(str(torn), tmp_path / "cache", Hub(offline=True))
    assert not (tmp_path / "cache").exists()


def test_it_comes_from_the_hub_once(tmp_path: Path) -> None:
    """Networks as they are, no other file; then it is there offline. What has none is refused."""
    ready, bare = tmp_path / "ready", tmp_path / "bare"
    for folder, files in (
        (ready, ("config.json", "preprocessor_config.json", NETWORK, "openvino_model.bin", "a.md")),
        (bare, ("config.json",)),
    ):
        folder.mkdir()
        for name in files:
            (folder / name).write_text(f"{{}} {name}", encoding="utf-8")
    repositories = {"some/judge": Repository(folder=ready), "some/bare": Repository(folder=bare)}
    with LoopbackHub(repositories) as hub:
        access = Hub(endpoint=hub.address)
        folder = classifier("some/judge", tmp_path / "cache", access)
        for name, reason in (("some/bare", "no weights"), ("some/none", "does not exist")):
            with pytest.raises(BrokenModel, match=reason):
                classifier(name, tmp_path / "cache", access)
    assert (folder / NETWORK).read_text(encoding="utf-8") == f"{{}} {NETWORK}"
    assert not (folder / "a.md").exists()
    assert classifier("some/judge", tmp_path / "cache", Hub(offline=True)) == folder
