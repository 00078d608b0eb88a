"""What was measured of a network on this machine, remembered in the cache folder: `Tempo`.

It holds for one processor, one version of OpenVINO, one choice of threads and memory, and one
network file; anything else is measured anew.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "upscalers.json"
KEPT = 64
"""Measurements that are kept, the latest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """How a network is run best.

    `side` is the largest tile in pixels, `together` how many tiles are handed over at once and
    `streams` how many are worked on in parallel; `margin` is how far from its border a tile comes
    out differently; `seconds` is the time for a megapixel of input.
    """

    side: int
    together: int
    streams: int
    margin: int
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether this can have been measured."""
        whole = (self.side, self.together, self.streams, self.margin)
        return (
            all(isinstance(each, int) for each in whole)
            and isinstance(self.seconds, float)
            and self.side >= 32
            and self.margin >= 0
            and 1 <= self.streams <= self.together
            and self.together % self.streams == 0
        )


class Tempos:
    """The measurements of a cache folder. A damaged or foreign file counts as empty."""

    def __init__(self, cache: Path) -> None:
        self._file = cache / FILE

    def get(self, key: str) -> Tempo | None:
        """What is known under `key`."""
        found = self._read().get(key)
        if not isinstance(found, dict):
            return None
        try:
            tempo = Tempo(**found)
            sound = all(isinstance(v, int | float) and v >= 0 for v in asdict(tempo).values())
            return (
                tempo if sound and tempo.side >= 32 and tempo.together and tempo.streams else None
            )
        except TypeError:
            return None  # of another version

    def keep(self, key: str, tempo: Tempo) -> None:
        """Remember; a folder that cannot be written to costs another measurement, no more."""
        known = self._read()
        known.pop(key, None)
        known[key] = asdict(tempo)
        latest = dict(list(known.items())[-KEPT:])
        temporary = self._file.with_suffix(".tmp")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(latest, indent=1) + "\n", encoding="utf-8")
            temporary.replace(self._file)
        except OSError:
            return

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def key_of(file: Path, *circumstances: object) -> str:
    """A short name of a network file's content together with what else decides its speed."""
    digest = hashlib.sha256(repr(circumstances).encode())
    for each in (file, file.with_suffix(".bin")):
        if each.is_file():
            with each.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:24]
