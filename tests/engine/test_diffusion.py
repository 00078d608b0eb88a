"""The real pipeline with the starter model: no fake stands between these tests and the pixels."""

from __future__ import annotations

import locale
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import encoding
from engine.catalogue import STARTER, Catalogue
from engine.diffusion import DiffusionPainter
from engine.errors import BrokenModel, Stopped
from engine.painter import Picture, Progress
from engine.request import Ask, Paint
from engine.resolving import resolve

CATALOGUE = Catalogue.read()


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionPainter]:
    made = DiffusionPainter(CATALOGUE, cache=tmp_path_factory.mktemp("cache"), threads=2)
    made.warm("starter")
    yield made


def _paint(**given: Any) -> Paint:
    ask = Ask(**{"prompt": "a lighthouse on the sea at sunset", "steps": 4, "seed": 11, **given})
    return resolve(ask, CATALOGUE.get("starter"), draw_seed=lambda: 0, exact=True).paint


def _pictures(
    painter: DiffusionPainter, paint: Paint, source: Image.Image | None = None
) -> list[Picture]:
    return list(painter.paint(paint, source, lambda progress: None))


def _pixels(picture: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return np.asarray(picture.image).astype(np.int16)


def test_the_same_request_gives_the_same_pixels(painter: DiffusionPainter) -> None:
    """Request and seed decide every pixel on one machine; another seed changes them."""
    first, again, other = (
        _pixels(_pictures(painter, _paint(seed=seed))[0]) for seed in (11, 11, 12)
    )
    assert (first == again).all()
    assert np.abs(first - other).mean() > 2


def test_loading_a_model_leaves_the_locale_as_it_was(painter: DiffusionPainter) -> None:
    """OpenVINO, asked by two threads, may leave C behind; what others read next is no ASCII."""
    other = "C" if encoding.LOCALE != "C" else "C.UTF-8"
    locale.setlocale(locale.LC_CTYPE, other)
    try:
        _pictures(painter, _paint(steps=1, aspect="2:3"))  # a shape that nobody had loaded
        assert locale.setlocale(locale.LC_CTYPE) == encoding.LOCALE
    finally:
        locale.setlocale(locale.LC_CTYPE, encoding.LOCALE)


def test_picture_i_of_several_equals_it_painted_alone(painter: DiffusionPainter) -> None:
    """Nobody has to paint four again to get the third."""
    several = _pictures(painter, _paint(count=3))
    alone = _pictures(painter, several[2].paint)
    assert several[2].paint == _paint(seed=13)
    assert (_pixels(several[2]) == _pixels(alone[0])).all()


def test_progress_comes_after_every_step_with_previews(painter: DiffusionPainter) -> None:
    """Each step is reported once, in order; previews show what becomes of it, not too often."""
    seen: list[Progress] = []
    list(painter.paint(_paint(count=2), None, seen.append))
    assert [(p.index, p.step, p.steps) for p in seen] == [
        (i, s, 4) for i in range(2) for s in range(1, 5)
    ]
    assert all(p.preview for p in seen if p.step == 1)
    assert all(p.preview[:4] == b"RIFF" for p in seen if p.preview is not None)
    assert not any(p.preview for p in seen if p.step == p.steps)
    assert [p.share for p in seen] == sorted(p.share for p in seen)
    assert seen[-1].share == 1


def test_stopping_takes_effect_within_one_step(painter: DiffusionPainter) -> None:
    """What `on_step` raises ends the painting there, and the painter is usable afterwards."""
    steps: list[int] = []

    def stop_at_two(progress: Progress) -> None:
        steps.append(progress.step)
        if progress.step == 2:
            raise Stopped

    with pytest.raises(Stopped):
        list(painter.paint(_paint(), None, stop_at_two))
    assert steps == [1, 2]
    assert len(_pictures(painter, _paint())) == 1


def test_a_source_picture_shapes_the_result(painter: DiffusionPainter) -> None:
    """At low strength the source shines through; the steps follow the strength."""
    source = Image.new("RGB", (500, 300), (200, 40, 40))
    weak = _pictures(painter, _paint(source="x", strength=0.25), source)[0]
    seen: list[Progress] = []
    strong = next(painter.paint(_paint(source="x", strength=1.0), source, seen.append))
    target = np.array([200, 40, 40])
    assert len(seen) == 4
    assert np.abs(_pixels(weak) - target).mean() < np.abs(_pixels(strong) - target).mean()
    for steps in range(1, 31):
        for strength in (0.05, 0.33, 0.6, 1.0):
            paint = _paint(source="x", strength=strength, steps=steps)
            assert 1 <= paint.working_steps <= steps


def test_every_native_size_and_no_guidance(painter: DiffusionPainter) -> None:
    """Each size on offer is painted at that size; without guidance half the work is enough."""
    for width, height in CATALOGUE.get("starter").sizes:
        picture = _pictures(painter, _paint(width=width, height=height, guidance=0.0))[0]
        assert picture.image.size == (width, height)


def test_a_long_prompt_is_read_to_its_limit_and_that_is_said(painter: DiffusionPainter) -> None:
    """Text past the encoder's 77 tokens is not dropped silently."""
    picture = _pictures(painter, _paint(prompt="a lighthouse by the sea, " * 40))[0]
    (note,) = picture.notes
    assert (note.code, note.field) == ("prompt_cut", "prompt")
    assert note.used.startswith("a lighthouse by the sea")
    assert len(note.used) < len(note.given)


def test_a_damaged_model_is_one_clear_error(painter: DiffusionPainter, tmp_path: Path) -> None:
    """A network cut short or a missing config refuses that model; the other goes on painting."""
    damages: dict[str, Callable[[Path], object]] = {
        "cut": lambda f: (f / "unet/openvino_model.xml").write_text("<net", encoding="utf-8"),
        "short": lambda f: (f / "vae_decoder/openvino_model.bin").write_bytes(b"\0" * 10),
        "bare": lambda f: (f / "vae_decoder/config.json").unlink(),
        "mute": lambda f: shutil.rmtree(f / "tokenizer"),
        "odd": lambda f: (f / "scheduler/scheduler_config.json").unlink(),
    }
    for name, damage in damages.items():
        folder = tmp_path / name
        shutil.copytree(STARTER, folder)
        card = folder / "atelier.toml"
        card.write_text(
            card.read_text(encoding="utf-8").replace('name = "starter"', f'name = "{name}"'),
            encoding="utf-8",
        )
        damage(folder)
        broken = DiffusionPainter(Catalogue.read((tmp_path,)), cache=tmp_path / "cache")
        with pytest.raises(BrokenModel) as caught:
            broken.warm(name)
        assert caught.value.name == name
        assert "\n" not in str(caught.value)
    assert len(_pictures(painter, _paint())) == 1


def test_a_small_memory_budget_lets_old_sessions_go(tmp_path: Path) -> None:
    """One session always fits; the one used longest ago goes first."""
    small = DiffusionPainter(CATALOGUE, cache=tmp_path, memory_bytes=1)
    for aspect in ("1:1", "5:3"):
        list(small.paint(_paint(aspect=aspect, steps=1), None, lambda progress: None))
    assert [shape.width for shape in small.sessions] == [320]
