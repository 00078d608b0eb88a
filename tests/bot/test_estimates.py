"""How long things are said to take, before and after they were timed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.desk.estimates import Estimates
from engine.networks import Networks
from storage.database import Database
from storage.speeds import Speeds
from tests.fakes import catalogue, networks


@asynccontextmanager
async def _estimates(
    folder: Path, offered: Networks | None = None
) -> AsyncIterator[tuple[Estimates, Speeds]]:
    db = await Database.open(folder / "data")
    speeds = Speeds(db)
    try:
        yield (
            Estimates(speeds=speeds, catalogue=catalogue(), networks=offered or networks()),
            speeds,
        )
    finally:
        await db.close()


async def test_what_was_timed_is_known(tmp_path: Path) -> None:
    """The very kind counts; another size of it is judged by its area."""
    async with _estimates(tmp_path) as (estimates, speeds):
        await speeds.learn("crisp-4", 100, 100, False, 2.0, 0.0)
        assert await estimates.seconds("crisp-4", 100, 100, False, 1, 1) == 2
        assert await estimates.seconds("crisp-4", 200, 100, False, 1, 3) == 12


async def test_painting_and_enlarging_add_up(tmp_path: Path) -> None:
    """Both were timed alone, so both together are no guess."""
    async with _estimates(tmp_path) as (estimates, speeds):
        await speeds.learn("squares", 32, 32, True, 1.0, 0.5)
        await speeds.learn("crisp-2", 32, 32, False, 3.0, 0.0)
        assert await estimates.seconds("squares+crisp-2", 32, 32, True, 4, 2) == 2 * (4.5 + 3)
        await speeds.learn("squares+crisp-2", 32, 32, True, 1.0, 9.0)
        assert await estimates.seconds("squares+crisp-2", 32, 32, True, 4, 1) == 13


@pytest.mark.parametrize(
    "kind",
    [
        "squares",
        "gone",
        "crisp-4",
        "gone-16",
        "squares+mend-8",
        "a model-2",
        "squares!hd",
        "squares!hd+crisp-2",
        "crisp-2~squares-3",
        "squares+crisp-2~squares-3",
        "crisp-2~gone-3",
        "mend-4~squares-0",
    ],
)
async def test_whatever_was_never_timed_is_guessed(tmp_path: Path, kind: str) -> None:
    """More for a larger one, more for several; also for what is not on offer any more."""
    async with _estimates(tmp_path) as (estimates, _):
        small = await estimates.seconds(kind, 256, 256, False, 4, 1)
        large = await estimates.seconds(kind, 1024, 1024, False, 4, 1)
        assert 0 < small < large < 3600 * 24
        assert await estimates.seconds(kind, 256, 256, False, 4, 3) == pytest.approx(3 * small)


async def test_a_heavier_network_takes_longer(tmp_path: Path) -> None:
    """A network's file tells how much there is to multiply; being creative comes on top."""
    offered = networks()
    for name, weight in (("crisp", 200_000), ("mend", 40_000_000)):
        for file in offered.networks[name].files.values():
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file.with_suffix(".bin").name).write_bytes(bytes(weight))
    moved = {
        name: replace(
            each, files={scale: tmp_path / name / file for scale, file in each.files.items()}
        )
        for name, each in offered.networks.items()
    }
    async with _estimates(tmp_path, Networks(networks=moved)) as (estimates, _):
        light, heavy, creative = [
            await estimates.seconds(kind, 512, 512, False, 1, 1)
            for kind in ("crisp-4", "mend-4", "crisp-4~squares-3")
        ]
        assert light < heavy
        assert light < creative
        assert heavy > 60
