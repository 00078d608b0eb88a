"""Enlarging: a stored picture, or what a request paints; a job like any other."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.desk.errors import BlockedWord, ModelNotAllowed, SourceGone
from bot.desk.flags import format_job, parse
from engine.errors import InvalidRequest, Refusal, UnknownModel, Unusable
from engine.painter import Stage
from engine.request import Ask, Upscale
from storage.errors import NotFound, OverBudget, Paused
from storage.jobs import JobState
from storage.pictures import PictureRow
from tests.bot.desk import Desk, open_desk
from tests.fakes import TILES, SquarePainter


async def painted(desk: Desk, asker: Any, **ask: Any) -> PictureRow:
    """The first picture of a job of theirs, finished."""
    private = ask.pop("private", False)
    ticket = await desk.studio.paint(asker, Ask(**{"prompt": "a fox", **ask}), private=private)
    await desk.outcome(ticket.job)
    return (await desk.pictures.of_job(ticket.job.id))[0]


def png(width: int = 20, height: int = 10, mode: str = "RGB") -> bytes:
    """A small picture file."""
    out = io.BytesIO()
    Image.new(mode, (width, height), (10, 20, 30, 40)[: len(mode)]).save(out, "PNG")
    return out.getvalue()


async def test_a_picture_is_enlarged(tmp_path: Path) -> None:
    """The result is that much larger, keeps words and seed, and says where it comes from."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann, count=2, seed=7)
        ticket = await desk.studio.upscale(ann, f"picture:{row.id}", scale=4)
        job = await desk.outcome(ticket.job)
        assert job.state is JobState.DONE
        (large,) = await desk.pictures.of_job(job.id)
        assert (large.width, large.height, large.seed) == (128, 128, 7)
        assert job.paint.upscale is not None
        assert (job.paint.prompt, job.paint.seed, job.paint.count) == ("a fox", 7, 1)
        assert (job.paint.upscale.of, job.paint.kind) == (f"picture:{row.id}", "crisp-4")
        assert job.parent == (await desk.jobs.by_id(row.job)).public


async def test_painting_and_enlarging_are_one_job(tmp_path: Path) -> None:
    """Asked for with the painting, every picture comes out enlarged; both are paid for."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        ticket = await desk.studio.paint(ann, Ask(prompt="a fox", upscale=2, count=2))
        events = await desk.events(ticket.job)
        stages = {each.progress.stage for each in events if each.progress is not None}
        assert Stage.upscaling in stages
        rows = await desk.pictures.of_job(ticket.job.id)
        assert [(each.width, each.height) for each in rows] == [(64, 64)] * 2
        assert ticket.job.cost > 2


async def test_what_somebody_brought_along_is_enlarged(tmp_path: Path) -> None:
    """It has no words, and its job is nobody's child."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        source = await desk.studio.upload(ann, png())
        ticket = await desk.studio.upscale(ann, source, upscaler="mend")
        job = await desk.outcome(ticket.job)
        (large,) = await desk.pictures.of_job(job.id)
        assert (large.width, large.height) == (40, 20)
        assert (job.paint.prompt, job.paint.model, job.parent) == ("", "mend", None)


async def test_impossible_enlargements_are_refused_before_anything_is_stored(
    tmp_path: Path,
) -> None:
    """Unknown networks and scales, too many pixels, pictures of strangers."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann)
        wide = await desk.studio.upload(ann, png(2100, 2))
        mine = f"picture:{row.id}"
        for source, options, refusal in (
            (mine, {"upscaler": "nope"}, UnknownModel),
            (mine, {"scale": 5}, InvalidRequest),
            (wide, {"scale": 4}, InvalidRequest),
            (mine, {"creative": 0.9}, InvalidRequest),
        ):
            with pytest.raises(refusal):
                await desk.studio.upscale(ann, source, **options)
        with pytest.raises(NotFound):
            await desk.studio.upscale(await desk.asker("eve", place="hall"), mine)
        assert len(await desk.studio.history(ann)) == 1
        assert desk.studio.scales(row) == (2, 4)
        assert desk.studio.scales((2100, 2)) == (2,)
        assert [network.name for network in desk.studio.upscalers()] == ["crisp", "mend"]


async def test_an_enlargement_is_cancelled_between_tiles(tmp_path: Path) -> None:
    """It stops at its next tile, and the share that is done is kept."""
    painter = SquarePainter()
    async with open_desk(tmp_path, painter=painter) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann)
        painter.hold()
        ticket = await desk.studio.upscale(ann, f"picture:{row.id}", scale=16, upscaler="mend")
        painter.step(2)
        await desk.until(lambda: _tile(desk) == 2)
        view = await desk.studio.view(ann, ticket.job.public)
        assert view.progress is not None
        assert (view.progress.stage, view.progress.steps) == (Stage.upscaling, TILES)
        await desk.studio.cancel(ann, ticket.job.public)
        painter.step()
        job = await desk.outcome(ticket.job)
        assert job.state is JobState.CANCELLED
        assert 0 < job.charge < job.cost


async def test_its_speed_is_learned_apart(tmp_path: Path) -> None:
    """Painting, painting and enlarging, and enlarging alone take their own time each."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann)
        ticket = await desk.studio.upscale(ann, f"picture:{row.id}")
        before = await desk.speeds.estimate("crisp-2", 32, 32, False, 1, 1)
        await desk.outcome(ticket.job)
        await painted(desk, ann, upscale=2)

        async def learned() -> list[float | None]:
            kinds = (("crisp-2", 1), ("squares+crisp-2", 4), ("squares", 4))
            return [await desk.speeds.estimate(k, 32, 32, False, n, 1) for k, n in kinds]

        async def all_learned() -> bool:
            return None not in await learned()

        await desk.until(all_learned)
        assert before is None
        assert await learned() == [0.25, 1.5, 1.5]
        second = await desk.studio.upscale(ann, f"picture:{row.id}")
        assert second.eta_s is not None


