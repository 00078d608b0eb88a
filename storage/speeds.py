"""Owns how fast this machine paints: seconds per step, learned per model, size and guidance."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database

WEIGHT = 0.3
"""How much the newest painting counts against all before it."""

MOST_SIZES = 60
"""So many sizes of a model are told apart: what people bring along has any size."""

LOAD = """
SELECT *
FROM speeds
"""

LEARN = """
INSERT INTO speeds (model, width, height, guided, step_seconds, other_seconds)
VALUES (:model, :width, :height, :guided, :step_seconds, :other_seconds)
ON CONFLICT (model, width, height, guided) DO UPDATE
SET step_seconds = step_seconds + :weight * (excluded.step_seconds - step_seconds),
    other_seconds = other_seconds + :weight * (excluded.other_seconds - other_seconds)
RETURNING *
"""


@dataclass(frozen=True, slots=True)
class _Kind:
    model: str
    width: int
    height: int
    guided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speed:
    step_seconds: float
    other_seconds: float


LOAD_TIMES = """
SELECT *
FROM load_times
"""

LEARN_LOAD_TIME = """
INSERT INTO load_times (model, seconds)
VALUES (:model, :seconds)
ON CONFLICT (model) DO UPDATE
SET seconds = seconds + :weight * (excluded.seconds - seconds)
RETURNING *
"""


class Speeds:
    """Learns from every painting and estimates the next; reads the database once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[_Kind, _Speed] | None = None
        self._load_times: dict[str, float] | None = None

    async def learn(
        self,
        model: str,
        width: int,
        height: int,
        guided: bool,
        step_seconds: float,
        other_seconds: float,
    ) -> None:
        """A picture of this kind took that long per step, and that long for all the rest of it.

        Where enough sizes are known, the nearest of them learns it instead.
        """
        known = await self._load()
        kind = _Kind(model, width, height, guided)
        seen = _Speed(step_seconds=step_seconds, other_seconds=other_seconds)
        if kind not in known and sum(each.model == model for each in known) >= MOST_SIZES:
            nearest = _nearest(kind, known)
            assert nearest is not None  # there are sixty
            kind, seen = nearest, _of_size(seen, kind, nearest)
        values = {
            "model": kind.model,
            "width": kind.width,
            "height": kind.height,
            "guided": int(kind.guided),
            "step_seconds": seen.step_seconds,
            "other_seconds": seen.other_seconds,
            "weight": WEIGHT,
        }
        async with self._db.transaction() as transaction:
            row = await transaction.one(LEARN, values)
        assert row is not None
        known[kind] = _Speed(step_seconds=row["step_seconds"], other_seconds=row["other_seconds"])

    async def estimate(
        self, model: str, width: int, height: int, guided: bool, steps: int, count: int
    ) -> float | None:
        """The seconds that `count` pictures of this kind will take; None if nothing is known.

        A size not painted yet is judged by the model's nearest one and their areas; guidance
        doubles a step.
        """
        known = await self._load()
        kind = _Kind(model, width, height, guided)
        speed = known.get(kind) or _scaled(kind, known)
        if speed is None:
            return None
        return count * (steps * speed.step_seconds + speed.other_seconds)

    async def learn_load(self, model: str, seconds: float) -> None:
        """From the disk to being ready, this model took that long."""
        known = await self._loading()
        values = {"model": model, "seconds": seconds, "weight": WEIGHT}
        async with self._db.transaction() as transaction:
            row = await transaction.one(LEARN_LOAD_TIME, values)
        assert row is not None
        known[model] = row["seconds"]

    async def load_seconds(self, model: str) -> float | None:
        """How long this model takes to be ready; None if it was never loaded here."""
        return (await self._loading()).get(model)

    async def _loading(self) -> dict[str, float]:
        if self._load_times is None:
            rows = await self._db.read(LOAD_TIMES)
            self._load_times = {row["model"]: row["seconds"] for row in rows}
        return self._load_times

    async def _load(self) -> dict[_Kind, _Speed]:
        if self._known is None:
            self._known = {
                _Kind(row["model"], row["width"], row["height"], bool(row["guided"])): _Speed(
                    step_seconds=row["step_seconds"], other_seconds=row["other_seconds"]
                )
                for row in await self._db.read(LOAD)
            }
        return self._known


def _scaled(wanted: _Kind, known: dict[_Kind, _Speed]) -> _Speed | None:
    """The speed of the nearest kind of the same model, scaled by the work per step."""
    nearest = _nearest(wanted, known)
    return None if nearest is None else _of_size(known[nearest], nearest, wanted)


def _nearest(wanted: _Kind, known: dict[_Kind, _Speed]) -> _Kind | None:
    """The kind of the same model whose area is the nearest."""
    area = wanted.width * wanted.height
    return min(
        (kind for kind in known if kind.model == wanted.model),
        key=lambda kind: (abs(kind.width * kind.height - area), kind.guided != wanted.guided),
        default=None,
    )


def _of_size(speed: _Speed, seen: _Kind, wanted: _Kind) -> _Speed:
    """What was seen of one kind, as it would be of another."""
    scale = wanted.width * wanted.height / (seen.width * seen.height)
    guidance = (1 + wanted.guided) / (1 + seen.guided)
    return _Speed(
        step_seconds=speed.step_seconds * scale * guidance,
        other_seconds=speed.other_seconds * scale,
    )
