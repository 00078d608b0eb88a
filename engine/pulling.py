"""Pulling a painting model: everything it consists of is fetched, put together and tried to read.

It is made in a folder of its own beside the models and gets its name at the very end, so that
whatever is killed leaves no model that half loads, and the next pull goes on from there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.bringing import ARRIVED, LOCK, OnBytes, bring
from engine.cards import NAME, write_card
from engine.catalogue import FULL_DECODER, Model, read_model
from engine.describing import describe, offered
from engine.errors import BrokenModel
from engine.fetching import SPARE, FetchError
from engine.hub import Hub, Listing, RemoteFile, look
from engine.repertoire import Form, Offer
from engine.selecting import (
    decoder_of,
    is_diffusers,
    is_openvino,
    networks_of,
    weights_of,
)

NOTE = "pulled.json"
"""What was fetched from where: it lies beside the card."""
RESTRICTED = re.compile(r"\bnc\b|non-?commercial|research|nscl", re.IGNORECASE)
FEW_STEPS = 8
UNGUIDED: dict[str, Any] = {"guidance": False, "negative": False, "default_guidance": 0.0}
MODEL, DECODER, LORAS = "model", "decoder", "loras"
"""The folders of a workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Files of one repository and the folder of the workspace that they go to."""

    listing: Listing
    files: tuple[RemoteFile, ...]
    folder: str

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a pull is going to fetch, known before the first of its bytes."""

    offer: Offer
    parcels: tuple[Parcel, ...]

    @property
    def bytes(self) -> int:
        return sum(parcel.bytes for parcel in self.parcels)

    @property
    def licence(self) -> str:
        """As the catalogue has it, else as the repository says itself."""
        return self.offer.licence or self.parcels[0].listing.licence

    @property
    def commercial(self) -> bool:
        said = self.offer.card.get("commercial")
        return bool(said) if said is not None else not RESTRICTED.search(self.licence)


def plan(hub: Hub, offer: Offer) -> Plan:
    """Ask the hub what `offer` consists of. Raises `FetchError`."""
    listing = look(hub, offer.repository, offer.revision)
    form = offer.form
    if form is Form.openvino and not is_openvino(listing) and is_diffusers(listing):
        form = Form.diffusers  # the operator need not know what there is
    files = networks_of(listing) if form is Form.openvino else weights_of(listing)
    parcels = [Parcel(listing=listing, files=tuple(files), folder=MODEL)]
    if offer.tiny_decoder:
        tiny = look(hub, offer.tiny_decoder)
        parcels.append(Parcel(listing=tiny, files=tuple(decoder_of(tiny)), folder=DECODER))
    for index, (place, _) in enumerate(offer.loras):
        owner, repository, file = place.split("/", 2)
        found = look(hub, f"{owner}/{repository}")
        lora = replace(found.get(file), target=f"{index}.safetensors")
        parcels.append(Parcel(listing=found, files=(lora,), folder=f"{LORAS}/{index}"))
    return Plan(offer=replace(offer, form=form), parcels=tuple(parcels))


def workspace(models: Path, name: str) -> Path:
    """Where the model of that name is fetched to; the catalogue never looks there."""
    return models / f".pulling-{name}"


def gather(
    hub: Hub, wanted: Plan, models: Path, *, on_bytes: OnBytes = lambda done, total: None
) -> Path:
    """Fetch everything into the workspace and return that. Raises `FetchError`, `BrokenModel`."""
    name = wanted.offer.name
    if not NAME.fullmatch(name):
        allowed = "small letters, digits, dots, dashes; at most 40"
        raise BrokenModel(name, f"that is no name for a model ({allowed})")
    place = workspace(models, name)
    place.mkdir(parents=True, exist_ok=True)
    _check_room(place, wanted)
    before = 0
    for parcel in wanted.parcels:

        def on_part(done: int, _: int, before: int = before) -> None:
            on_bytes(before + done, wanted.bytes)

        bring(hub, parcel.listing, parcel.files, place / parcel.folder, on_bytes=on_part)
        before += parcel.bytes
    return place