async def test_it_waits_and_survives_like_any_job(tmp_path: Path) -> None:
    """A death in the middle puts it back; the next start finishes it from the stored picture."""
    painter = SquarePainter()
    async with open_desk(tmp_path, painter=painter) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann)
        painter.hold()
        ticket = await desk.studio.upscale(ann, f"picture:{row.id}", key="k")
        painter.step()
        await desk.until(lambda: _tile(desk) == 1)
        again = await desk.studio.upscale(ann, f"picture:{row.id}", key="k")
        assert (again.created, again.job.id) == (False, ticket.job.id)
    async with open_desk(tmp_path) as desk:
        job = await desk.outcome(ticket.job)
        assert job.state is JobState.DONE


async def test_a_picture_that_is_deleted_meanwhile_fails_kindly(tmp_path: Path) -> None:
    """It costs nothing; neither does one whose picture was never there."""
    painter = SquarePainter()
    async with open_desk(tmp_path, painter=painter) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann)
        painter.hold()
        await desk.order("something before it")
        ticket = await desk.studio.upscale(ann, f"picture:{row.id}")
        await desk.studio.delete_picture(ann, row.id)
        painter.release()
        job = await desk.outcome(ticket.job)
        assert (job.state, job.error, job.charge) == (JobState.FAILED, "source_gone", 0)
        with pytest.raises(NotFound):
            await desk.studio.upscale(ann, f"picture:{row.id}")
        with pytest.raises(SourceGone):
            await desk.studio.upscale(ann, "upload:" + "0" * 32)


async def test_what_comes_of_a_private_picture_is_private(tmp_path: Path) -> None:
    """Nobody who was not shown the picture is shown the large one."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann, private=True)
        ticket = await desk.studio.upscale(ann, f"picture:{row.id}")
        assert ticket.job.private
        with pytest.raises(NotFound):
            await desk.studio.view(await desk.asker("bob"), ticket.job.public)
        with pytest.raises(NotFound):
            await desk.studio.upscale(await desk.asker("bob"), f"picture:{row.id}")


async def test_the_same_again_is_painted_and_enlarged(tmp_path: Path) -> None:
    """Again means another picture of that size; what makes it can be typed, too."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann, seed=7, steps=3, style="poster")
        twice = await desk.outcome(
            (await desk.studio.upscale(ann, f"picture:{row.id}", scale=2)).job
        )
        (large,) = await desk.pictures.of_job(twice.id)
        eight = await desk.outcome(
            (await desk.studio.upscale(ann, f"picture:{large.id}", scale=4)).job
        )
        for job, scale in ((twice, 2), (eight, 8)):
            ticket = await desk.studio.again(ann, job.public)
            paint = ticket.job.paint
            assert paint.paints
            assert paint.upscale == Upscale(scale=scale, network="crisp")
            assert (paint.width, paint.height, paint.steps) == (32, 32, 3)
            assert paint.prompt == job.paint.prompt
            assert paint.seed != 7
            typed = parse(format_job(job))
            assert (typed.prompt, typed.seed, typed.style) == ("a fox", 7, "poster")
            assert (typed.upscale, typed.upscaler, typed.width) == (scale, "crisp", 32)
        other = await desk.studio.again(ann, twice.public, changes={"model": "plain"})
        assert (other.job.paint.model, other.job.paint.final_size) == ("plain", (64, 64))
        less = await desk.studio.again(ann, twice.public, changes={"upscale": 1})
        assert less.job.paint.upscale is None


