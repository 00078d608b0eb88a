"""`atelier models add`, and what `pull` does with networks that enlarge."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot.models_told import told
from bot.settings import Settings
from engine.catalogue import Catalogue
from engine.errors import BadSource, BrokenModel
from engine.fetching import fetch
from engine.images import decode_source, fit
from engine.networks import Network, Networks
from engine.well_known import WellKnown

if TYPE_CHECKING:
    from engine.tiles import Pixels

ROOM = 3.0
"""How many times a fetched file's size must be free: it is converted beside itself."""
MOST_PICTURES = 32


def add(tasks: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the task to the command line."""
    own = tasks.add_parser(
        "add",
        help="add a model or a network of your own",
        description="Add a folder with a painting model of OpenVINO networks (weights are built "
        "first: `atelier models build`), or a network that enlarges: weights of an RRDBNet or "
        "SRVGGNetCompact (.pth, .safetensors), or any network as ONNX or OpenVINO IR. Its scale "
        "is found by running it once. Several files are the same network for several scales.",
    )
    own.add_argument("files", nargs="+", type=Path, metavar="FILE")
    own.add_argument("--name", help="small letters, digits, dashes; else the file's")
    own.add_argument("--title", default="")
    own.add_argument("--licence", default="", help="such as MIT")
    own.add_argument("--price", type=float, help="credits for a megapixel of an enlarged picture")
    add_int8(own)
    own.set_defaults(run=_add)


def add_int8(parser: argparse.ArgumentParser) -> None:
    """The options of 8 bits for networks that enlarge."""
    parser.add_argument(
        "--int8",
        action="store_true",
        help="networks that enlarge in 8 bits: quicker on most machines, a little less exact",
    )
    parser.add_argument(
        "--calibrate", type=Path, metavar="FOLDER", help="pictures to find the 8-bit ranges with"
    )


def line(network: Network) -> str:
    """What a list says of it."""
    scales = ", ".join(f"×{scale}" for scale in network.files)
    return f"{network.name:26}{network.title}; {scales}; {network.licence or 'licence unknown'}"


def pull_network(settings: Settings, options: argparse.Namespace, known: WellKnown) -> None:
    """Fetch one, check it and convert it."""
    from tqdm import tqdm

    from engine.installing import Card, install

    address = known.address(hub=settings.hub, mirror=settings.mirror)
    kept = settings.models_folder / ".fetched" / known.file
    hub = settings.hub_access
    with tqdm(unit="B", unit_scale=True, file=sys.stderr, leave=False, desc=known.name) as bar:

        def on_bytes(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        file = fetch(
            address,
            kept,
            sha256=options.sha256 or known.sha256,
            token=hub.token if address.startswith(hub.endpoint) else "",
            room=ROOM,
            on_bytes=on_bytes,
        )
    card = Card(
        name=known.name,
        title=known.title,
        licence=known.licence,
        source=known.source,
        description=known.description,
        price=known.price,
    )
    try:
        network = install(
            [file], card, settings.models_folder, int8=options.int8, pictures=pictures(options)
        )
    finally:
        file.unlink(missing_ok=True)
    print(line(network))


def pictures(options: argparse.Namespace) -> list[Pixels]:
    """The middles of the pictures in --calibrate."""
    if options.calibrate is None:
        return []
    if not options.int8:
        raise BrokenModel("--calibrate", "it belongs to --int8")
    found: list[Pixels] = []
    for file in sorted(options.calibrate.iterdir())[:MOST_PICTURES]:
        try:
            image = decode_source(file.read_bytes())
        except (BadSource, OSError):
            continue
        found.append(np.asarray(fit(image, 192, 192)))
    if not found:
        raise BrokenModel("--calibrate", f"there is no picture in {options.calibrate}")
    return found


def _add(settings: Settings, options: argparse.Namespace) -> int:
    return told(
        lambda: _adopt(settings, options) if _is_folder(options) else _own(settings, options)
    )


def _is_folder(options: argparse.Namespace) -> bool:
    return len(options.files) == 1 and options.files[0].is_dir()


def _adopt(settings: Settings, options: argparse.Namespace) -> None:
    from engine.adopting import adopt

    folder: Path = options.files[0].resolve()
    name = options.name or folder.name.lower().replace(" ", "-")
    if name in Catalogue.read(settings.model_folders).models:
        raise BrokenModel(name, "there is a model of that name already")
    said = {"title": options.title, "licence": options.licence}
    model = adopt(folder, name, settings.models_folder, said)
    print(f"{model.name} is there: {model.family}, {model.default_steps} steps")
    print(f"Whether it paints: atelier models check {model.name}")


def _own(settings: Settings, options: argparse.Namespace) -> None:
    from engine.installing import Card, install

    first: Path = options.files[0]
    name = options.name or first.stem.lower().replace(" ", "-")
    if name in Networks.read(settings.model_folders).networks:
        raise BrokenModel(name, "there is a model of that name already")
    card = Card(name=name, title=options.title, licence=options.licence, price=options.price)
    models = settings.models_folder
    found = pictures(options)
    print(line(install(options.files, card, models, int8=options.int8, pictures=found)))
