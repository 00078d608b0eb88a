"""`atelier models check`: does each model load and paint, and is it still what was fetched."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.models_list import Shelf, look_around
from bot.models_told import size, told
from bot.settings import Settings
from engine.catalogue import Model
from engine.errors import BrokenModel, UnknownModel
from engine.fetching import git_sum, sum_of
from engine.networks import Network
from engine.probing import probe
from engine.pulling import read_note, spoilt

SHA256 = 64
"""Letters of the longer of the two sums."""


def add(tasks: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the task to the command line."""
    check = tasks.add_parser(
        "check",
        help="load models and paint once with each",
        description="Load each model in a process of its own, paint once, and say what is wrong. "
        "The exit code is 1 if anything is.",
    )
    check.add_argument("names", nargs="*", metavar="NAME", help="all of them without any")
    check.add_argument(
        "--thorough", action="store_true", help="also read every file that was fetched"
    )
    check.set_defaults(run=_check)


def _check(settings: Settings, options: argparse.Namespace) -> int:
    def work() -> int:
        shelf = look_around(settings)
        broken = {**shelf.catalogue.broken, **shelf.networks.broken}
        known = (*shelf.catalogue.models, *shelf.networks.networks, *broken, *shelf.unfinished)
        for name in options.names:
            if name not in known:
                raise UnknownModel(name, known)
        wanted = options.names or known
        wrong = 0
        for name in wanted:
            wrong += not _one(settings, shelf, broken, name, thorough=options.thorough)
        if wrong:
            print(f"{wrong} of {len(wanted)} cannot be used")
        return 1 if wrong else 0

    return told(work)


def _one(
    settings: Settings, shelf: Shelf, broken: dict[str, str], name: str, *, thorough: bool
) -> bool:
    """Look at one, say how it is, and return whether it is well."""
    if name in broken:
        print(f"{name}: cannot be used: {broken[name]}", flush=True)
        return False
    if name in shelf.networks.networks:
        return _network(shelf.networks.networks[name])
    if name not in shelf.catalogue.models:
        print(f"{name}: is not whole yet: pull it again to go on, or remove it", flush=True)
        return False
    return _model(settings, shelf.catalogue.models[name], thorough=thorough)


def _model(settings: Settings, model: Model, *, thorough: bool) -> bool:
    if thorough and read_note(model.folder) is not None:
        wrong = spoilt(model.folder, _sum)
        if wrong:
            print(f"{model.name}: not what was fetched any more: {', '.join(wrong)}", flush=True)
            return False
    try:
        found = probe(
            model.name,
            settings.model_folders,
            cache=settings.data / "cache",
            threads=settings.threads or None,
        )
    except BrokenModel as error:
        print(f"{model.name}: cannot be used: {error.reason}", flush=True)
        return False
    if found.blank:
        print(f"{model.name}: paints nothing but one colour", flush=True)
        return False
    shape = f"{found.width}×{found.height} in {found.steps} steps"
    print(
        f"{model.name}: paints; {shape}: {found.usual:.1f} s, the first after {found.first:.1f} s, "
        f"{size(found.peak_bytes)} of memory{_doubts(settings, model, found.peak_bytes)}",
        flush=True,
    )
    return True


def _doubts(settings: Settings, model: Model, peak: int) -> str:
    """What is no fault of it, but worth knowing."""
    said = []
    if not model.licence:
        said.append("its licence is not known")
    if not model.commercial:
        said.append("not for commercial use")
    if peak > settings.memory_bytes:
        said.append(f"that is more than ATELIER_MEMORY ({size(settings.memory_bytes)})")
    return "".join(f"; {each}" for each in said)


def _network(network: Network) -> bool:
    from engine.lens import Lens

    for scale, file in network.files.items():
        try:
            found = Lens(file, name=network.name).scale
        except BrokenModel as error:
            print(f"{network.name}: cannot be used: {error.reason}", flush=True)
            return False
        if found != scale:
            print(f"{network.name}: {file.name} enlarges by {found}", flush=True)
            return False
    scales = ", ".join(f"×{scale}" for scale in network.files)
    print(f"{network.name}: enlarges by {scales}", flush=True)
    return True


def _sum(file: Path, was: str) -> str:
    return sum_of(file) if len(was) == SHA256 else git_sum(file)
