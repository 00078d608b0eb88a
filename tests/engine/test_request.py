"""What may be asked of the engine, and what it costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalogue import Model
from engine.errors import BrokenModel, InvalidRequest, UnknownModel, Unusable
from engine.networks import Network, Networks
from engine.request import LONGEST_SIDE, SEEDS, Ask, Limits, Note, Paint, Resolved, Upscale
from engine.resolving import cost, resolve

GUIDED = Model(
    name="guided",
    title="Guided",
    family="stable-diffusion",
    folder=Path(),
    sizes=((256, 256), (320, 192), (192, 320)),
    default_steps=8,
    max_steps=30,
    default_guidance=3.0,
    max_guidance=15.0,
    negative=True,
    guidance=True,
    image_to_image=True,
)
TURBO = replace(
    GUIDED, name="turbo", default_steps=1, default_guidance=0.0, negative=False, guidance=False
)


CRISP = Network(name="crisp", title="Crisp", folder=Path(), files={2: Path("x2.xml")}, price=0.25)
MEND = Network(name="mend", title="Mend", folder=Path(), files={4: Path("x4.xml")}, price=2.0)
NETWORKS = Networks(networks={"crisp": CRISP, "mend": MEND}, broken={"worn": "it is worn"})


def ask(
    model: Model = GUIDED, *, exact: bool = False, defaults: Ask | None = None, **given: object
) -> Resolved:
    values: dict[str, Any] = {"prompt": "a fox"} | given
    return resolve(
        Ask(**values),
        model,
        draw_seed=lambda: 77,
        exact=exact,
        defaults=defaults,
        networks=NETWORKS,
    )


def test_gaps_are_filled_from_the_model() -> None:
    """Whatever was left open takes the model's own defaults, and the seed is drawn."""
    paint = ask().paint
    assert (paint.width, paint.height, paint.steps, paint.guidance) == (256, 256, 8, 3.0)
    assert (paint.seed, paint.count, paint.negative) == (77, 1, "")


def test_a_default_picture_costs_one_credit() -> None:
    """One picture at the model's defaults is the unit; count, steps and area scale it."""
    assert ask().cost == 1
    assert ask(count=4).cost == 4
    assert ask(steps=16).cost == 2
    assert ask(aspect="5:3").cost == pytest.approx(0.94)
    assert ask(source="x", strength=0.5).cost == 0.5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", " \n "),
        ("prompt", "x" * 3000),
        ("steps", 0),
        ("steps", 31),
        ("guidance", -1.0),
        ("guidance", float("nan")),
        ("guidance", 99.0),
        ("seed", -1),
        ("seed", SEEDS),
        ("count", 0),
        ("count", 5),
        ("strength", 0.0),
        ("strength", 1.5),
        ("aspect", "wide"),
        ("aspect", "3:0"),
        ("aspect", "0:3"),
        ("aspect", "1:2:3"),
        ("aspect", "inf:1"),
    ],
)
def test_an_impossible_value_is_refused_with_the_allowed_range(field: str, value: object) -> None:
    """Nothing is corrected silently: the refusal names the field and what is possible."""
    extra: dict[str, Any] = {"source": "x"} if field == "strength" else {}
    with pytest.raises(InvalidRequest) as caught:
        ask(**{field: value, **extra})
    assert caught.value.field == field
    assert caught.value.allowed


def test_only_sizes_the_model_was_made_for_are_taken() -> None:
    """A size between the native ones is refused, with the list of those that exist."""
    assert ask(width=320, height=192).paint.width == 320
    assert ask(width=192).paint.height == 320
    with pytest.raises(InvalidRequest, match="320×192"):
        ask(width=300, height=200)
    with pytest.raises(InvalidRequest):
        ask(width=256, height=256, aspect="1:1")


def test_an_aspect_takes_the_nearest_size_and_says_so() -> None:
    """3:2 does not exist exactly; the asker hears what is painted instead."""
    resolved = ask(aspect="3:2")
    assert (resolved.paint.width, resolved.paint.height) == (320, 192)
    assert [(n.code, n.given, n.used) for n in resolved.notes] == [
        ("nearest_size", "3:2", "320×192")
    ]
    assert ask(aspect="1:1").notes == ()


