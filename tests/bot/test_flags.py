"""The grammar of what people type."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.desk.errors import MissingValue, RepeatedFlag, UnknownFlag, UnreadableValue
from bot.desk.flags import FLAGS, MAX_TEXT, format_flags, parse, switches
from engine.errors import InvalidRequest, Refusal
from engine.networks import SCALES
from engine.request import SEEDS, Ask, Paint, Upscale
from engine.resolving import CREATIVE, resolve
from tests.fakes import PLAIN, SQUARES, networks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a red fox", Ask(prompt="a red fox")),
        ("a fox --ar 3:2", Ask(prompt="a fox", aspect="3:2")),
        ("a fox —ar 3:2", Ask(prompt="a fox", aspect="3:2")),
        ("a fox –ar 3:2", Ask(prompt="a fox", aspect="3:2")),
        ("--seed 7 a fox", Ask(prompt="a fox", seed=7)),
        ("a --steps 6 fox", Ask(prompt="a fox", steps=6)),
        ("a fox --SEED=7", Ask(prompt="a fox", seed=7)),
        ("a fox --cfg 3,5", Ask(prompt="a fox", guidance=3.5)),
        ("a fox --guidance 3", Ask(prompt="a fox", guidance=3.0)),
        ("a fox --count 2 --n 2", Ask(prompt="a fox", count=2)),
        ("a fox --size 256x192", Ask(prompt="a fox", width=256, height=192)),
        ("a fox --size=256×192", Ask(prompt="a fox", width=256, height=192)),
        ("a fox --model starter --strength .5", Ask(prompt="a fox", model="starter", strength=0.5)),
        ("a fox --no clouds", Ask(prompt="a fox", negative="clouds")),
        ("a fox --no red cars --seed 1", Ask(prompt="a fox", negative="red cars", seed=1)),
        ("a fox --no=red cars", Ask(prompt="a fox", negative="red cars")),
        ('a fox --no "red cars" at night', Ask(prompt="a fox at night", negative="red cars")),
        ("a fox --no “red cars” at night", Ask(prompt="a fox at night", negative="red cars")),
        ('a fox --no="red cars" at night', Ask(prompt="a fox at night", negative="red cars")),
        ("a fox --no cars --negative fog", Ask(prompt="a fox", negative="cars, fog")),
        ("--no clouds", Ask(prompt="", negative="clouds")),
        ("a well-lit room", Ask(prompt="a well-lit room")),
        ("a -- b", Ask(prompt="a -- b")),
        ("a — b", Ask(prompt="a — b")),
        ("the years 1990–2000", Ask(prompt="the years 1990–2000")),
        ("a castle —misty, old", Ask(prompt="a castle —misty, old")),
        ("a sign, \\--seed on it", Ask(prompt="a sign, --seed on it")),
        ('a sign "OPEN" --seed 3', Ask(prompt='a sign "OPEN"', seed=3)),
        ("it is --1 degree", Ask(prompt="it is --1 degree")),
        ("a fox --upscale 4", Ask(prompt="a fox", upscale=4)),
        ("a fox --up x2", Ask(prompt="a fox", upscale=2)),
        ("a fox --up 2×", Ask(prompt="a fox", upscale=2)),
        ("a fox --upscaler crisp", Ask(prompt="a fox", upscaler="crisp")),
        ("a fox —up=4 --creative .3", Ask(prompt="a fox", upscale=4, creative=0.3)),
        ("", Ask(prompt="")),
    ],
)
def test_what_people_type_is_understood(text: str, expected: Ask) -> None:
    """Flags anywhere, phones' dashes, quotes, aliases; hyphens in prompts stay what they are."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "refusal", "allowed"),
    [
        ("a fox --stpes 4", UnknownFlag, "--steps"),
        ("a fox —stpes 4", UnknownFlag, "--steps"),
        ("a fox --negativ fog", UnknownFlag, "--no"),
        ("a fox --quux", UnknownFlag, "--ar, --size"),
        ("a fox --seed", MissingValue, "7"),
        ("a fox --seed --steps 4", MissingValue, "7"),
        ("a fox --no", MissingValue, "clouds"),
        ("a fox --seed=", MissingValue, "7"),
        ('a fox --no ""', MissingValue, "clouds"),
        ("a fox --seed 1 --seed 2", RepeatedFlag, "1"),
        ("a fox --cfg 1 --guidance 2", RepeatedFlag, "1"),
        ("a fox --steps four", UnreadableValue, "6"),
        ("a fox --size big", UnreadableValue, "256x256"),
        ("a fox --guidance nan", UnreadableValue, "3.5"),
        ("x" * (MAX_TEXT + 1), InvalidRequest, "1–10000 characters"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_way_out(
    text: str, refusal: type[InvalidRequest], allowed: str
) -> None:
    """Nothing is guessed: the closest flag, an example or the first value comes along."""
    with pytest.raises(InvalidRequest) as caught:
        parse(text)
    assert type(caught.value) is refusal
    assert caught.value.allowed.startswith(allowed)


def test_flags_win_over_what_was_chosen_elsewhere() -> None:
    """A form's or a command's options fill in what the text leaves open."""
    given_ask = Ask(prompt="ignored", seed=1, steps=3, source="upload:1")
    assert parse("a fox --seed 2", given_ask) == Ask(
        prompt="a fox", seed=2, steps=3, source="upload:1"
    )


TYPED = st.lists(
    st.one_of(
        st.sampled_from(
            [*(f"--{name}" for name in FLAGS), "—ar", "–no", "--", "—", '"', "“", "”", "\\--ar"]
        ),
        st.text(max_size=8),
        st.sampled_from(["3:2", "7", "0.5", "256x256", "a", "fox"]),
    ),
    max_size=20,
).map(" ".join)


@given(TYPED)
@example("--no --no --no")
@example('--no " --no "')
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """No text makes it fail in another way, and the prompt is never more than what was typed."""
    try:
        ask = parse(text)
    except Refusal:
        return
    assert len(ask.prompt) <= len(text)


WORDS = st.lists(
    st.one_of(
        st.text(min_size=1, max_size=8),
        st.sampled_from(["--seed", "—ar", "\\--no", "\\\\—x", '"a', 'b"', "“q”", "--", "—misty"]),
    ),
    min_size=1,
    max_size=8,
).map(lambda words: " ".join(" ".join(words).split()))


@given(
    prompt=WORDS.filter(bool),
    negative=WORDS,
    size=st.sampled_from(SQUARES.sizes),
    steps=st.integers(1, 50),
    guidance=st.floats(0, 20, allow_nan=False),
    seed=st.integers(0, SEEDS - 1),
    count=st.integers(1, 4),
    strength=st.none() | st.floats(0.05, 1),
    upscale=st.none()
    | st.builds(
        Upscale,
        scale=st.sampled_from(SCALES),
        network=st.sampled_from(["crisp", "mend"]),
        creative=st.none() | st.floats(*CREATIVE),
    ),
)
def test_a_request_survives_being_written_and_read(
    prompt: str,
    negative: str,
    size: tuple[int, int],
    steps: int,
    guidance: float,
    seed: int,
    count: int,
    strength: float | None,
    upscale: Upscale | None,
) -> None:
    """What `format_flags` writes is read as the same request, whatever stands in the prompt."""
    paint = Paint(
        prompt=prompt,
        negative=negative,
        model=SQUARES.name,
        width=size[0],
        height=size[1],
        steps=steps,
        guidance=guidance,
        seed=seed,
        count=count,
        source=None if strength is None else "upload:1",
        strength=0.6 if strength is None else strength,
        upscale=upscale,
    )
    ask = replace(parse(format_flags(paint, SQUARES)), source=paint.source)
    again = resolve(ask, SQUARES, draw_seed=lambda: 0, exact=True, networks=networks())
    assert (again.paint, again.notes) == (paint, ())


def test_what_a_model_does_not_take_is_not_written() -> None:
    """Copied parameters are never answered with a note."""
    paint = resolve(Ask(prompt="a fox"), PLAIN, draw_seed=lambda: 5).paint
    assert format_flags(paint, PLAIN) == "a fox --model plain --size 32x32 --steps 2 --seed 5"
    assert format_flags(paint, PLAIN, seed=False).endswith("--steps 2")


@pytest.mark.parametrize("typed", ["two", "2.5", "x", "2x3", "-2"])
def test_a_scale_is_a_whole_number(typed: str) -> None:
    """Which ones are possible the engine says; this is no number at all."""
    with pytest.raises(UnreadableValue) as caught:
        parse(f"a fox --upscale {typed}")
    assert (caught.value.field, caught.value.allowed) == ("upscale", "2")


def test_long_and_nasty_texts_are_read_quickly() -> None:
    """Nobody stops the bot with a text: the longest takes milliseconds."""
    nasty = [
        '--no "a ' * 1100,
        "—abc " * 1900,
        '"' * 9999,
        '--ar "x' + " y" * 4900,
        "\\" * 5000 + "--a",
        "--" * 5000,
    ]
    for text in nasty:
        began = time.process_time()
        with suppress(Refusal):
            parse(text)
        assert time.process_time() - began < 1


def test_what_stands_alone_takes_no_value() -> None:
    """`--spoiler` is about showing: it fills in nothing, wherever it stands, and is found apart."""
    assert parse("a fox --spoiler in snow --seed 7").prompt == "a fox in snow"
    assert parse("a fox --no clouds —spoiler").negative == "clouds"
    assert switches("a fox --seed 7 —Spoiler") == {"spoiler"}
    assert switches("a fox \\--spoiler --no spoiler") == frozenset()
    assert parse("a fox \\--spoiler").prompt == "a fox --spoiler"
    with pytest.raises(UnreadableValue):
        parse("a fox --spoiler=no")
    with pytest.raises(MissingValue):
        parse("a fox --seed --spoiler")


@pytest.mark.parametrize("text", ["a fox --style oil", "a fox --style=oil", "--style 'oil' a fox"])
def test_a_style_is_named_like_any_other_value(text: str) -> None:
    """Which ones there are is known elsewhere; what it stands for never passes through here."""
    assert parse(text.replace("'", '"')) == Ask(prompt="a fox", style="oil")
