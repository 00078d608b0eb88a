"""Painting, enlarging and painting over as one request, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.catalogue import Catalogue
from engine.errors import Stopped
from engine.lens import motley
from engine.painter import Progress, Stage
from engine.refining import refine
from engine.request import Paint, Upscale
from engine.tempo import Tempo
from engine.upscaler import Upscaler
from engine.workshop import Workshop
from tests.engine.networks import remember, toys
from tests.fakes import SquarePainter, catalogue

PAINT = Paint(
    prompt="a fox", model="squares", width=32, height=32, steps=4, guidance=3.0, seed=7, count=2
)


def _upscaler(tmp_path: Path) -> Upscaler:
    networks = toys(tmp_path / "models", 2, 4)
    for file in networks.get("toy").files.values():
        tempo = Tempo(side=96, together=1, streams=1, margin=4, seconds=1.0)
        remember(tmp_path / "cache", file, tempo)
    return Upscaler(networks, cache=tmp_path / "cache")


def _workshop(tmp_path: Path) -> tuple[Workshop, SquarePainter]:
    painter = SquarePainter()
    return Workshop(painter, _upscaler(tmp_path), catalogue()), painter


def _told(seen: list[Progress]) -> list[tuple[int, Stage, int]]:
    return list(dict.fromkeys((each.index, each.stage, each.stage_index) for each in seen))


def test_what_is_painted_is_enlarged_picture_by_picture(tmp_path: Path) -> None:
    """Every picture goes through both stages, and the share of the whole never goes back."""
    workshop, painter = _workshop(tmp_path)
    paint = replace(PAINT, upscale=Upscale(scale=4, network="toy"))
    seen: list[Progress] = []
    pictures = list(workshop.paint(paint, None, seen.append))
    assert [each.image.size for each in pictures] == [(128, 128)] * 2
    assert [each.paint for each in pictures] == [paint.alone(0), paint.alone(1)]
    assert painter.painted[0].upscale is None, "the painter knows nothing of enlarging"
    both = [(Stage.painting, 0), (Stage.upscaling, 1)]
    assert _told(seen) == [(index, *stage) for index in (0, 1) for stage in both]
    shares = [each.share for each in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert pictures[0].step_seconds == 0.25
    assert pictures[0].other_seconds > 0.5


def test_what_asks_for_no_enlarging_is_left_alone(tmp_path: Path) -> None:
    """Without a wish the workshop is the painter."""
    workshop, _ = _workshop(tmp_path)
    seen: list[Progress] = []
    assert [p.image.size for p in workshop.paint(PAINT, None, seen.append)] == [(32, 32)] * 2
    assert {each.stages for each in seen} == {1}


def test_a_stored_picture_is_enlarged_and_nothing_painted(tmp_path: Path) -> None:
    """With its transparency; its time is one step's."""
    workshop, painter = _workshop(tmp_path)
    image = Image.new("RGBA", (120, 60), (0, 128, 128, 99))
    wish = Upscale(scale=2, network="toy", of="upload:x")
    paint = replace(PAINT, width=120, height=60, count=1, upscale=wish)
    seen: list[Progress] = []
    (picture,) = workshop.paint(paint, image, seen.append)
    assert (picture.image.size, picture.image.mode) == ((240, 120), "RGBA")
    assert painter.painted == []
    assert _told(seen) == [(0, Stage.upscaling, 0)]
    assert seen[-1].share == 1.0
    assert picture.step_seconds > 0
    assert picture.other_seconds == 0


def test_creative_paints_every_tile_over(tmp_path: Path) -> None:
    """In tiles of the model's own size, from the tile itself, at the strength that was asked."""
    workshop, painter = _workshop(tmp_path)
    wish = Upscale(scale=4, network="toy", creative=0.25)
    seen: list[Progress] = []
    (picture,) = workshop.paint(replace(PAINT, count=1, upscale=wish), None, seen.append)
    assert picture.image.size == (128, 128)
    assert [stage for _, stage, _ in _told(seen)] == [
        Stage.painting,
        Stage.upscaling,
        Stage.refining,
    ]
    tiles = painter.painted[1:]
    assert len(tiles) >= 16
    assert {(each.width, each.height, each.strength) for each in tiles} == {(32, 32, 0.25)}
    assert len({each.seed for each in tiles}) == len(tiles), "no tile repeats another's detail"
    sources = painter.sources[1:]
    assert all(each is not None and each.size == (32, 32) for each in sources)
    assert sum(each.stage is Stage.refining for each in seen) == len(tiles)


def test_refining_leaves_the_large_forms_and_no_seam(tmp_path: Path) -> None:
    """However the painter shifts the colours of single tiles, the picture's stay."""
    painter = SquarePainter()  # each tile becomes another flat colour: the worst there is
    before = Image.fromarray(motley(160)).resize((160, 160)).convert("RGB")
    soft = before.resize((20, 20)).resize((160, 160), Image.Resampling.BICUBIC)
    count = 0

    def on_tile(done: int, total: int) -> None:
        nonlocal count
        count = total

    after = refine(painter, soft, PAINT, strength=0.3, tile=(48, 48), on_tile=on_tile)
    assert count > 9
    difference = np.abs(np.asarray(after).astype(int) - np.asarray(soft).astype(int))
    assert difference.mean() < 12, "flat colours of their own would be some 70 away"
    rows = np.abs(np.diff(np.asarray(after).astype(int), axis=0)).max()
    assert rows <= np.abs(np.diff(np.asarray(soft).astype(int), axis=0)).max() + 8


@pytest.mark.parametrize("stage", [Stage.upscaling, Stage.refining])
def test_it_stops_in_every_stage(tmp_path: Path, stage: Stage) -> None:
    """Whoever cancels while a picture is enlarged or painted over waits for one tile."""
    workshop, _ = _workshop(tmp_path)
    wish = Upscale(scale=4, network="toy", creative=0.25)
    after: list[Progress] = []

    def stop(progress: Progress) -> None:
        if progress.stage is stage:
            after.append(progress)
            raise Stopped

    with pytest.raises(Stopped):
        list(workshop.paint(replace(PAINT, upscale=wish), None, stop))
    assert len(after) == 1


@pytest.mark.slow
def test_the_real_painter_and_the_shipped_network(tmp_path: Path) -> None:
    """The starter's picture, four times as large, refined: like itself, and with the right size."""
    from engine.diffusion import DiffusionPainter
    from engine.networks import Networks

    models, networks = Catalogue.read(), Networks.read()
    workshop = Workshop(
        DiffusionPainter(models, cache=tmp_path), Upscaler(networks, cache=tmp_path), models
    )
    paint = Paint(
        prompt="a lighthouse on the sea at sunset",
        model="starter",
        width=256,
        height=256,
        steps=4,
        guidance=3.0,
        seed=7,
    )
    quiet: Callable[[Progress], None] = lambda progress: None  # noqa: E731
    (small,) = workshop.paint(paint, None, quiet)
    name = networks.choose(None).name
    for creative in (None, 0.25):
        wish = Upscale(scale=2, network=name, creative=creative)
        (large,) = workshop.paint(replace(paint, upscale=wish), None, quiet)
        assert large.image.size == (512, 512)
        back = np.asarray(large.image.resize((256, 256), Image.Resampling.BOX)).astype(int)
        assert np.abs(back - np.asarray(small.image).astype(int)).mean() < 6
