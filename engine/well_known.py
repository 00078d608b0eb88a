"""The well-known networks that can be fetched: what stands in `well_known.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UnknownModel
from engine.networks import DEFAULT_PRICE

FILE = Path(__file__).with_suffix(".toml")
HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True, kw_only=True)
class WellKnown:
    """A network that others publish. `bytes` is 0 and `sha256` "" where they are not known."""

    name: str
    title: str
    url: str
    licence: str
    source: str
    description: str
    sha256: str = ""
    bytes: int = 0
    price: float = DEFAULT_PRICE
    commercial: bool = True

    @property
    def file(self) -> str:
        """The name of the file that is fetched."""
        return self.url.rsplit("/", 1)[-1]

    def address(self, *, hub: str = HUB, mirror: str | None = None) -> str:
        """Where the file is fetched from: a mirror of all files, the hub, or its own place."""
        if mirror is not None:
            return f"{mirror.rstrip('/')}/{self.file}"
        if self.url.startswith("hf:"):
            owner, repository, file = self.url.removeprefix("hf:").split("/", 2)
            return f"{hub.rstrip('/')}/{owner}/{repository}/resolve/main/{file}"
        return self.url


def read(file: Path = FILE) -> dict[str, WellKnown]:
    """All of them by name."""
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: WellKnown(name=name, **facts) for name, facts in found.items()}


def get(name: str) -> WellKnown:
    """The one of that name; raises `UnknownModel`."""
    known = read()
    if name not in known:
        raise UnknownModel(name, tuple(known))
    return known[name]
