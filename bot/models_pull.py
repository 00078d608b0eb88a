"""`atelier models pull`: fetching what the catalogue knows, or any repository of the hub."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bot.models_network import add_int8, pull_network
from bot.models_told import Declined, size, told
from bot.settings import Settings
from engine import repertoire, well_known
from engine.bringing import OnBytes
from engine.cards import NAME
from engine.catalogue import Catalogue, Model
from engine.errors import BrokenModel, UnknownModel
from engine.hub import REPOSITORY
from engine.pulling import DECODER, LORAS, MODEL, Plan, assemble, clear, gather, plan
from engine.repertoire import Form, Offer


def add(tasks: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the task to the command line."""
    pull = tasks.add_parser(
        "pull",
        help="fetch a model that paints, or a network that enlarges",
        description="Fetch a model by the name that `atelier models list` has for it, or a "
        "repository of the hub as OWNER/NAME. Every file is checked; a pull that was interrupted "
        "goes on where it stopped. Weights that are no OpenVINO networks are built into some "
        "afterwards. HF_ENDPOINT is used instead of the hub, HF_TOKEN shown to it; with "
        "HF_HUB_OFFLINE only what its own tools have fetched before is taken. ATELIER_MIRROR is "
        "used instead of the source of every network that enlarges.",
    )
    pull.add_argument("names", nargs="+", metavar="NAME", help="`atelier models list` has them")
    pull.add_argument("--name", help="what to call it here")
    pull.add_argument("--revision", help="a branch, tag or commit of its repository")
    pull.add_argument(
        "--base", metavar="OWNER/NAME", help="another checkpoint for what is built with a LoRA"
    )
    pull.add_argument(
        "--full-decoder", action="store_true", help="without the tiny decoder: slower, a bit finer"
    )
    pull.add_argument(
        "--fp16", action="store_true", help="what is built keeps 16 bits instead of 8: slower"
    )
    pull.add_argument(
        "--yes", action="store_true", help="also what may not be used commercially, unasked"
    )
    pull.add_argument(
        "--sha256", default="", help="what a network's file must be, instead of what is known"
    )
    add_int8(pull)
    pull.set_defaults(run=_pull)


def _pull(settings: Settings, options: argparse.Namespace) -> int:
    def work() -> None:
        if len(options.names) > 1:
            for flag in ("sha256", "name", "base", "revision"):
                if getattr(options, flag):
                    raise Declined(f"--{flag} is for one model at a time")
        offers, networks = repertoire.read(settings.own_models), well_known.read()
        for name in options.names:  # all of them, before the first byte
            if name not in offers and name not in networks and not REPOSITORY.fullmatch(name):
                raise UnknownModel(name, (*offers, *networks))
        for name in options.names:
            if name in networks and name not in offers:
                known = networks[name]
                if (settings.models_folder / known.name).exists():
                    print(f"{known.name} is there already")
                    continue
                print(f"{known.title}: {known.licence}, {known.source}")
                _agree(known.name, known.commercial, options)
                pull_network(settings, options, known)
            else:
                _pull_model(settings, options, _offer(offers.get(name), name, options))

    return told(work)


def _offer(known: Offer | None, name: str, options: argparse.Namespace) -> Offer:
    """What is wanted, with what the options say otherwise."""
    if known is None:
        owner, _, rest = name.partition("/")
        known = Offer(name=_named(rest), repository=f"{owner}/{rest}")
    if options.base:
        if known.form is not Form.diffusers:
            raise Declined(f"{known.name} is not built, so it takes no --base")
        if not REPOSITORY.fullmatch(options.base):
            raise Declined(f"{options.base!r} is no repository of the hub")
        base = options.base.rpartition("/")[2]
        unsaid = ("licence", "commercial", "description")  # those of the other one
        card = {key: value for key, value in known.card.items() if key not in unsaid}
        card["title"] = f"{base} with {known.name}"
        name = _named(f"{base}-{known.name}")
        known = replace(known, repository=options.base, revision="main", name=name, card=card)
    if options.full_decoder:
        known = replace(known, tiny_decoder="")
    return replace(
        known, name=options.name or known.name, revision=options.revision or known.revision
    )


