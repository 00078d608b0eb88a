"""`atelier models list`: what is here, how fast it is, and what can be fetched."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot import models_speed
from bot.models_network import line
from bot.models_speed import Speed
from bot.models_told import size, told
from bot.settings import Settings
from engine import repertoire, well_known
from engine.building.recipe import read_note as read_built
from engine.catalogue import Catalogue, Model
from engine.networks import Networks
from engine.pulling import read_note as read_pulled
from engine.repertoire import Form, Offer

NARROW = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Everything a list can tell of."""

    catalogue: Catalogue
    networks: Networks
    offers: Mapping[str, Offer]
    speeds: Mapping[str, Speed]
    unfinished: tuple[str, ...]


def add(tasks: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the task to the command line."""
    listing = tasks.add_parser(
        "list",
        help="what is here, and what can be fetched",
        description="What is here, and what can be fetched. Speeds are measured where they do not "
        "say otherwise; those of models that are not here are reckoned from how fast this machine "
        "is. Further models can be named in `models.toml` in ATELIER_DATA.",
    )
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.set_defaults(run=_list)


def look_around(settings: Settings) -> Shelf:
    """Gather it all."""
    catalogue = Catalogue.read(settings.model_folders)
    waiting = settings.models_folder.glob(".pulling-*") if settings.models_folder.is_dir() else ()
    return Shelf(
        catalogue=catalogue,
        networks=Networks.read(settings.model_folders),
        offers=repertoire.read(settings.own_models),
        speeds=models_speed.measured(settings, catalogue),
        unfinished=tuple(sorted(each.name.removeprefix(".pulling-") for each in waiting)),
    )


def _list(settings: Settings, options: argparse.Namespace) -> int:
    def work() -> None:
        shelf = look_around(settings)
        if options.json:
            print(json.dumps(_facts(settings, shelf), ensure_ascii=False, indent=1))
        else:
            _tell(settings, shelf)

    return told(work)


def _tell(settings: Settings, shelf: Shelf) -> None:
    print("Models that paint:")
    for model in shelf.catalogue.models.values():
        mark = " (default)" if model.name == settings.model else ""
        print(f"  {model.name:{NARROW}}  {model.title}{mark}; {_about(model, shelf.speeds)}")
    print("Networks that enlarge:")
    for network in shelf.networks.ordered:
        mark = " (default)" if network is shelf.networks.default else ""
        print(f"  {line(network)}{mark}")
    for name, reason in {**shelf.catalogue.broken, **shelf.networks.broken}.items():
        print(f"  {name:{NARROW}}  cannot be used: {reason}")
    for name in shelf.unfinished:
        print(f"  {name:{NARROW}}  is not whole yet: pull it again to go on, or remove it")
    print("To be fetched with `atelier models pull NAME`:")
    for offer in shelf.offers.values():
        if offer.name not in shelf.catalogue.models:
            print(f"  {offer.name:{NARROW}}  {offer.title}: {offer.description}")
            print(f"  {'':{NARROW}}    {_terms(settings, offer, shelf.speeds)}")
    for known in well_known.read().values():
        if known.name not in shelf.networks.networks:
            weighs = f"{known.bytes / 1e6:.1f} MB" if known.bytes else "size unknown"
            told_of = f"{known.title}; {known.licence}; {weighs}; {known.source}"
            print(f"  {known.name:{NARROW}}  {told_of}")


def _about(model: Model, speeds: Mapping[str, Speed]) -> str:
    said = [model.licence or "licence unknown"]
    if not model.commercial:
        said.append("not for commercial use")
    width, height = model.sizes[0]
    said.append(f"{width}×{height} in {model.default_steps} steps")
    if model.name in speeds:
        said.append(str(speeds[model.name]))
    built, pulled = read_built(model.folder), read_pulled(model.folder)
    if built:
        said.append(f"built from {built.get('source')}")
    elif pulled:
        said.append(f"from {pulled.get('repository')}")
    return "; ".join(said)


def _terms(settings: Settings, offer: Offer, speeds: Mapping[str, Speed]) -> str:
    """What somebody wants to know before fetching it."""
    said = [offer.licence or "licence unknown"]
    if not offer.commercial:
        said.append("not for commercial use")
    weighs = f"about {size(offer.download_mb * 1e6)}" if offer.download_mb else "size unknown"
    said.append(f"{weighs} to fetch" + (", then built" if offer.form is Form.diffusers else ""))
    if offer.memory_mb:
        short = " (more than there is)" if offer.memory_mb * 1e6 > settings.memory_bytes else ""
        said.append(f"about {size(offer.memory_mb * 1e6)} of memory{short}")
    speed = models_speed.reckoned(settings, offer, speeds)
    if speed is not None:
        said.append(str(speed))
    said.append(offer.source)
    return "; ".join(said)


def _facts(settings: Settings, shelf: Shelf) -> dict[str, Any]:
    """The same for programs."""
    models = []
    for model in shelf.catalogue.models.values():
        speed = shelf.speeds.get(model.name)
        models.append(
            {
                "name": model.name,
                "title": model.title,
                "family": model.family,
                "licence": model.licence,
                "commercial": model.commercial,
                "sizes": model.sizes,
                "steps": model.default_steps,
                "default": model.name == settings.model,
                "seconds": None if speed is None else speed.seconds,
                "folder": str(model.folder),
                "pulled": read_pulled(model.folder) and _origin(model),
                "built": read_built(model.folder),
            }
        )
    offers = []
    for offer in shelf.offers.values():
        speed = models_speed.reckoned(settings, offer, shelf.speeds)
        offers.append(
            {
                "name": offer.name,
                "title": offer.title,
                "family": offer.family,
                "form": offer.form,
                "repository": offer.repository,
                "revision": offer.revision,
                "licence": offer.licence,
                "commercial": offer.commercial,
                "download_mb": offer.download_mb or None,
                "memory_mb": offer.memory_mb or None,
                "seconds": None if speed is None else round(speed.seconds, 2),
                "measured": False,
                "here": offer.name in shelf.catalogue.models,
            }
        )
    networks = [{"name": each.name, "title": each.title} for each in shelf.networks.ordered]
    return {
        "models": models,
        "networks": networks,
        "broken": {**shelf.catalogue.broken, **shelf.networks.broken},
        "unfinished": shelf.unfinished,
        "offers": offers,
    }


def _origin(model: Model) -> dict[str, Any]:
    note = read_pulled(model.folder) or {}
    return {key: note.get(key) for key in ("repository", "revision", "commits")}
