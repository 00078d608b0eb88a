"""The starter's world, its captions and its renderer: what training is made of."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.starter.captions import (
    Scene,
    any_scene,
    between_times,
    caption,
    is_held_out,
    plain_caption,
    training_scene,
    unseen_scene,
)
from engine.starter.scenes import render
from engine.starter.world import ATTRIBUTES, NOTHING, world

LIGHTHOUSE = Scene(
    terrain="sea", time="sunset", sky="clear", subject="lighthouse", style="poster", seed=3
)


def test_the_world_is_large_enough() -> None:
    """Terrains, times, skies, subjects and styles are as many as we promise."""
    counts = {attribute: len(world().names(attribute)) for attribute in ATTRIBUTES}
    assert counts["terrain"] >= 7
    assert counts["time"] == 4
    assert counts["sky"] >= 6
    assert counts["subject"] >= 9
    assert counts["style"] >= 3


def test_everything_can_be_said_in_three_ways() -> None:
    """Each thing has at least three wordings."""
    for attribute in ATTRIBUTES:
        for name in world().names(attribute):
            assert len(set(world().phrases(attribute, name))) >= 3, name


def test_no_wording_means_two_things() -> None:
    """A wording belongs to one thing only."""
    told = world()
    said = [
        word
        for attribute in ATTRIBUTES
        for name in told.names(attribute)
        for word in dict.fromkeys(told.words(attribute, name))
    ]
    assert len(said) == len(set(said))


@pytest.mark.parametrize(("first", "second"), [("terrain", "subject"), ("sky", "time")])
def test_a_fifth_of_the_pairs_is_held_out(first: str, second: str) -> None:
    """At least one pair in five is kept from training, but no thing is kept out altogether."""
    told = world()
    held = set(told.held_out(first, second))
    every = len(told.names(first)) * len(told.names(second))
    assert len(held) / every >= 0.2
    for name in told.names(first):
        assert sum(a == name for a, _ in held) < len(told.names(second)) / 2
    for name in told.names(second):
        assert sum(b == name for _, b in held) < len(told.names(first)) / 2


def test_training_never_sees_a_held_out_pair() -> None:
    """Scenes drawn for training are free of held-out pairs, and they do occur otherwise."""
    rng = random.Random(1)
    assert not any(is_held_out(training_scene(rng)) for _ in range(3000))
    assert sum(is_held_out(any_scene(rng)) for _ in range(3000)) > 600


def test_light_between_two_times_has_no_name() -> None:
    """About every other training scene is lit between two times, and no caption says which."""
    told, rng = world(), random.Random(7)
    scenes = [between_times(training_scene(rng)) for _ in range(400)]
    between = [scene for scene in scenes if scene.toward]
    assert 120 < len(between) < 280
    times = {word for name in told.names("time") for word in told.words("time", name)}
    for scene in between:
        assert scene.toward != scene.time
        said = caption(scene, rng, named=frozenset(ATTRIBUTES)).replace(",", "")
        assert not any(f" {word} " in f" {said} " for word in times), said
    scene = between[0]
    mixed = np.asarray(render(scene))
    pure = np.asarray(render(replace(scene, toward="", share=0.0)))
    assert np.abs(mixed.astype(int) - pure).mean() > 1


def test_unseen_scenes_hold_both_kinds_of_pair() -> None:
    """What the judge asks for is new in terrain with subject and in sky with time."""
    told, rng = world(), random.Random(2)
    for _ in range(200):
        scene = unseen_scene(rng)
        assert told.is_held_out("terrain", scene.terrain, "subject", scene.subject)
        assert told.is_held_out("sky", scene.sky, "time", scene.time)


def test_captions_name_only_what_is_there() -> None:
    """No wording of an absent thing gets into a caption."""
    told, rng = world(), random.Random(3)
    for _ in range(1500):
        scene = any_scene(rng)
        own = {
            w
            for a in ATTRIBUTES
            if scene.value(a) != NOTHING
            for w in told.words(a, scene.value(a))
        }
        rest = caption(scene, rng)
        for word in sorted(own, key=len, reverse=True):
            rest = rest.replace(word, "#")
        for attribute in ATTRIBUTES:
            for name in told.names(attribute):
                for word in told.words(attribute, name):
                    assert f" {word} " not in f" {rest.replace(',', '')} ", (scene, rest)


def test_captions_leave_things_out() -> None:
    """Attributes are dropped at random, so that training learns to choose for itself."""
    rng = random.Random(4)
    said = {caption(LIGHTHOUSE, rng) for _ in range(400)}
    assert len(said) > 200
    assert any("lighthouse" in words and "sea" not in words for words in said)
    assert any("lighthouse" not in words for words in said)


def test_the_plain_caption_says_everything() -> None:
    """The plainest sentence names all five things."""
    assert plain_caption(LIGHTHOUSE) == (
        "a lighthouse on the sea at sunset, under a clear sky, as a poster"
    )


def test_rendering_is_repeatable() -> None:
    """One scene at one size is one picture; another seed is another picture."""
    first, again = render(LIGHTHOUSE, 128, 128), render(LIGHTHOUSE, 128, 128)
    other = render(replace(LIGHTHOUSE, seed=4), 128, 128)
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("size", [(256, 256), (320, 192), (192, 320), (97, 64)])
def test_any_size_is_rendered(size: tuple[int, int]) -> None:
    """Pictures come in the size asked for, and are not empty."""
    image = render(LIGHTHOUSE, *size)
    assert image.size == size
    assert np.asarray(image).std() > 10


def test_every_thing_can_be_rendered() -> None:
    """Each value of each attribute changes the picture."""
    for attribute in ATTRIBUTES:
        pages = set()
        for name in world().names(attribute):
            changed: dict[str, Any] = {attribute: name}
            pages.add(render(replace(LIGHTHOUSE, **changed), 64, 64).tobytes())
        assert len(pages) == len(world().names(attribute))
