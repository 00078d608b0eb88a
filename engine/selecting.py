"""Which files of a repository a model needs: no pickles, no second copies, no samples."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from engine.fetching import FetchError
from engine.hub import Listing, RemoteFile

INDEX = "model_index.json"
NETWORKS = re.compile(r"text_encoder(_\d)?|unet|transformer|vae_decoder|vae_encoder")
MODULES = re.compile(r"text_encoder(_\d)?|unet|transformer|vae")
WORDS = re.compile(r"tokenizer(_\d)?|scheduler")
SMALL = (".json", ".txt", ".model")
PAPERS = re.compile(r"(licen[cs]e|notice|readme)(\.\w+)?", re.IGNORECASE)


def is_openvino(listing: Listing) -> bool:
    """Whether its networks can be run as they are."""
    paths = {file.path for file in listing.files}
    return INDEX in paths and any(path.endswith("/openvino_model.xml") for path in paths)


def is_diffusers(listing: Listing) -> bool:
    """Whether it holds weights that can be built into a model."""
    paths = {file.path for file in listing.files}
    return INDEX in paths and any(path.endswith(".safetensors") for path in paths)


def networks_of(listing: Listing) -> list[RemoteFile]:
    """The files of a model of OpenVINO networks. Raises `FetchError` if it is none."""
    if not is_openvino(listing):
        raise FetchError(f"{listing.repository} holds no OpenVINO model")
    found = _papers(listing)
    for file in listing.files:
        folder, name = _split(file)
        if folder == "" and name == INDEX:
            found.append(file)
        elif NETWORKS.fullmatch(folder):
            if name in ("openvino_model.xml", "openvino_model.bin", "config.json"):
                found.append(file)
        elif WORDS.fullmatch(folder) and name.endswith(SMALL):
            found.append(file)
    return found


def decoder_of(listing: Listing) -> list[RemoteFile]:
    """The decoder alone of a repository with a tiny autoencoder as OpenVINO networks."""
    names = ("openvino_model.xml", "openvino_model.bin", "config.json")
    return [listing.get(f"vae_decoder/{name}") for name in names]


def weights_of(listing: Listing) -> list[RemoteFile]:
    """The files of a diffusers folder to build from. Raises `FetchError` if it is none.

    Of weights in several precisions the smaller are taken, under the plain name.
    """
    if not is_diffusers(listing):
        raise FetchError(f"{listing.repository} holds no model in the form of diffusers")
    found = _papers(listing)
    found += [file for file in listing.files if file.path == INDEX]
    folders = sorted({_split(file)[0] for file in listing.files})
    for folder in folders:
        inside = [file for file in listing.files if _split(file)[0] == folder]
        if WORDS.fullmatch(folder):
            found += [file for file in inside if file.path.endswith(SMALL)]
        elif MODULES.fullmatch(folder):
            found += _module(inside)
    return found


def _module(inside: list[RemoteFile]) -> list[RemoteFile]:
    """Configuration and weights of one network."""
    found = [
        file for file in inside if _split(file)[1] in ("config.json", "generation_config.json")
    ]
    half = [file for file in inside if file.path.endswith(".fp16.safetensors")]
    whole = [file for file in half if "non_ema" not in file.path]
    if len(whole) == 1:
        (file,) = whole
        plain = file.path.replace(".fp16.safetensors", ".safetensors")
        return [*found, _as(file, plain)]
    for file in inside:
        name = _split(file)[1]
        if ".fp16" in name or "non_ema" in name:
            continue
        if name.endswith((".safetensors", ".safetensors.index.json")):
            found.append(file)
    return found


def _as(file: RemoteFile, target: str) -> RemoteFile:
    return RemoteFile(
        path=file.path, size=file.size, sha256=file.sha256, git_sha1=file.git_sha1, target=target
    )


def _papers(listing: Listing) -> list[RemoteFile]:
    return [file for file in listing.files if PAPERS.fullmatch(file.path)]


def _split(file: RemoteFile) -> tuple[str, str]:
    """The folder of a file of a module and its name; deeper ones belong to nothing we know."""
    path = PurePosixPath(file.path)
    return ("" if path.parent == PurePosixPath() else path.parent.as_posix()), path.name
