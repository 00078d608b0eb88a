"""Several models, their schedulers, and masks: from what was asked for to what is painted."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

from bot.desk.flags import format_job, parse
from bot.desk.swaps import Swaps
from engine.catalogue import Catalogue
from engine.errors import BadSource, InvalidRequest, NothingMasked, Unusable
from engine.request import Ask
from engine.resolving import resolve
from storage.database import Database
from storage.jobs import Job
from storage.speeds import Speeds
from tests.bot.desk import Desk, open_desk
from tests.fakes import PLAIN, SQUARES


def _file(mode: str, colour: Any, size: tuple[int, int] = (32, 32), spot: Any = None) -> bytes:
    """A picture of one colour; `spot` is what its left half has instead."""
    image = Image.new(mode, size, colour)
    if spot is not None:
        image.paste(spot, (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


async def _source(desk: Desk, data: bytes) -> str:
    return await desk.studio.upload(await desk.asker(), data)


async def test_a_mask_says_what_is_painted_anew(tmp_path: Path) -> None:
    """White becomes transparent for the painter, black stays; a mask of another size is fitted."""
    async with open_desk(tmp_path) as desk:
        source = await _source(desk, _file("RGB", "teal"))
        mask = await _source(desk, _file("L", 0, (8, 8), spot=255))
        job = await desk.outcome(await desk.order(source=source, mask=mask))
        given = desk.painter.sources[0]
        assert given is not None
        assert given.mode == "RGBA"
        assert given.getpixel((2, 16)) == (0, 128, 128, 0)
        assert given.getpixel((29, 16)) == (0, 128, 128, 255)
        assert (job.paint.mask, job.paint.strength) == (mask, 1.0)


async def test_the_transparent_parts_of_a_source_are_a_mask(tmp_path: Path) -> None:
    """With `--mask alpha`, on every surface; without it they are laid on white as ever."""
    async with open_desk(tmp_path) as desk:
        source = await _source(desk, _file("RGBA", (9, 9, 9, 255), spot=(9, 9, 9, 0)))
        asked = replace(parse("a fox --mask ALPHA --strength 0.5"), source=source)
        ticket = await desk.studio.paint(await desk.asker(), asked)
        await desk.outcome(ticket.job)
        await desk.outcome(await desk.order(source=source))
        masked, plain = desk.painter.sources
        assert masked is not None
        assert masked.getpixel((2, 2)) == (9, 9, 9, 0)
        assert plain is not None
        assert plain.mode == "RGB"
        assert ticket.job.paint.strength == 0.5


async def test_a_mask_that_marks_nothing_is_refused(tmp_path: Path) -> None:
    """All black, nothing transparent, no picture, no source, no such model: each kindly."""
    async with open_desk(tmp_path) as desk:
        source = await _source(desk, _file("RGB", "teal"))
        black = await _source(desk, _file("L", 0))
        for mask in (black, "alpha"):
            with pytest.raises(NothingMasked):
                await desk.order(source=source, mask=mask)
        with pytest.raises(InvalidRequest, match="mask"):
            await desk.order(source=source, mask="picture:x")
        with pytest.raises(BadSource):
            await _source(desk, b"no picture")
        asker = await desk.asker()
        ask = Ask(prompt="a fox", mask="alpha")
        with pytest.raises(Unusable, match="mask"):
            await desk.studio.paint(asker, ask, exact=True)
        ticket = await desk.studio.paint(asker, replace(ask, model="plain", source=source))
        assert {note.field for note in ticket.notes} == {"source", "mask"}


async def test_a_mask_stays_as_long_as_it_is_needed(tmp_path: Path) -> None:
    """Nothing sweeps it away while its job waits; a variation of the picture has none."""
    async with open_desk(tmp_path) as desk:
        source = await _source(desk, _file("RGB", "teal"))
        mask = await _source(desk, _file("L", 0, spot=255))
        desk.painter.hold()
        job = await desk.order(source=source, mask=mask)
        assert await desk.sources.unused() == []
        desk.painter.release()
        await desk.outcome(job)
        assert len(await desk.sources.unused()) == 2
        (row,) = await desk.pictures.of_job(job.id)
        again = await desk.studio.again(await desk.asker(), job.public)
        assert again.job.paint.mask == mask
        varied = await desk.studio.vary(await desk.asker(), row.id, strong=True)
        assert varied.job.paint.mask is None


async def test_a_scheduler_is_asked_for_by_name(tmp_path: Path) -> None:
    """It reaches the painter and comes back as a flag; what a model has not is said."""
    async with open_desk(tmp_path) as desk:
        ticket = await desk.studio.paint(await desk.asker(), parse("a fox --sampler Euler"))
        job = await desk.outcome(ticket.job)
        assert desk.painter.painted[0].scheduler == "euler"
        assert "--scheduler euler" in format_job(job, SQUARES)
        again = await desk.studio.again(await desk.asker(), job.public)
        assert again.job.paint.scheduler == "euler"
        other = await desk.studio.again(await desk.asker(), job.public, changes={"model": "plain"})
        assert (other.job.paint.scheduler, other.notes) == ("", ())
        with pytest.raises(InvalidRequest, match="lcm, euler"):
            await desk.order(scheduler="dpm++")
        ticket = await desk.studio.paint(
            await desk.asker(), Ask(prompt="a fox", model="plain", scheduler="lcm")
        )
        assert [(note.code, note.field) for note in ticket.notes] == [("unused", "scheduler")]


@pytest.fixture
def heavy(tmp_path: Path) -> Catalogue:
    """Two models of 6 MB each on the disk."""
    models = {}
    for model in (SQUARES, PLAIN):
        folder = tmp_path / "models" / model.name
        (folder / "unet").mkdir(parents=True)
        (folder / "unet" / "openvino_model.bin").write_bytes(bytes(6_000_000))
        models[model.name] = replace(model, folder=folder)
    return Catalogue(models=models)


async def test_the_time_of_a_swap_is_in_the_estimate(tmp_path: Path, heavy: Catalogue) -> None:
    """Once where there is room for both, for every few pictures where they take turns."""
    db = await Database.open(tmp_path / "data")
    try:
        speeds = Speeds(db)
        tight = Swaps(speeds=speeds, catalogue=heavy, memory_bytes=18_000_000)
        tight.loaded("squares", 10.0)
        tight.loaded("plain", 4.0)
        tight.freed("squares")
        await tight.learn()
        assert tight.preferred == {"plain"}
        assert await tight.seconds({"plain": 3}) == 0
        assert await tight.seconds({"squares": 1}) == 10
        assert await tight.seconds({"squares": 9, "plain": 9}) == 2 * 10 + 1 * 4
        assert await tight.seconds({"squares": 9, "plain": 1}) == 2 * 10
        assert await tight.seconds({"squares": 1}, now="squares") == 0
        wide = Swaps(speeds=Speeds(db), catalogue=heavy, memory_bytes=30_000_000)
        wide.loaded("plain", 4.0)
        assert wide.preferred == frozenset()
        assert await wide.seconds({"squares": 9, "plain": 9}) == 10
    finally:
        await db.close()


async def test_jobs_of_the_model_in_memory_are_painted_together(
    tmp_path: Path, heavy: Catalogue
) -> None:
    """Three of each, asked for in turns: the models change once, and whoever waits hears of it."""
    async with open_desk(tmp_path, models=heavy, memory="18MB") as desk:
        desk.swaps.loaded("squares", 60.0)
        await desk.swaps.learn()
        await desk.speeds.learn_load("plain", 60.0)
        desk.painter.hold()
        jobs: list[Job] = []
        for number in range(6):
            model = "plain" if number % 2 else "squares"
            asker = await desk.asker(f"person {number}")
            ticket = await desk.studio.paint(asker, Ask(prompt="a fox", model=model, steps=2))
            jobs.append(ticket.job)
            if number < 2:
                assert ((ticket.eta_s or 0.0) > 60) == (model == "plain")
        desk.painter.release()
        for job in jobs:
            await desk.outcome(job)
        painted = [paint.model for paint in desk.painter.painted]
        assert painted == ["squares"] * 3 + ["plain"] * 3


@pytest.mark.slow
def test_the_starter_offers_both(tmp_path: Path) -> None:
    """Its usual scheduler by name paints the very picture; outside a mask nothing changes."""
    from engine.diffusion import DiffusionPainter
    from engine.images import masked

    catalogue = Catalogue.read()
    model = catalogue.get("starter")
    painter = DiffusionPainter(catalogue, cache=tmp_path)

    def paint(start: Image.Image | None = None, **ask: Any) -> Image.Image:
        wanted = Ask(prompt="a lighthouse on the sea at sunset", seed=7, steps=4, **ask)
        resolved = resolve(wanted, model, draw_seed=lambda: 7)
        assert resolved.notes == ()
        (picture,) = painter.paint(resolved.paint, start, lambda progress: None)
        return picture.image

    usual = paint()
    assert paint(scheduler="lcm").tobytes() == usual.tobytes()
    assert paint(scheduler="euler").tobytes() != usual.tobytes()
    out = io.BytesIO()
    usual.save(out, "PNG")
    mask = _file("L", 0, usual.size, spot=255)
    anew = paint(masked(out.getvalue(), mask), source="upload:x", mask="upload:y")
    right = (usual.width * 3 // 4, 0, usual.width, usual.height)
    left = (0, 0, usual.width // 4, usual.height)
    assert _apart(anew.crop(right), usual.crop(right)) < 3
    assert _apart(anew.crop(left), usual.crop(left)) > 3


def _apart(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart: the mean over all pixels and colours."""
    return float(np.asarray(ImageChops.difference(one, other)).mean())
