"""The models on offer: what stands in each model folder's `atelier.toml`, without loading any."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import BrokenModel, UnknownModel
from engine.networks import is_model_folder, is_upscaler
from engine.request import SCHEDULERS
from engine.vocabulary import Vocabulary, read_vocabulary

CARD = "atelier.toml"
STARTER = Path(__file__).parent / "starter" / "model"
PARTS = {
    "stable-diffusion": ("text_encoder", "unet", "vae_decoder"),
    "latent-consistency": ("text_encoder", "unet", "vae_decoder"),
    "stable-diffusion-xl": ("text_encoder", "text_encoder_2", "unet", "vae_decoder"),
    "flux": ("text_encoder", "text_encoder_2", "transformer", "vae_decoder"),
    "sana-sprint": ("text_encoder", "transformer", "vae_decoder"),
}
"""The networks without which a family does not paint, each a folder with its OpenVINO IR."""
FAMILIES = tuple(PARTS)
FULL_DECODER = "vae_decoder_hd"
"""A folder that a model may have beside a tiny decoder, for a second look at a picture."""


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
    inpainting: bool = False
    """Whether it paints anew only what a mask says."""
    scheduler: str = ""
    """Its default scheduler by name; "" is the one in its folder."""
    schedulers: tuple[str, ...] = ()
    """Those on offer by name, out of `SCHEDULERS`; without any there is nothing to choose."""
    first_timestep: int = 0
    """Where a single step begins, for those that were taught so; 0 is the scheduler's own."""
    chunks: int = 1
    """How many pieces of 77 tokens its text encoder reads of one prompt."""
    pooling: bool = False
    """Whether keys and values of its largest self-attention are averaged."""
    reusing: bool = False
    """Whether every other step, but for the first ones, takes over what is deep in the denoiser."""
    commercial: bool = True
    """Whether its licence lets its pictures be sold."""
    licence: str = ""
    description: str = ""
    memory_mb: int = 0
    second_look: bool = False
    """Whether it brings its full decoder along, so that a picture can be decoded again."""
    vocabulary: Vocabulary | None = None
    """What a model with a small world knows; None where it cannot be said."""


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
                candidates += [p for p in sorted(folder.iterdir()) if is_model_folder(p)]
            else:
                found.broken[folder.name] = "there is no such folder"
        for folder in candidates:
            if is_upscaler(folder):  # Networks.read has it
                continue
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
        world = folder / str(card.pop("world", ""))
        card["schedulers"] = tuple(str(each) for each in card.get("schedulers", ()))
        card["second_look"] = (folder / FULL_DECODER / "openvino_model.xml").is_file()
        card["vocabulary"] = read_vocabulary(world.resolve()) if world.is_file() else None
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
    for each in filter(None, (*model.schedulers, model.scheduler)):
        if each not in SCHEDULERS:
            known = ", ".join(SCHEDULERS)
            raise BrokenModel(name, f"the scheduler {each!r} is not known (known: {known})")
    for part in PARTS[model.family]:
        for file in ("openvino_model.xml", "openvino_model.bin"):
            if not (folder / part / file).is_file():
                raise BrokenModel(name, f"{part}/{file} is missing")
    return model


def weight_of(model: Model) -> int:
    """The bytes of its networks on the disk, by which memory and loading are judged."""
    files = (model.folder / part / "openvino_model.bin" for part in PARTS[model.family])
    return sum(file.stat().st_size for file in files if file.is_file())