def assemble(wanted: Plan, models: Path) -> Model:
    """Make the model of what was gathered. Raises `BrokenModel`."""
    name = wanted.offer.name
    place = workspace(models, name)
    whole = place / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    decoder = any(parcel.folder == DECODER for parcel in wanted.parcels)
    main, *others = wanted.parcels
    for file in main.files:
        part, _, rest = file.place.partition("/")
        kept = f"{FULL_DECODER}/{rest}" if decoder and part == "vae_decoder" else file.place
        _put(place / main.folder / file.place, whole / kept)
    for parcel in others:
        for file in parcel.files:
            _put(place / parcel.folder / file.place, whole / file.place)
    _note(whole, wanted)
    write_card(whole, **card_of(wanted, describe(whole)))
    read_model(whole)
    target = models / name
    if target.exists():
        raise BrokenModel(name, "there is a model of that name already")
    _settle(whole)
    whole.rename(target)
    _settle(models, deep=False)
    clear(models, name)
    return read_model(target)


def card_of(wanted: Plan, found: Mapping[str, Any]) -> dict[str, Any]:
    """What the card says: the catalogue's words, else what the model's files tell.

    What its files show that it cannot do, no catalogue can promise.
    """
    said = dict(wanted.offer.card)
    card = {**found, **(UNGUIDED if _is_distilled(said, found) else {}), **said}
    card["schedulers"] = offered(card.get("scheduler"), card.get("schedulers") or ())
    card["max_steps"] = max(int(card["max_steps"]), int(card["default_steps"]))
    for skill in ("image_to_image", "inpainting"):
        card[skill] = bool(card.get(skill)) and bool(found.get("image_to_image"))
    return card | {
        "name": wanted.offer.name,
        "title": said.get("title") or wanted.offer.repository.rpartition("/")[2],
        "licence": wanted.licence,
        "commercial": wanted.commercial,
    }


def _is_distilled(said: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether it was taught to paint in few steps: guidance that nobody named would spoil that."""
    few = int(said.get("default_steps", found["default_steps"])) <= FEW_STEPS
    named = {"guidance", "default_guidance"} & said.keys()
    return few and not named and found["family"] in ("stable-diffusion", "stable-diffusion-xl")


def clear(models: Path, name: str) -> None:
    """Throw the workspace away."""
    shutil.rmtree(workspace(models, name), ignore_errors=True)


def read_note(folder: Path) -> dict[str, Any] | None:
    """What a pull stored about the model in `folder`, if it was pulled."""
    try:
        found = json.loads((folder / NOTE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def spoilt(folder: Path, sum_of: Callable[[Path, str], str]) -> list[str]:
    """The files of a pulled model that are no longer what was fetched.

    `sum_of` is given a file and the sum it had, to know of which kind.
    """
    note = read_note(folder) or {}
    files = note.get("files")
    wrong = []
    for place, was in sorted(files.items() if isinstance(files, dict) else ()):
        file = folder / place
        if not file.is_file() or sum_of(file, str(was)) != was:
            wrong.append(str(place))
    return wrong


def _check_room(place: Path, wanted: Plan) -> None:
    """For all of it at once; building also needs room for what it makes."""
    here = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    factor = 2 if wanted.offer.form is Form.diffusers else 1
    needed = factor * wanted.bytes - min(here, wanted.bytes) + SPARE
    free = shutil.disk_usage(place).free
    if free < needed:
        raise FetchError(
            f"there is too little room in {place.parent}: {free / 1e9:.1f} GB are free, "
            f"{needed / 1e9:.1f} GB are needed"
        )


def _put(file: Path, target: Path) -> None:
    """The file under another name too; moved where the disk knows no second names."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:
        shutil.move(file, target)


def _note(whole: Path, wanted: Plan) -> None:
    decoder = any(parcel.folder == DECODER for parcel in wanted.parcels)
    files = {}
    for parcel in wanted.parcels:
        for file in parcel.files:
            place = file.place
            if decoder and parcel.folder == MODEL and place.startswith("vae_decoder/"):
                place = f"{FULL_DECODER}/{place.partition('/')[2]}"
            files[place] = file.sum
    said = {
        "repository": wanted.offer.repository,
        "revision": wanted.offer.revision,
        "commits": {each.listing.repository: each.listing.commit for each in wanted.parcels},
        "bytes": wanted.bytes,
        "files": files,
    }
    (whole / NOTE).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def _settle(folder: Path, *, deep: bool = True) -> None:
    """Have the disk keep what was written before something depends on it."""
    places = [folder, *folder.rglob("*")] if deep else [folder]
    for place in places:
        if place.name in (ARRIVED, LOCK):
            continue
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
