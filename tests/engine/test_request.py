"""What may be asked of the engine, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalogue import Model
from engine.errors import InvalidRequest, Unusable
from engine.request import SEEDS, Ask, Limits, Note, Paint, Resolved, cost, resolve

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
    )
)
def test_any_ask_is_resolved_within_limits_or_refused(asked: Ask) -> None:
    """Whatever is typed: a complete request inside every limit, or a refusal; never a crash."""
    assert Ask.from_json(asked.to_json()) == asked
    try:
        resolved = resolve(asked, GUIDED, draw_seed=lambda: 5)
    except InvalidRequest:
        return
    paint = resolved.paint
    assert (paint.width, paint.height) in GUIDED.sizes
    assert 1 <= paint.working_steps <= paint.steps <= Limits().max_steps
    assert 1 <= paint.count <= Limits().max_count
    assert resolved.cost == cost(paint, GUIDED) >= 0.01
    assert Paint.from_json(paint.to_json()) == paint
