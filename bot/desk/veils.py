"""Owns what becomes of pictures that a classifier finds harmful, and what files say of themselves.

Each place has rules about both; the operator's hold where it says nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from engine.request import Note
from storage.picture import Veil

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.thread import Encoded
    from storage.jobs import Job
    from storage.pictures import NewPicture
    from storage.places import Places

log = structlog.get_logger(__name__)

FLAGGED = {"show": Veil.OPEN, "spoiler": Veil.SPOILER, "withhold": Veil.WITHHELD}
"""What can become of such a picture, as it is called in rules and settings."""
CODES = {Veil.SPOILER: "veiled", Veil.WITHHELD: "withheld"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the pictures of one job are treated: the `veil` of harmful ones, from `harm` on.

    `previews` shows pictures while they are painted, `metadata` lets files say how they were made.
    """

    veil: Veil
    harm: float
    previews: bool = True
    metadata: bool = True

    def of(self, picture: Encoded) -> Veil:
        """How a finished picture is shown."""
        return self.veil if picture.harm >= self.harm else Veil.OPEN

    def notes(self, job: Job, kept: Sequence[NewPicture]) -> tuple[Note, ...]:
        """What the asker hears of pictures that are not shown as they are."""
        found = Counter(CODES[each.veil] for each in kept if each.veil in CODES)
        for code, count in found.items():
            log.warning("pictures were flagged", what=code, pictures=count, of=len(kept))
        return tuple(
            Note(
                code=code,
                field="picture",
                model=job.paint.model,
                given=str(count),
                used=str(len(kept)),
            )
            for code, count in found.items()
        )


class Veils:
    """Knows the manners of every place."""

    def __init__(
        self, *, places: Places, judged: bool = False, flagged: str = "spoiler", harm: float = 0.5
    ) -> None:
        """`judged` is whether a classifier looks at pictures; `flagged` and `harm` are usual."""
        self._places = places
        self._judged = judged
        self._usual = flagged
        self._harm = harm

    async def manners(self, job: Job) -> Manners:
        """How the pictures of this job are treated."""
        rules = (await self._places.get(job.place)).rules
        veil = FLAGGED[rules.flagged or self._usual]
        return Manners(
            veil=veil,
            harm=self._harm,
            # What may have to be hidden is not shown half-finished.
            previews=not self._judged or veil is Veil.OPEN,
            metadata=rules.metadata,
        )
