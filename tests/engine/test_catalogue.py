"""Which models are on offer, and what is said of those that cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.catalogue import STARTER, Catalogue
from engine.errors import BrokenModel, UnknownModel

CARD = """
name = "toy"
title = "Toy"
family = "{family}"
sizes = [[64, 64]]
default_steps = 1
max_steps = 4
"""


def _toy(folder: Path, *, family: str = "stable-diffusion", parts: bool = True) -> Path:
    folder.mkdir(parents=True)
    (folder / "atelier.toml").write_text(CARD.format(family=family), encoding="utf-8")
    for part in ("text_encoder", "unet", "vae_decoder") if parts else ():
        (folder / part).mkdir()
        for end in ("xml", "bin"):
            (folder / part / f"openvino_model.{end}").touch()
    return folder


def test_the_starter_is_always_there() -> None:
    """With nothing configured there is one model, and it is complete."""
    catalogue = Catalogue.read()
    assert list(catalogue.models) == ["starter"]
    assert catalogue.broken == {}
    starter = catalogue.get("starter")
    assert starter.sizes[0] == (256, 256)
    assert starter.negative
    assert starter.image_to_image


def test_a_folder_may_be_a_model_or_hold_models(tmp_path: Path) -> None:
    """Both `models/toy` and `models` may be given."""
    toy = _toy(tmp_path / "models" / "toy")
    for folder in (toy, toy.parent):
        assert set(Catalogue.read((folder,)).models) == {"starter", "toy"}


def test_a_broken_folder_is_reported_and_hides_nothing(tmp_path: Path) -> None:
    """Each broken model has one clear line; asking for it repeats that line."""
    _toy(tmp_path / "half", parts=False)
    _toy(tmp_path / "alien", family="oil-on-canvas")
    (tmp_path / "empty").mkdir()
    (tmp_path / "garbled").mkdir()
    (tmp_path / "garbled" / "atelier.toml").write_text("this is = not [toml", encoding="utf-8")
    (tmp_path / "binary").mkdir()
    (tmp_path / "binary" / "atelier.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "atelier.toml").write_text(
        'name = "wrong"\nsizes = [[1]]\n', encoding="utf-8"
    )
    catalogue = Catalogue.read((tmp_path, tmp_path / "nowhere"))
    assert list(catalogue.models) == ["starter"]
    assert {"empty", "garbled", "binary", "wrong", "nowhere"} <= set(catalogue.broken)
    assert len(catalogue.broken) >= 6
    assert all(reason and "\n" not in reason for reason in catalogue.broken.values())
    with pytest.raises(BrokenModel, match=r"atelier\.toml"):
        catalogue.get("empty")
    with pytest.raises(UnknownModel, match="starter"):
        catalogue.get("nobody")


def test_two_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """The first of a name wins, the second is reported instead of replacing it."""
    shutil.copytree(STARTER, tmp_path / "copy", ignore=shutil.ignore_patterns("*.safetensors"))
    catalogue = Catalogue.read((tmp_path,))
    assert catalogue.get("starter").folder == STARTER
    assert len(catalogue.broken) == 1


def test_a_small_world_is_known_by_its_words(tmp_path: Path) -> None:
    """Plurals, other wordings and words for any picture are known; the rest is named in order."""
    known = Catalogue.read().get("starter").vocabulary
    assert known is not None
    assert "lighthouse" in known.groups["subject"]
    assert known.strangers("Two beautiful red foxes in the snowy alps, at Sundown, 4k!") == ()
    assert known.strangers("a dragon and a fox eating dragon-shaped pizza") == (
        "dragon",
        "eating",
        "shaped",
        "pizza",
    )
    toy = _toy(tmp_path / "toy")
    assert Catalogue.read((toy,)).get("toy").vocabulary is None
    (toy / "words.toml").write_text("nothing = 1", encoding="utf-8")
    with (toy / "atelier.toml").open("a", encoding="utf-8") as card:
        card.write('world = "words.toml"\n')
    assert "toy" in Catalogue.read((toy,)).broken