def _named(text: str) -> str:
    """A name for a model out of a repository's."""
    kept = "".join(each if each.isascii() and each.isalnum() else "-" for each in text.lower())
    return "-".join(filter(None, kept.split("-")))[:40].rstrip("-") or "model"


def _pull_model(settings: Settings, options: argparse.Namespace, offer: Offer) -> None:
    if not NAME.fullmatch(offer.name):
        allowed = "small letters, digits, dots, dashes; at most 40"
        raise BrokenModel(offer.name, f"that is no name for a model ({allowed})")
    models, hub = settings.models_folder, settings.hub_access
    if (models / offer.name).exists():
        print(f"{offer.name} is there already")
        return
    if offer.name in Catalogue.read(settings.model_folders).models:
        raise BrokenModel(offer.name, "there is a model of that name already: --name gives another")
    wanted = plan(hub, offer)
    print(
        f"{offer.title}: {wanted.licence or 'licence unknown'}, {size(wanted.bytes)}, "
        f"{hub.endpoint.rstrip('/')}/{offer.repository}"
    )
    _agree(offer.name, wanted.commercial, options)
    models.mkdir(parents=True, exist_ok=True)
    with _bar(offer.name, wanted.bytes) as on_bytes:
        place = gather(hub, wanted, models, on_bytes=on_bytes)
    if wanted.offer.form is Form.openvino:
        _ready(assemble(wanted, models))
    else:
        _build(settings, wanted, place, fp16=options.fp16)


def _agree(name: str, commercial: bool, options: argparse.Namespace) -> None:
    """Say what its licence forbids; who is at a terminal is asked, others have to have said so."""
    if commercial:
        return
    print("  Its licence does not allow commercial use.", flush=True)
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise Declined(f"{name} is fetched all the same with --yes")
    if input("  Fetch it all the same? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Declined(f"{name} is not fetched")


@contextmanager
def _bar(name: str, total: int) -> Iterator[OnBytes]:
    from tqdm import tqdm

    with tqdm(
        total=total, unit="B", unit_scale=True, file=sys.stderr, leave=False, desc=name
    ) as bar:

        def on_bytes(done: int, _: int) -> None:
            bar.update(done - bar.n)

        yield on_bytes


def _build(settings: Settings, wanted: Plan, place: Path, *, fp16: bool) -> None:
    """Hand the weights over to be built, with what is fused with them."""
    from bot.models_build import show_built, stages
    from engine.building import build
    from engine.building.recipe import Lora, Precision, Recipe, Source

    offer = wanted.offer
    loras = tuple(
        Lora(file=place / LORAS / str(index) / f"{index}.safetensors", scale=scale, origin=origin)
        for index, (origin, scale) in enumerate(offer.loras)
    )
    decoder = place / DECODER / "vae_decoder" if offer.tiny_decoder else None
    said = {**offer.card, "licence": wanted.licence, "commercial": wanted.commercial}
    recipe = Recipe(
        name=offer.name,
        source=Source(
            path=place / MODEL,
            origin=offer.repository,
            revision=wanted.parcels[0].listing.commit,
        ),
        loras=loras,
        precision=Precision.fp16 if fp16 else Precision.int8,
        decoder=decoder,
        card={"title": offer.repository.rpartition("/")[2], **said},
    )
    with stages(offer.name) as on_stage:
        built = build(recipe, settings.models_folder, on_stage=on_stage)
    show_built(built)
    clear(settings.models_folder, offer.name)


def _ready(model: Model) -> None:
    width, height = model.sizes[0]
    print(f"{model.name} is there: {model.family}, {width}×{height}, {model.default_steps} steps")
    print(f"Whether it paints: atelier models check {model.name}")