def test_what_a_model_cannot_use_is_said_or_refused() -> None:
    """People get their picture and a note; exact callers get a refusal."""
    resolved = ask(TURBO, negative="clouds", guidance=5.0)
    assert {n.field for n in resolved.notes} == {"negative", "guidance"}
    assert resolved.paint.negative == ""
    assert resolved.paint.guidance == 0.0
    with pytest.raises(Unusable):
        ask(TURBO, negative="clouds", exact=True)


def test_defaults_fill_gaps_and_are_dropped_where_they_do_not_apply() -> None:
    """Personal defaults never stand in the way: what does not apply is dropped and listed."""
    defaults = Ask(prompt="", steps=12, negative="people", width=512, height=512, count=2)
    resolved = ask(defaults=defaults)
    assert resolved.paint.steps == 12
    assert resolved.paint.negative == "people"
    assert resolved.paint.count == 2
    assert {n.field for n in resolved.notes} == {"width", "height"}
    assert all(n.code == "default_dropped" for n in resolved.notes)
    assert ask(defaults=defaults, steps=5).paint.steps == 5
    assert ask(TURBO, defaults=defaults).notes[0] == Note(
        code="default_dropped", field="negative", model="turbo"
    )


def test_a_default_size_gives_way_to_an_asked_aspect() -> None:
    """Somebody's usual size is no contradiction to the shape they ask for now."""
    defaults = Ask(prompt="", width=256, height=256)
    assert ask(defaults=defaults, aspect="9:16").paint.height == 320


def test_picture_i_alone_is_the_request_with_its_own_seed() -> None:
    """Picture i uses seed + i, and the seeds wrap at their end."""
    paint = ask(seed=SEEDS - 1, count=2).paint
    assert [paint.alone(i).seed for i in range(2)] == [SEEDS - 1, 0]
    assert paint.alone(1).count == 1


def test_enlarging_costs_by_the_megapixel() -> None:
    """On top of the painting, at the network's price; at least a hundredth a picture."""
    large = ask(upscale=4)
    assert large.paint.upscale == Upscale(scale=4, network="crisp")
    assert (large.paint.final_size, large.paint.kind) == ((1024, 1024), "guided+crisp-4")
    assert large.cost == pytest.approx(1.27)  # 1.05 megapixels at 0.25
    assert ask(upscale=4, upscaler="mend", count=2).cost == pytest.approx(2 * 3.10, abs=0.01)
    assert ask(TURBO, upscale=1) == ask(TURBO)
    tiny = replace(large.paint, width=8, height=8, upscale=Upscale(scale=2, network="x", of="y"))
    assert cost(tiny, None, CRISP) == 0.01
    creative = ask(upscale=2, creative=0.25)
    assert creative.cost == pytest.approx(ask(upscale=2).cost + 1)  # a quarter of four pictures
    assert creative.paint.kind == "guided+crisp-2~guided-2"
    least = ask(upscale=2, creative=0.05, steps=1)  # each of four tiles takes a whole step
    assert least.cost == pytest.approx(ask(upscale=2, steps=1).cost + 4 / GUIDED.default_steps)
    wide = Upscale(scale=2, network="x", of="y", creative=0.25)  # painted over in 16 whole tiles
    stripe = replace(large.paint, width=2048, height=1, upscale=wide)
    assert cost(stripe, GUIDED) == pytest.approx(16 * 0.25)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"upscale": 0}, "upscale"),
        ({"upscale": 5}, "upscale"),
        ({"upscale": -2}, "upscale"),
        ({"upscale": 2, "creative": 0.01}, "creative"),
        ({"upscale": 2, "creative": 0.61}, "creative"),
    ],
)
def test_impossible_enlargements_are_refused(given: dict[str, Any], field: str) -> None:
    """With what is possible."""
    with pytest.raises(InvalidRequest) as caught:
        ask(**given)
    assert caught.value.field == field
    assert caught.value.allowed


