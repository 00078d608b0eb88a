"""The models on offer: what stands in each model folder's `atelier.toml`, without loading any."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import BrokenModel, UnknownModel

CARD = "atelier.toml"
STARTER = Path(__file__).parent / "starter" / "model"
FAMILIES = ("stable-diffusion", "latent-consistency")
PARTS = ("text_encoder", "unet", "vae_decoder")
"""The networks without which no family paints, each a folder with its OpenVINO IR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model on offer. Sizes are (width, height) in pixels, the first is the default."""

    name: str
    title: str
    family: str
    folder: Path
    sizes: tuple[tuple[int, int], ...]
    default_steps: int
    max_steps: int
    min_steps: int = 1
    default_guidance: float = 0.0
    max_guidance: float = 20.0
    negative: bool = False
    guidance: bool = False
    image_to_image: bool = False
    licence: str = ""
    description: str = ""
    memory_mb: int = 0


@dataclass(slots=True)
class Catalogue:
    """The usable models by name, and for every unusable folder one line that says why."""

    models: dict[str, Model] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folders: tuple[Path, ...] = (), *, starter: Path = STARTER) -> Catalogue:
        """Read the starter and every model folder in `folders`.

        A folder may be a model itself or hold models; a broken one never hides the others.
        """
        found = cls()
        candidates = [starter]
        for folder in folders:
            if (folder / CARD).exists() or (folder / "model_index.json").exists():
                candidates.append(folder)
            elif folder.is_dir():
                candidates += [p for p in sorted(folder.iterdir()) if p.is_dir()]
            else:
                found.broken[folder.name] = "there is no such folder"
        for folder in candidates:
            try:
                model = read_model(folder)
            except BrokenModel as error:
                found.broken[error.name] = error.reason
                continue
            if model.name in found.models:
                found.broken[f"{model.name} ({folder.parent.name})"] = "another model has its name"
                continue
            found.models[model.name] = model
        return found

    def get(self, name: str) -> Model:
        """The model of that name; raises `BrokenModel` or `UnknownModel`."""
        if name in self.models:
            return self.models[name]
        if name in self.broken:
            raise BrokenModel(name, self.broken[name])
        raise UnknownModel(name, tuple(self.models))


def read_model(folder: Path) -> Model:
    """The model in `folder`; raises `BrokenModel` with one clear reason."""
    name = folder.name
    try:
        card: dict[str, Any] = tomllib.loads((folder / CARD).read_text(encoding="utf-8"))
        name = str(card.get("name", name))
        card["sizes"] = tuple((int(w), int(h)) for w, h in card["sizes"])
        model = Model(folder=folder, **card)
    except FileNotFoundError:
        raise BrokenModel(name, f"it has no {CARD}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BrokenModel(name, f"its {CARD} cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenModel(name, f"its {CARD} is incomplete or wrong: {error}") from None
    if model.family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise BrokenModel(name, f"the family {model.family!r} is not known (known: {known})")
    if not model.sizes:
        raise BrokenModel(name, "it names no size")
    for part in PARTS:
        for file in ("openvino_model.xml", "openvino_model.bin"):
            if not (folder / part / file).is_file():
                raise BrokenModel(name, f"{part}/{file} is missing")
    return model
