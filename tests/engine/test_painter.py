"""How far a painting is, whatever it goes through."""

from __future__ import annotations

from dataclasses import replace

from engine.painter import Progress, Stage


def test_the_share_grows_through_all_stages() -> None:
    """Steps, then tiles, then tiles again; of one picture, then of the next; to the end."""
    shares = [
        Progress(
            index=index,
            count=2,
            step=step,
            steps=steps,
            stage=stage,
            stage_index=number,
            stages=3,
        ).share
        for index in range(2)
        for number, (stage, steps) in enumerate(
            [(Stage.painting, 4), (Stage.upscaling, 9), (Stage.refining, 1)]
        )
        for step in range(1, steps + 1)
    ]
    assert shares == sorted(set(shares))
    assert 0 < shares[0] < 0.1
    assert shares[-1] == 1


def test_painting_alone_is_its_only_stage() -> None:
    """Half of the steps are half of the picture."""
    progress = Progress(index=0, count=1, step=2, steps=4)
    assert (progress.share, progress.stage) == (0.5, Stage.painting)
    assert replace(progress, index=1, count=2).share == 0.75
