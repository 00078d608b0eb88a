"""What other programs always send becomes what a model can do, and every difference is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.on_api.nearest import (
    HEADER_LENGTH,
    Adjusted,
    nearest,
    nearest_scale,
    nearest_size,
    scheduler_called,
    told,
)
from engine.networks import SCALES
from engine.request import LONGEST_SIDE, Ask
from engine.resolving import resolve
from tests.fakes import PLAIN, SQUARES, networks

WIDE = replace(SQUARES, sizes=((512, 512), (768, 512), (512, 768), (1024, 1024)), inpainting=True)
WHOLE = st.none() | st.integers(-(2**53), 2**53)
REAL = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(
    model=st.sampled_from(
        [SQUARES, PLAIN, WIDE, replace(WIDE, schedulers=("lcm", "euler"), scheduler="lcm")]
    ),
    ask=st.builds(
        Ask,
        prompt=st.just("a fox"),
        negative=st.none() | st.just("fog"),
        width=WHOLE,
        height=WHOLE,
        steps=WHOLE,
        guidance=REAL,
        seed=WHOLE,
        count=WHOLE,
        strength=REAL,
        source=st.none() | st.just("upload:1"),
        mask=st.none() | st.just("alpha"),
        scheduler=st.none() | st.text(max_size=20) | st.sampled_from(["LCM", "Euler a", "DDIM"]),
        upscale=WHOLE,
        upscaler=st.none() | st.sampled_from(["mend", "R-ESRGAN 4x+"]),
        creative=REAL,
    ),
)
def test_whatever_is_sent_can_be_painted(model: object, ask: Ask) -> None:
    """No number is refused; and what was possible already stays as it is."""
    assert isinstance(model, type(SQUARES))
    here = networks()
    fitted, _ = nearest(ask, model, networks=here.ordered)
    if fitted.source is not None and not model.image_to_image:
        return  # which is refused elsewhere
    resolve(fitted, model, draw_seed=lambda: 1, networks=here, exact=fitted.source is None)
    again, adjusted = nearest(fitted, model, networks=here.ordered)
    assert (again, adjusted) == (fitted, ())


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ((512, 512), (512, 512)),
        ((513, 511), (512, 512)),
        ((1920, 1080), (768, 512)),
        ((1080, 1920), (512, 768)),
        ((4096, 4096), (1024, 1024)),
        ((64, 64), (512, 512)),
        ((1, 10**9), (512, 768)),
    ],
)
def test_the_shape_matters_first_and_then_the_area(
    asked: tuple[int, int], used: tuple[int, int]
) -> None:
    """A wide picture stays wide, a large one becomes the largest of its shape."""
    assert nearest_size(*asked, WIDE.sizes) == used


@given(st.floats(0.001, 10_000), st.integers(1, 9000), st.integers(1, 9000))
def test_a_scale_is_one_of_ours_and_fits(scale: float, width: int, height: int) -> None:
    """Nothing larger than can be kept; where nothing fits, nothing is enlarged."""
    used = nearest_scale(scale, width, height)
    assert used in (1, *SCALES)
    assert used == 1 or max(width, height) * used <= LONGEST_SIDE


def test_schedulers_are_known_by_their_names_elsewhere() -> None:
    """Families of names are one of ours; what we do not have is nobody's."""
    for name in ("Euler", "Euler a", "EULER"):
        assert scheduler_called(name) == "euler"
    for name in ("DPM++ 2M Karras", "dpm++", "DPM2"):
        assert scheduler_called(name) == "dpm++"
    assert (scheduler_called("LCM"), scheduler_called("TCD")) == ("lcm", "tcd")
    for name in ("DDIM", "UniPC", "Heun", ""):
        assert scheduler_called(name) is None


def test_what_everybody_sends_for_nothing_is_not_reported() -> None:
    """An open seed, the server's own scheduler, values that fit: there is nothing to tell."""
    ask = Ask(prompt="x", width=32, height=32, steps=4, guidance=1.0, seed=-1, scheduler="Default")
    fitted, adjusted = nearest(replace(ask, count=1), SQUARES)
    assert adjusted == ()
    assert fitted.seed is None and fitted.scheduler is None


@given(st.lists(st.builds(Adjusted, field=st.text(), given=st.text(), used=st.text()), max_size=60))
def test_the_report_fits_into_a_header(adjusted: list[Adjusted]) -> None:
    """Plain ASCII without line breaks, never longer than a header may be."""
    text = told(adjusted)
    assert len(text) <= HEADER_LENGTH
    assert all(" " <= each <= "~" for each in text)
