"""What a model's own files say about it: the card of a model that nobody described.

It reads `model_index.json` and the configurations, of a folder of diffusers or of OpenVINO.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import BrokenModel

INDEX = "model_index.json"
CLASSES = {
    "StableDiffusion": "stable-diffusion",
    "LatentConsistencyModel": "latent-consistency",
    "StableDiffusionXL": "stable-diffusion-xl",
    "Flux": "flux",
    "SanaSprint": "sana-sprint",
}
"""What stands in the class of a pipeline, before "Pipeline", "Img2ImgPipeline" and the like."""
OVERHEAD = 2.0
"""Memory that networks take while they paint, relative to their files."""
WIDE = ((4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (9, 16))


def describe(folder: Path) -> dict[str, Any]:
    """The fields of a card for the model in `folder`, all but its name and title.

    They are what its family usually wants; whoever knows more says so. Raises `BrokenModel`.
    """
    index = _read(folder, INDEX)
    family = family_of(str(index.get("_class_name", "")))
    if family is None:
        kind = index.get("_class_name") or "nothing"
        raise BrokenModel(folder.name, f"its {INDEX} names {kind}, which is no family known here")
    core = _read(folder, "transformer" if family in ("flux", "sana-sprint") else "unet")
    if family == "stable-diffusion" and core.get("time_cond_proj_dim"):
        family = "latent-consistency"
    shrinks = _shrinks(folder, family)
    side = _side(core, family, shrinks)
    pictures = (folder / "vae_encoder" / "openvino_model.xml").is_file() or (
        folder / "vae" / "config.json"
    ).is_file()
    facts: dict[str, Any] = {
        "family": family,
        "sizes": _sizes(side, shrinks if family == "sana-sprint" else 8 * shrinks),
        "image_to_image": pictures,
        "inpainting": pictures,
        "memory_mb": _memory(folder),
    }
    facts |= MANNERS[family](index, core)
    if family in ("stable-diffusion", "stable-diffusion-xl"):
        facts["schedulers"] = distilled(_own_scheduler(folder)) or ("dpm++", "euler")
    return facts


def distilled(name: str) -> tuple[str, ...]:
    """What goes with a model that was distilled for the scheduler of that name, that one first.

    Others paint mush by these, and these paint mush by others'.
    """
    return {"lcm": ("lcm", "tcd"), "tcd": ("tcd", "lcm")}.get(name, ())


def offered(chosen: str | None, known: Iterable[str]) -> tuple[str, ...]:
    """Those to choose from where `chosen` is a model's own and `known` go with its family."""
    others = tuple(known)
    if not chosen or chosen in others:
        return others
    return distilled(chosen) or (chosen, *others)


def family_of(kind: str) -> str | None:
    """The family of a pipeline's class, such as "OVStableDiffusionXLImg2ImgPipeline"."""
    plain = kind.removeprefix("OV").removesuffix("Pipeline")
    for ending in ("Img2Img", "Inpaint"):
        plain = plain.removesuffix(ending)
    return CLASSES.get(plain)


def _stable_diffusion(index: Mapping[str, Any], core: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "default_steps": 20,
        "max_steps": 50,
        "default_guidance": 7.0,
        "guidance": True,
        "negative": True,
        "chunks": 3,
    }


def _latent_consistency(index: Mapping[str, Any], core: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "default_steps": 4,
        "max_steps": 12,
        "default_guidance": 8.0,
        "guidance": bool(core.get("time_cond_proj_dim")),
        "schedulers": distilled("lcm"),
        "chunks": 3,
    }


def _flux(index: Mapping[str, Any], core: Mapping[str, Any]) -> dict[str, Any]:
    embeds = bool(core.get("guidance_embeds"))  # schnell has none
    return {
        "default_steps": 20 if embeds else 4,
        "max_steps": 50 if embeds else 8,
        "default_guidance": 3.5 if embeds else 0.0,
        "guidance": embeds,
    }


def _sana_sprint(index: Mapping[str, Any], core: Mapping[str, Any]) -> dict[str, Any]:
    return {"default_steps": 2, "max_steps": 4, "default_guidance": 4.5, "guidance": True}


MANNERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {
    "stable-diffusion": _stable_diffusion,
    "stable-diffusion-xl": _stable_diffusion,
    "latent-consistency": _latent_consistency,
    "flux": _flux,
    "sana-sprint": _sana_sprint,
}
"""How each family is usually asked to paint."""


def _own_scheduler(folder: Path) -> str:
    """The one that comes with it, as people call it: "lcm" for LCMScheduler; "" for none."""
    try:
        kind = str(_read(folder, "scheduler/scheduler_config.json").get("_class_name", ""))
    except BrokenModel:
        return ""
    return kind.removesuffix("Scheduler").lower()


def _shrinks(folder: Path, family: str) -> int:
    """How many pixels one latent stands for."""
    if family == "sana-sprint":
        return 32
    place = "vae" if (folder / "vae").is_dir() else "vae_decoder"
    channels = _read(folder, place).get("block_out_channels")
    return 2 ** (len(channels) - 1) if isinstance(channels, list) and channels else 8


def _side(core: Mapping[str, Any], family: str, shrinks: int) -> int:
    """The side that it learned to paint, in pixels."""
    size = core.get("sample_size")
    if isinstance(size, list) and size:
        size = size[0]
    if not isinstance(size, int):  # flux knows none; its makers name this one
        return 1024
    return size * shrinks


def _sizes(side: int, unit: int) -> tuple[tuple[int, int], ...]:
    """The square, and other shapes of about as many pixels, in steps that its networks can do."""
    found = [(side, side)]
    for across, down in WIDE:
        stretch = (across / down) ** 0.5
        width = max(unit, round(side * stretch / unit) * unit)
        height = max(unit, round(side / stretch / unit) * unit)
        if (width, height) not in found:
            found.append((width, height))
    return tuple(found)


def _memory(folder: Path) -> int:
    weights = [*folder.glob("*/openvino_model.bin"), *folder.glob("*/*.safetensors")]
    kept = [file for file in weights if file.parent.name != "vae_decoder_hd"]
    return round(OVERHEAD * sum(file.stat().st_size for file in kept) / 1e6)


def _read(folder: Path, name: str) -> dict[str, Any]:
    """A JSON file of the folder, or the configuration of a part. Raises `BrokenModel`."""
    file = folder / name if name.endswith(".json") else folder / name / "config.json"
    place = file.relative_to(folder).as_posix()
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BrokenModel(folder.name, f"{place} is missing") from None
    except (OSError, ValueError):
        raise BrokenModel(folder.name, f"{place} cannot be read") from None
    if not isinstance(said, dict):
        raise BrokenModel(folder.name, f"{place} is not a JSON object")
    return said
