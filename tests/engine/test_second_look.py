"""A second look with the real starter model, whose decoder stands for the tiny and the full one."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from openvino import opset13
from PIL import Image

from engine.catalogue import FULL_DECODER, STARTER, Catalogue
from engine.diffusion import DiffusionPainter
from engine.errors import BrokenModel
from engine.painter import Picture, Progress, Stage
from engine.request import Ask, Paint, Upscale
from engine.resolving import resolve
from engine.second_look import pack, unpack
from engine.workshop import Workshop


def _model(folder: Path) -> Path:
    """The starter, with a full decoder whose colours are the opposite of the tiny one's."""
    made = folder / "twice"
    shutil.copytree(STARTER, made, ignore=shutil.ignore_patterns("vae_decoder_hd"))
    card = (made / "atelier.toml").read_text(encoding="utf-8")
    (made / "atelier.toml").write_text(
        card.replace('name = "starter"', 'name = "twice"'), encoding="utf-8"
    )
    shutil.copytree(made / "vae_decoder", made / FULL_DECODER)
    core = openvino.Core()
    network = core.read_model(made / "vae_decoder" / "openvino_model.xml")
    before = network.outputs[0].get_node().input_value(0)
    turned = opset13.multiply(before, opset13.constant(np.float32(-1)))
    opposite = openvino.Model([opset13.result(turned)], network.get_parameters(), "opposite")
    openvino.save_model(opposite, made / FULL_DECODER / "openvino_model.xml")
    return made


class Doubler:
    """Enlarges by repeating pixels."""

    def prepare(self, *_: object) -> None:
        """There is nothing to load."""

    def upscale(self, image: Image.Image, scale: int, *_: object) -> Image.Image:
        return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


@pytest.mark.slow
def test_kept_latents_go_through_the_full_decoder_alone(tmp_path: Path) -> None:
    """Nothing is painted again: the same picture in the full decoder's colours, in one step."""
    catalogue = Catalogue.read((_model(tmp_path),))
    model = catalogue.get("twice")
    assert model.second_look
    assert not catalogue.get("starter").second_look
    painter = DiffusionPainter(catalogue, cache=tmp_path / "cache", threads=2)
    paint = _paint(catalogue, count=2, aspect="16:9")
    pictures = list(painter.paint(paint, None, lambda progress: None))
    assert all(each.latents for each in pictures)
    seen: list[Progress] = []
    kept = pictures[1].latents or b""
    look = replace(pictures[1].paint, latents_of="picture:1")
    sessions = painter.sessions
    looked = painter.develop(look, kept, seen.append)
    assert painter.sessions == sessions
    assert [(each.stage, each.share) for each in seen] == [(Stage.developing, 1.0)]
    assert np.abs(255 - _pixels(looked) - _pixels(pictures[1])).max() <= 2
    assert np.abs(255 - _pixels(looked) - _pixels(pictures[0])).mean() > 2
    with pytest.raises(ValueError, match="pixels"):
        painter.develop(replace(look, width=64), kept, seen.append)
    wanted = replace(look, upscale=Upscale(scale=2, network="any"))
    seen.clear()
    workshop = Workshop(painter, Doubler(), catalogue)
    large = workshop.develop(wanted, kept, seen.append)
    assert large.image.size == wanted.final_size
    assert (seen[0].stage, seen[0].stages) == (Stage.developing, 2)
    plain = list(painter.paint(_paint(catalogue, model="starter"), None, lambda progress: None))
    assert plain[0].latents is None


@pytest.mark.slow
def test_a_full_decoder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """In one line, as for any broken model; painting goes on without it."""
    made = _model(tmp_path)
    (made / FULL_DECODER / "config.json").write_text("{}", encoding="utf-8")
    painter = DiffusionPainter(Catalogue.read((made,)), cache=tmp_path / "cache", threads=2)
    look = _paint(Catalogue.read((made,)))
    latents = pack(np.zeros((1, 4, 4, 4), np.float32))
    with pytest.raises(BrokenModel, match=FULL_DECODER):
        painter.develop(replace(look, latents_of="picture:1"), latents, lambda progress: None)


def test_latents_are_kept_small_and_exactly_enough() -> None:
    """Half precision; whatever else comes as a file is refused."""
    latents = np.random.default_rng(7).normal(size=(1, 4, 64, 64)).astype(np.float32) * 5
    data = pack(latents)
    assert len(data) < 33_000
    assert np.abs(unpack(data) - latents).max() < 0.01
    several = io.BytesIO()
    np.save(several, np.zeros((2, 4, 8, 8)))
    objects = io.BytesIO()
    np.save(objects, np.array([{}]), allow_pickle=True)
    for wrong in (b"", b"no latents", data[:40], several.getvalue(), objects.getvalue()):
        with pytest.raises(ValueError, match=r".+"):
            unpack(wrong)


def _paint(catalogue: Catalogue, *, model: str = "twice", **given: Any) -> Paint:
    values: dict[str, Any] = {"prompt": "a lighthouse at sunset", "steps": 2, "seed": 5}
    ask = Ask(**(values | given))
    return resolve(ask, catalogue.get(model), draw_seed=lambda: 0).paint


def _pixels(picture: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return np.asarray(picture.image).astype(np.int16)
