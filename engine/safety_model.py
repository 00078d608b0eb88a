"""Where the classifier of `engine.safety` comes from: a folder, or a repository of the hub.

What was published for other libraries is made into an OpenVINO network once, and kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import structlog

from engine.bringing import bring
from engine.encoding import of_child
from engine.errors import BrokenModel
from engine.fetching import FetchError
from engine.hub import Hub, look
from engine.safety import NETWORK

log = structlog.get_logger(__name__)

FACTS = ("config.json", "preprocessor_config.json")
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
IR = (NETWORK, "openvino_model.bin")


def classifier(named: str, cache: Path, hub: Hub) -> Path:
    """The folder of the classifier that is `named`, ready to be loaded; slow the first time.

    Raises `BrokenModel`.
    """
    folder = Path(named).expanduser()
    if folder.is_dir():
        return folder if (folder / NETWORK).is_file() else _converted(folder, cache / folder.name)
    if named.count("/") != 1:
        raise BrokenModel(named, "there is no such folder, and it is no name on the hub")
    kept = cache / named.replace("/", "--")
    if (kept / NETWORK).is_file():
        return kept
    brought = kept.with_name(f"{kept.name}.files")
    try:
        listing = look(hub, named)
        paths = {file.path for file in listing.files}
        ready = set(IR) <= paths
        weights = IR if ready else next(([each] for each in WEIGHTS if each in paths), [])
        if not weights:
            raise BrokenModel(named, "it has no weights that can be used")
        bring(hub, listing, [listing.get(each) for each in (*FACTS, *weights)], brought)
    except FetchError as error:
        raise BrokenModel(named, str(error)) from None
    log.info("the safety model was fetched", model=named, commit=listing.commit)
    if ready:
        brought.replace(kept)
        return kept
    made = _converted(brought, kept)
    shutil.rmtree(brought, ignore_errors=True)
    return made


def _converted(folder: Path, kept: Path) -> Path:
    """An OpenVINO network of a classifier of transformers, whole or not at all."""
    if (kept / NETWORK).is_file():
        return kept
    for each in FACTS:
        if not (folder / each).is_file():
            raise BrokenModel(folder.name, f"{each} is missing")
    unfinished = kept.with_name(f"{kept.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        # In a process of its own: what it loads would stay in the memory of the server.
        command = [sys.executable, "-m", "engine.building.classifier", f"{folder}", f"{unfinished}"]
        done = subprocess.run(  # noqa: S603 - our own module, with two folders
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=of_child(os.environ),
            check=False,
        )
        if done.returncode or not (unfinished / NETWORK).is_file():
            raise ValueError(done.stderr.strip().rpartition("\n")[2] or "it ended early")
        for each in FACTS:
            shutil.copyfile(folder / each, unfinished / each)
    except (OSError, ValueError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise BrokenModel(folder.name, f"it cannot be converted: {str(error)[:200]}") from error
    shutil.rmtree(kept, ignore_errors=True)
    unfinished.replace(kept)
    return kept
