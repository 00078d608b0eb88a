"""Owns how fast this machine paints: seconds per step, learned per model, size and guidance."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database

WEIGHT = 0.3
"""How much the newest painting counts against all before it."""

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


class Speeds:
    """Learns from every painting and estimates the next; reads the database once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[_Kind, _Speed] | None = None

    async def learn(
        self,
        model: str,
        width: int,
        height: int,
        guided: bool,
        step_seconds: float,
        other_seconds: float,
    ) -> None:
        """A picture of this kind took that long per step, and that long for all the rest of it."""
        known = await self._load()
        values = {
            "model": model,
            "width": width,
            "height": height,
            "guided": int(guided),
            "step_seconds": step_seconds,
            "other_seconds": other_seconds,
            "weight": WEIGHT,
        }
        async with self._db.transaction() as transaction:
            row = await transaction.one(LEARN, values)
        assert row is not None
        known[_Kind(model, width, height, guided)] = _Speed(
            step_seconds=row["step_seconds"], other_seconds=row["other_seconds"]
        )

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
    same_model = [kind for kind in known if kind.model == wanted.model]
    if not same_model:
        return None
    area = wanted.width * wanted.height
    nearest = min(
        same_model,
        key=lambda kind: (abs(kind.width * kind.height - area), kind.guided != wanted.guided),
    )
    scale = area / (nearest.width * nearest.height)
    guidance = (1 + wanted.guided) / (1 + nearest.guided)
    speed = known[nearest]
    return _Speed(
        step_seconds=speed.step_seconds * scale * guidance,
        other_seconds=speed.other_seconds * scale,
    )
