"""A card that was written is the card that is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cards import write_card
from engine.catalogue import CARD, PARTS, read_model


def _parts(folder: Path) -> None:
    """Empty networks: reading a card loads none."""
    for part in PARTS if isinstance(PARTS, tuple) else PARTS["stable-diffusion"]:
        (folder / part).mkdir(parents=True)
        for ending in ("xml", "bin"):
            (folder / part / f"openvino_model.{ending}").touch()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Texts with quotes, other scripts and control characters, sizes, numbers and truths."""
    _parts(tmp_path)
    title = 'A "fine" model\n\tü 狐 \\ \x7f'
    write_card(
        tmp_path,
        name="fine",
        title=title,
        family="stable-diffusion",
        sizes=((512, 512), (768, 512)),
        default_steps=4,
        max_steps=50,
        default_guidance=1.5,
        image_to_image=True,
        description=None,
    )
    model = read_model(tmp_path)
    assert (model.name, model.title, model.sizes) == ("fine", title, ((512, 512), (768, 512)))
    assert (model.default_guidance, model.image_to_image, model.negative) == (1.5, True, False)
    assert "negative" not in (tmp_path / CARD).read_text(encoding="utf-8")
    assert [each.name for each in tmp_path.glob(".*")] == []


def test_what_no_card_can_say_is_refused(tmp_path: Path) -> None:
    """A misspelt field, one that is missing, a value without a form in TOML: nothing is written."""
    good = {
        "name": "m",
        "title": "M",
        "family": "stable-diffusion",
        "sizes": [[64, 64]],
        "default_steps": 1,
        "max_steps": 4,
    }
    for wrong in (
        good | {"licens": "MIT"},
        good | {"second_look": True},
        good | {"title": None},
        good | {"default_guidance": float("nan")},
        good | {"description": {"en": "no"}},
    ):
        with pytest.raises((TypeError, ValueError)):
            write_card(tmp_path, **wrong)
        assert not (tmp_path / CARD).exists()