async def test_an_enlarged_picture_is_varied(tmp_path: Path) -> None:
    """The variation starts from the large one, at the size its model paints."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann)
        job = await desk.outcome((await desk.studio.upscale(ann, f"picture:{row.id}")).job)
        (large,) = await desk.pictures.of_job(job.id)
        ticket = await desk.studio.vary(ann, large.id, strong=False)
        varied = await desk.outcome(ticket.job)
        assert varied.state is JobState.DONE
        assert (varied.paint.source, varied.paint.width) == (f"picture:{large.id}", 32)
        assert varied.paint.final_size == (64, 64)


async def test_what_was_brought_along_has_no_words_to_paint_again(tmp_path: Path) -> None:
    """Again enlarges it once more; painting from it needs somebody's words."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        source = await desk.studio.upload(ann, png())
        job = await desk.outcome((await desk.studio.upscale(ann, source)).job)
        (large,) = await desk.pictures.of_job(job.id)
        assert format_job(job) == ""
        again = await desk.studio.again(ann, job.public)
        assert (again.job.paint.upscale, again.job.parent) == (job.paint.upscale, job.public)
        four = await desk.studio.again(ann, job.public, changes={"upscale": 4, "prompt": None})
        assert four.job.paint.final_size == (80, 40)
        for use in (
            desk.studio.vary(ann, large.id, strong=True),
            desk.studio.again(ann, job.public, changes={"steps": 3}),
        ):
            with pytest.raises(InvalidRequest) as caught:
                await use
            assert caught.value.field == "prompt"
        fox = await desk.studio.vary(ann, large.id, strong=True, prompt="a fox")
        assert (fox.job.paint.source, fox.job.paint.prompt) == (f"picture:{large.id}", "a fox")
        cat = await desk.studio.again(ann, job.public, changes={"prompt": "a cat"})
        assert (cat.job.paint.source, cat.job.paint.upscale) == (source, None)


async def test_defaults_enlarge_where_nothing_else_was_asked(tmp_path: Path) -> None:
    """They fill the gap; 1 says no; they never apply to a variation of a smaller one."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        plain = await desk.outcome(await desk.order())
        for wrong in ({"upscale": 5}, {"upscaler": "nope"}, {"creative": 2.0}):
            with pytest.raises(Refusal):
                await desk.studio.save_defaults(ann, Ask(prompt="", **wrong))
        await desk.studio.save_defaults(ann, Ask(prompt="", upscale=4, upscaler="mend"))
        ann = await desk.asker()
        assert (await desk.order()).paint.upscale == Upscale(scale=4, network="mend")
        assert (await desk.order(upscale=1)).paint.upscale is None
        assert (await desk.order(upscaler="crisp")).paint.upscale == Upscale(
            scale=4, network="crisp"
        )
        assert (await desk.studio.again(ann, plain.public)).job.paint.upscale is None
        await desk.people.save_defaults(
            ann.person.id, Ask(prompt="", upscale=4, upscaler="gone").to_json()
        )
        ticket = await desk.studio.paint(await desk.asker(), Ask(prompt="a fox"))
        assert [(n.code, n.field) for n in ticket.notes] == [("default_dropped", "upscaler")]
        assert ticket.job.paint.upscale == Upscale(scale=4, network="crisp")


async def test_the_rules_of_a_place_hold_for_enlarging(tmp_path: Path) -> None:
    """Words, models for being creative, budgets, pauses; a picture without words passes."""
    async with open_desk(tmp_path, budget=2) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann)
        source = await desk.studio.upload(ann, png())
        boss = await desk.asker("boss", admin=True)
        await desk.office.change(boss, words=("fox",), models={"plain"})
        ann = await desk.asker()
        with pytest.raises(BlockedWord):
            await desk.studio.upscale(ann, f"picture:{row.id}")
        await desk.studio.upscale(ann, source)
        with pytest.raises(Unusable):  # the only model that is allowed starts from no picture
            await desk.studio.upscale(ann, source, creative=0.3)
        await desk.office.change(boss, words=())
        ann = await desk.asker()
        with pytest.raises(ModelNotAllowed):
            await desk.studio.upscale(ann, f"picture:{row.id}", creative=0.3)
        await desk.office.change(boss, models=())
        ann = await desk.asker()
        wide = await desk.studio.upload(ann, png(1000, 1000))
        with pytest.raises(OverBudget):
            await desk.studio.upscale(ann, wide, scale=4, upscaler="mend")
        await desk.office.pause(boss, True)
        with pytest.raises(Paused):
            await desk.studio.upscale(await desk.asker(), source)


async def test_being_creative_needs_a_model_and_costs_its_painting(tmp_path: Path) -> None:
    """An own picture with the model it came from, any other with the default one."""
    async with open_desk(tmp_path, running=False) as desk:
        ann = await desk.asker()
        source = await desk.studio.upload(ann, png(32, 32))
        plain = await desk.studio.upscale(ann, source)
        creative = await desk.studio.upscale(ann, source, creative=0.25)
        assert creative.job.paint.model == "squares"
        assert creative.job.paint.kind == "crisp-2~squares-2"
        assert creative.job.cost == plain.job.cost + 1  # four times the area, a quarter of it
        assert creative.eta_s is not None
        ticket = await desk.studio.paint(
            ann, Ask(prompt="x", model="plain", upscale=2, creative=0.2)
        )
        assert [(n.code, n.field) for n in ticket.notes] == [("unused", "creative")]


async def test_transparency_survives(tmp_path: Path) -> None:
    """A picture with an alpha channel is still transparent when it is large."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        source = await desk.studio.upload(ann, png(mode="RGBA"))
        job = await desk.outcome((await desk.studio.upscale(ann, source)).job)
        (large,) = await desk.pictures.of_job(job.id)
        with Image.open(desk.pictures.path(large)) as image:
            assert (image.mode, image.getpixel((3, 3))) == ("RGBA", (10, 20, 30, 40))


