"""Taking in a model that lies on this machine: a folder of OpenVINO networks gets its card."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cards import ALSO, FOUND, NAME, write_card
from engine.catalogue import CARD, FULL_DECODER, Model, read_model
from engine.describing import INDEX, describe, offered
from engine.errors import BrokenModel
from engine.fetching import SPARE
from engine.hub import Listing, RemoteFile
from engine.selecting import is_diffusers, is_openvino, networks_of


def adopt(folder: Path, name: str, models: Path, said: Mapping[str, Any]) -> Model:
    """Copy the model in `folder` to `models`; `said` is what its card shall say.

    Raises `BrokenModel`.
    """
    if not NAME.fullmatch(name):
        allowed = "small letters, digits, dots, dashes; at most 40"
        raise BrokenModel(name, f"that is no name for a model ({allowed})")
    target = models / name
    if target.exists():
        raise BrokenModel(name, "there is a model of that name already")
    here = listing(folder)
    if not is_openvino(here):
        if is_diffusers(here):
            raise BrokenModel(name, f"it has to be built first: atelier models build {folder}")
        raise BrokenModel(name, f"{folder} holds no OpenVINO model ({INDEX}, unet/…)")
    files = networks_of(here)
    files += [file for file in here.files if file.path.startswith(f"{FULL_DECODER}/")]
    card = _card(folder)
    needed = sum(file.size for file in files) + SPARE
    models.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(models).free
    if free < needed:
        raise BrokenModel(
            name, f"{free / 1e9:.1f} GB are free, {needed / 1e9:.1f} GB are needed in {models}"
        )
    fresh = models / f".new-{name}"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for file in files:
            place = fresh / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file.path, place)
        given = {key: value for key, value in said.items() if value not in (None, "")}
        told = {"title": name, **describe(fresh), **card, **given, "name": name}
        told["schedulers"] = offered(told.get("scheduler"), told.get("schedulers") or ())
        write_card(fresh, **told)
        read_model(fresh)
        fresh.rename(target)
    except TypeError as error:
        raise BrokenModel(name, f"its {CARD} is wrong: {error}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return read_model(target)


def listing(folder: Path) -> Listing:
    """What is in a folder, in the form of a repository's listing, so that one rule selects both."""
    files = tuple(
        RemoteFile(path=file.relative_to(folder).as_posix(), size=file.stat().st_size)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    )
    return Listing(repository=folder.name, commit="", files=files)


def _card(folder: Path) -> dict[str, Any]:
    """The card it has already, if it has one that can be read."""
    try:
        said = tomllib.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    return {key: value for key, value in said.items() if key not in (*FOUND, *ALSO, "name")}
