"""The networks that enlarge pictures: what stands in each folder's `atelier.toml`, loading none.

A folder holds `atelier.toml` (with `kind = "upscaler"`) and one network for each scale that it was
trained for: `x2.xml` with `x2.bin` (OpenVINO), or `x4.onnx`. Other scales are made of these.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import BrokenModel, UnknownModel

CARD = "atelier.toml"
KIND = "upscaler"
SHIPPED = Path(__file__).parent / "upscalers"
SCALES = (2, 3, 4, 8, 16)
"""The scales that can be asked for, whatever a network was trained for."""
NATIVE = range(2, 9)
"""The scales a network may be trained for."""
MAX_PASSES = 4
DEFAULT_PRICE = 0.25


class Pass(NamedTuple):
    """One run over a picture: the network trained for `native`, its output brought to `scale`.

    `scale` is `native` but for the last pass of a plan, which may have to come out smaller; it is
    given as a fraction `up / down` of the input.
    """

    native: int
    up: int
    down: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One network on offer. `files` has the file for each scale it was trained for.

    `price` is in credits for a megapixel of the enlarged picture.
    """

    name: str
    title: str
    folder: Path
    files: Mapping[int, Path]
    licence: str = ""
    source: str = ""
    description: str = ""
    price: float = DEFAULT_PRICE
    default: bool = False

    def plan(self, scale: int) -> tuple[Pass, ...]:
        """The passes that enlarge by `scale`: as few as possible, and no larger than needed."""
        if scale < 2:
            raise ValueError(f"{scale} does not enlarge")
        chains: list[tuple[int, ...]] = [()]
        for _ in range(MAX_PASSES):
            longer = [(*chain, native) for chain in chains for native in self.files]
            fitting = [chain for chain in longer if math.prod(chain) >= scale]
            if fitting:
                best = min(fitting, key=lambda c: (math.prod(c) != scale, math.prod(c), _rising(c)))
                return _last_reduced(best, scale)
            chains = longer
        raise ValueError(f"{self.name} cannot enlarge by {scale}")


def _rising(chain: tuple[int, ...]) -> tuple[int, ...]:
    """Of equal chains the one that begins with the largest step: it looks at the original."""
    return tuple(-native for native in chain)


def _last_reduced(chain: tuple[int, ...], scale: int) -> tuple[Pass, ...]:
    before = math.prod(chain[:-1])
    common = math.gcd(scale, before)
    last = Pass(chain[-1], scale // common, before // common)
    return (*(Pass(native, native) for native in chain[:-1]), last)


@dataclass(slots=True)
class Networks:
    """The usable networks by name, and for every unusable folder one line that says why."""

    networks: dict[str, Network] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folders: tuple[Path, ...] = (), *, shipped: Path = SHIPPED) -> Networks:
        """Read the networks that ship and those in `folders`, which may hold other models too.

        A folder may be a network itself or hold networks; a broken one never hides the others.
        """
        found = cls()
        for folder in _candidates((shipped, *folders)):
            try:
                network = read_network(folder)
            except BrokenModel as error:
                found.broken[error.name] = error.reason
                continue
            if network.name in found.networks:
                reason = "another network has its name"
                found.broken[f"{network.name} ({folder.parent.name})"] = reason
                continue
            found.networks[network.name] = network
        return found

    def get(self, name: str) -> Network:
        """The network of that name; raises `BrokenModel` or `UnknownModel`."""
        if name in self.networks:
            return self.networks[name]
        if name in self.broken:
            raise BrokenModel(name, self.broken[name])
        raise UnknownModel(name, tuple(self.networks))

    def choose(self, name: str | None) -> Network:
        """The network of that name, or the default one; raises what `get` raises."""
        if name is not None:
            return self.get(name)
        if self.default is None:
            raise UnknownModel(KIND, ())
        return self.default

    @property
    def default(self) -> Network | None:
        """The one that is used when nobody names one: the one marked so, else the first."""
        marked = (each for each in self.networks.values() if each.default)
        return next(marked, next(iter(self.networks.values()), None))

    @property
    def ordered(self) -> tuple[Network, ...]:
        """All of them, the default first."""
        first = self.default
        if first is None:
            return ()
        return (first, *(each for each in self.networks.values() if each is not first))


def is_model_folder(path: Path) -> bool:
    """Whether it can be a model at all; what begins with a dot is being fetched or made."""
    return path.is_dir() and not path.name.startswith(".")


def is_upscaler(folder: Path) -> bool:
    """Whether the card in `folder` is that of a network that enlarges."""
    try:
        card = tomllib.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False  # whoever reads the other models says what is wrong with it
    return card.get("kind") == KIND


def read_network(folder: Path) -> Network:
    """The network in `folder`; raises `BrokenModel` with one clear reason."""
    name = folder.name
    try:
        card: dict[str, Any] = tomllib.loads((folder / CARD).read_text(encoding="utf-8"))
        name = str(card.get("name", name))
        card.pop("kind", None)
        network = Network(folder=folder, files=_files(folder), **card)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BrokenModel(name, f"its {CARD} cannot be read: {error}") from None
    except (TypeError, ValueError) as error:
        raise BrokenModel(name, f"its {CARD} is incomplete or wrong: {error}") from None
    if not network.files:
        raise BrokenModel(name, "it has no network (x2.xml, x4.onnx or the like)")
    for file in network.files.values():
        if file.suffix == ".xml" and not file.with_suffix(".bin").is_file():
            raise BrokenModel(name, f"{file.with_suffix('.bin').name} is missing")
    if not isinstance(network.price, int | float) or not 0 <= network.price <= 1000:
        raise BrokenModel(name, "its price is not a number from 0 to 1000")
    return network


def _candidates(folders: tuple[Path, ...]) -> list[Path]:
    found = []
    for folder in folders:
        if (folder / CARD).exists():
            found.append(folder)
        elif folder.is_dir():
            found += [each for each in sorted(folder.iterdir()) if is_model_folder(each)]
    return [each for each in found if is_upscaler(each)]


def _files(folder: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for ending in ("onnx", "xml"):  # the latter loads faster, so it wins
        for file in folder.glob(f"x*.{ending}"):
            match = re.fullmatch(r"x(\d)", file.stem)
            if match and int(match[1]) in NATIVE:
                found[int(match[1])] = file
    return dict(sorted(found.items()))