def _tile(desk: Desk) -> int:
    painting = desk.line.painting
    progress = None if painting is None else painting.progress
    return progress.step if progress is not None and progress.stage is Stage.upscaling else 0


async def test_a_second_look_decodes_again_without_painting(tmp_path: Path) -> None:
    """One of several is picked out: same seed and words, one step, and cheaper than painting."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        ticket = await desk.studio.paint(ann, Ask(prompt="a fox", seed=7, count=3), private=True)
        await desk.outcome(ticket.job)
        rows = await desk.pictures.of_job(ticket.job.id)
        assert all(row.latent for row in rows)
        looked = await desk.studio.second_look(ann, rows[1].id)
        events = await desk.events(looked.job)
        stages = {each.progress.stage for each in events if each.progress is not None}
        assert stages == {Stage.developing}
        job = await desk.outcome(looked.job)
        assert (job.paint.seed, job.paint.kind, job.paint.prompt) == (8, "squares!hd", "a fox")
        assert (job.private, job.parent, job.cost) == (True, ticket.job.public, 0.5)
        (row,) = await desk.pictures.of_job(job.id)
        with (
            Image.open(desk.pictures.path(row)) as one,
            Image.open(desk.pictures.path(rows[1])) as other,
        ):
            assert one.getpixel((0, 0)) == other.getpixel((0, 0))
        large = await desk.studio.upscale(ann, f"picture:{row.id}")
        assert large.job.paint.kind == "crisp-2"
        again = await desk.studio.again(ann, job.public)
        assert (again.job.paint.paints, again.job.paint.steps) == (True, 4)


async def test_a_second_look_at_what_was_enlarged_is_enlarged_too(tmp_path: Path) -> None:
    """It comes out as large as the picture that was picked."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        row = await painted(desk, ann, upscale=2)
        looked = await desk.studio.second_look(ann, row.id)
        assert looked.job.paint.kind == "squares!hd+crisp-2"
        job = await desk.outcome(looked.job)
        (large,) = await desk.pictures.of_job(job.id)
        assert (large.width, large.height) == (64, 64)


async def test_a_second_look_may_be_impossible(tmp_path: Path) -> None:
    """Without a full decoder, without latents any more, or with somebody else's picture."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        plain = await painted(desk, ann, model="plain")
        assert not plain.latent
        with pytest.raises(Unusable):
            await desk.studio.second_look(ann, plain.id)
        row = await painted(desk, ann)
        with pytest.raises(NotFound):
            await desk.studio.second_look(await desk.asker("eve", place="hall"), row.id)
        desk.painter.hold()
        before = await desk.order("something else")
        waiting = await desk.studio.second_look(ann, row.id)
        desk.pictures.path(row).with_suffix(".latent").unlink()
        desk.painter.release()
        with pytest.raises(NotFound) as caught:
            await desk.studio.second_look(ann, row.id)
        assert caught.value.what == "latent"
        await desk.outcome(before)
        assert (await desk.outcome(waiting.job)).error == "source_gone"