def test_nothing_becomes_larger_than_the_largest() -> None:
    """8192 pixels a side are possible, one more tile is not; a default gives way instead."""
    big = replace(GUIDED, sizes=((512, 512), (1024, 512)))
    assert ask(big, upscale=16).paint.final_size == (8192, 8192)
    with pytest.raises(InvalidRequest) as caught:
        ask(big, width=1024, height=512, upscale=16)
    assert (caught.value.value, caught.value.allowed) == ("×16 of 1024×512", "8192×8192")
    resolved = ask(big, width=1024, height=512, defaults=Ask(prompt="", upscale=16))
    assert [(n.code, n.field) for n in resolved.notes] == [("default_dropped", "upscale")]
    assert resolved.paint.upscale is None


def test_networks_are_chosen_by_name() -> None:
    """Those that are broken or unknown are refused; without any, nothing is enlarged."""
    with pytest.raises(UnknownModel):
        ask(upscale=2, upscaler="nope")
    with pytest.raises(BrokenModel):
        ask(upscale=2, upscaler="worn")
    with pytest.raises(UnknownModel):
        resolve(Ask(prompt="x", upscale=2), GUIDED, draw_seed=lambda: 0)


def test_options_of_an_enlargement_that_is_none_are_said() -> None:
    """A network or creativity without a scale, and creativity with a model that cannot."""
    assert {n.field for n in ask(upscaler="mend", creative=0.3).notes} == {"upscaler", "creative"}
    plain = replace(GUIDED, image_to_image=False)
    assert [n.field for n in ask(plain, upscale=2, creative=0.3).notes] == ["creative"]
    with pytest.raises(Unusable):
        ask(plain, upscale=2, creative=0.3, exact=True)
    usual = Ask(prompt="", upscale=2)
    assert ask(upscaler="mend", defaults=usual).paint.upscale == Upscale(scale=2, network="mend")
    assert ask(upscale=1, defaults=usual).paint.upscale is None


def test_a_request_that_only_enlarges_tells_how_its_picture_was_painted() -> None:
    """It needs that picture, takes one step, and is written and read like any other."""
    painted = ask(source="upload:1", strength=0.5, guidance=5.0).paint
    paint = replace(painted, upscale=Upscale(scale=2, network="crisp", of="picture:7"))
    assert (painted.needs, paint.needs) == ("upload:1", "picture:7")
    assert (paint.paints, paint.working_steps, paint.guided) == (False, 1, False)
    assert (paint.kind, paint.final_size) == ("crisp-2", (512, 512))
    assert Paint.from_json(paint.to_json()) == paint
    later = json.loads(paint.to_json())
    later["upscale"]["mood"] = later["mood"] = "merry"
    assert Paint.from_json(json.dumps(later)) == paint
    assert cost(paint, GUIDED, CRISP) == 0.07


@given(
    st.builds(
        Ask,
        prompt=st.text(),
        negative=st.none() | st.text(),
        steps=st.none() | st.integers(),
        guidance=st.none() | st.floats(allow_nan=False),
        aspect=st.none() | st.text(),
        seed=st.none() | st.integers(),
        count=st.none() | st.integers(),
        strength=st.none() | st.floats(allow_nan=False),
        source=st.none() | st.text(),
        width=st.none() | st.integers(),
        upscale=st.none() | st.integers(-1, 17),
        upscaler=st.none() | st.sampled_from(["crisp", "mend"]),
        creative=st.none() | st.floats(allow_nan=False),
    )
)
def test_any_ask_is_resolved_within_limits_or_refused(asked: Ask) -> None:
    """Whatever is typed: a complete request inside every limit, or a refusal; never a crash."""
    assert Ask.from_json(asked.to_json()) == asked
    try:
        resolved = resolve(asked, GUIDED, draw_seed=lambda: 5, networks=NETWORKS)
    except InvalidRequest:
        return
    paint = resolved.paint
    assert (paint.width, paint.height) in GUIDED.sizes
    assert 1 <= paint.working_steps <= paint.steps <= Limits().max_steps
    assert 1 <= paint.count <= Limits().max_count
    network = None if paint.upscale is None else NETWORKS.get(paint.upscale.network)
    assert resolved.cost == cost(paint, GUIDED, network) >= 0.01
    assert max(paint.final_size) <= LONGEST_SIDE
    assert Paint.from_json(paint.to_json()) == paint
