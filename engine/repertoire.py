"""The painting models that can be fetched: what stands in `models.toml`, here and in one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.cards import NAME
from engine.catalogue import FAMILIES, Model
from engine.errors import BrokenModel, UnknownModel
from engine.hub import REPOSITORY
from engine.request import SCHEDULERS

FILE = Path(__file__).with_name("models.toml")
HUB = "https://huggingface.co"


class Form(StrEnum):
    """What a repository holds."""

    openvino = "openvino"
    """Networks that can be run as they are."""
    diffusers = "diffusers"
    """Weights that are built into networks here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that others publish. What is 0 or "" is not known; `card` says how it paints.

    `loras` are files of the hub, as owner/name/file, each with its strength. `seconds` is one
    picture on the reference machine, `measured` whether it was timed there or reckoned.
    """

    name: str
    repository: str
    family: str = ""
    revision: str = "main"
    form: Form = Form.openvino
    loras: tuple[tuple[str, float], ...] = ()
    tiny_decoder: str = ""
    download_mb: int = 0
    seconds: float = 0.0
    measured: bool = False
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return str(self.card.get("title", self.name))

    @property
    def description(self) -> str:
        return str(self.card.get("description", ""))

    @property
    def licence(self) -> str:
        return str(self.card.get("licence", ""))

    @property
    def commercial(self) -> bool:
        return bool(self.card.get("commercial", True))

    @property
    def memory_mb(self) -> int:
        return int(self.card.get("memory_mb", 0))

    @property
    def source(self) -> str:
        """Where somebody can read about it."""
        return f"{HUB}/{self.repository}"


OWN = {each.name for each in fields(Offer)} - {"name", "card", "family"}
SAID = {each.name for each in fields(Model)} - {
    "name",
    "folder",
    "second_look",
    "vocabulary",
}
"""What an entry may say of how it paints: the words of a model's card."""


def read(*own: Path) -> dict[str, Offer]:
    """All of them by name; those in the files `own`, where there are such files, win.

    Raises `BrokenModel`, with the file and the entry that is wrong.
    """
    found: dict[str, Offer] = {}
    for file in (FILE, *own):
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BrokenModel(file.name, f"it cannot be read: {error}") from None
        for name, facts in said.items():
            if not isinstance(facts, dict):
                raise BrokenModel(file.name, f"{name} stands outside of any [model]")
            try:
                found[name] = offer(name, facts)
            except (TypeError, ValueError) as error:
                raise BrokenModel(file.name, f"[{name}] {error}") from None
    return found


def get(name: str, *own: Path) -> Offer:
    """The one of that name; raises `UnknownModel` or `BrokenModel`."""
    known = read(*own)
    if name not in known:
        raise UnknownModel(name, tuple(known))
    return known[name]


def offer(name: str, facts: Mapping[str, Any]) -> Offer:
    """An entry, its values checked; raises `TypeError` or `ValueError` with what is wrong."""
    if not NAME.fullmatch(name):
        raise ValueError("is no name for a model (small letters, digits, dots, dashes)")
    if unknown := sorted(facts.keys() - OWN - SAID):
        raise ValueError(f"says {', '.join(unknown)}, which means nothing here")
    _check_kinds(facts)
    for repository in (facts.get("repository", ""), facts.get("tiny_decoder") or "owner/name"):
        if not REPOSITORY.fullmatch(repository):
            raise ValueError(f"{repository!r} is no repository (such as owner/name)")
    family = facts.get("family", "")
    if family and family not in FAMILIES:
        raise ValueError(f"the family {family!r} is not known (known: {', '.join(FAMILIES)})")
    for scheduler in (*facts.get("schedulers", ()), facts.get("scheduler") or SCHEDULERS[0]):
        if scheduler not in SCHEDULERS:
            known = ", ".join(SCHEDULERS)
            raise ValueError(f"the scheduler {scheduler!r} is not known (known: {known})")
    form = Form(facts.get("form", Form.openvino))
    loras = tuple(_lora(each) for each in facts.get("loras", ()))
    if loras and form is not Form.diffusers:
        raise ValueError('loras can be fused with form = "diffusers" alone')
    card = {key: value for key, value in facts.items() if key in SAID}
    card["sizes"] = tuple((int(w), int(h)) for w, h in facts.get("sizes", ()))
    if not card["sizes"]:
        del card["sizes"]
    own = {key: value for key, value in facts.items() if key in OWN}
    return Offer(
        **own | {"name": name, "family": family, "form": form, "loras": loras, "card": card}
    )


def _check_kinds(facts: Mapping[str, Any]) -> None:
    """Numbers where numbers belong: else the mistake would be met after the download."""
    if not isinstance(facts.get("repository"), str):
        raise ValueError("names no repository")
    for each in (*fields(Offer), *fields(Model)):
        value = facts.get(each.name)
        if value is None:
            continue
        default = each.default if each.default is not MISSING else KINDS.get(each.name, "")
        right: tuple[type, ...]
        if isinstance(default, bool):
            right = (bool,)
        elif isinstance(default, float):
            right = (float, int)
        elif isinstance(default, int):
            right = (int,)
        elif isinstance(default, str):
            right = (str,)
        else:
            right = (list, tuple)
        if not isinstance(value, right) or (bool not in right and isinstance(value, bool)):
            raise ValueError(f"{each.name} = {value!r} is of the wrong kind")
        if isinstance(value, int | float) and value < 0:
            raise ValueError(f"{each.name} = {value} is less than nothing")


KINDS: dict[str, Any] = {"sizes": (), "default_steps": 1, "max_steps": 1}
"""What has no default says of which kind it is here."""


def _lora(said: Any) -> tuple[str, float]:
    file, strength = said if isinstance(said, list) else (said, 1.0)
    if not isinstance(file, str) or file.count("/") < 2 or not file.endswith(".safetensors"):
        raise ValueError(f"{file!r} is no LoRA (such as owner/name/file.safetensors)")
    return file, float(strength)
