"""Finding what somebody names for a build: a folder, a file, or something on the hub.

`owner/name` is a repository, `owner/name/path/file.safetensors` one file in it; what exists here
under that name wins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.bringing import bring
from engine.errors import BrokenModel
from engine.fetching import FetchError
from engine.hub import REPOSITORY, Hub, Listing, RemoteFile, look
from engine.selecting import is_diffusers, weights_of

FETCHED = ".fetched"
TOKENIZER = "openai/clip-vit-large-patch14"
"""The repository that has the tokenizer of every model of the first families."""
WORDS = 49408
"""How many it knows."""
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")
WEIGHTS = ".safetensors"

OnBytes = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where it is now, how it was named, and what the hub says about it."""

    path: Path
    origin: str
    revision: str = ""
    licence: str = ""
    fetched: Path | None = None
    """The folder it was fetched to, which may go when it was used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything a build may be made of. `kept` is where fetched things lie."""

    hub: Hub
    kept: Path
    on_bytes: OnBytes = lambda done, total: None

    def model(self, text: str, revision: str = "main") -> Found:
        """A diffusers folder, or a single file. Raises `BrokenModel` or `FetchError`."""
        if here := _here(text):
            return here
        repository, file = _split(text)
        listing = look(self.hub, repository, revision)
        if file:
            return self._file(listing, file)
        if not is_diffusers(listing):
            single = [each.path for each in listing.files if each.path.endswith(WEIGHTS)]
            offered = ", ".join(f"{repository}/{path}" for path in single[:5])
            more = f"; there is {offered}" if offered else ""
            raise BrokenModel(text, f"it holds no model in the form of diffusers{more}")
        return self._files(listing, weights_of(listing))

    def lora(self, text: str, revision: str = "main") -> Found:
        """A file of low-rank changes."""
        if here := _here(text):
            if here.path.is_dir():
                return Found(path=_only(here.path.glob(f"*{WEIGHTS}"), text), origin=here.origin)
            return here
        repository, file = _split(text)
        listing = look(self.hub, repository, revision)
        return self._file(listing, file or _one_of(listing, text))

    def decoder(self, text: str, revision: str = "main") -> Found:
        """A folder of a tiny autoencoder, as weights or as OpenVINO networks."""
        if here := _here(text):
            return here
        repository, file = _split(text)
        listing = look(self.hub, repository, revision)
        names = ("config.json", "diffusion_pytorch_model.safetensors")
        parts = ("openvino_model.xml", "openvino_model.bin", "config.json")
        networks = [f"{half}/{part}" for half in ("vae_decoder", "vae_encoder") for part in parts]
        inside = f"{file}/" if file else ""
        chosen = [each for each in listing.files if each.path in [inside + n for n in names]]
        if len(chosen) < len(names):
            wanted = [inside + each for each in (*networks, *parts)]
            chosen = [each for each in listing.files if each.path in wanted]
        if not chosen:
            raise BrokenModel(text, "there is no tiny decoder in it")
        found = self._files(listing, chosen)
        return Found(
            path=found.path / file,
            origin=text,
            revision=found.revision,
            licence=found.licence,
            fetched=found.fetched,
        )

    def rest(self, text: str, lacking: str, revision: str = "main") -> Found:
        """What a single file lacks: its "tokenizer", or "everything else"."""
        if here := _here(text):
            return here
        repository, _ = _split(text)
        listing = look(self.hub, repository, revision)
        if lacking == "tokenizer":
            return self._files(listing, _tokenizer(listing))
        wanted = [
            each
            for each in weights_of(listing)
            if not (each.path.startswith("transformer/") and WEIGHTS in each.path)
        ]
        return self._files(listing, wanted)

    def _file(self, listing: Listing, path: str) -> Found:
        if not path.endswith(WEIGHTS):
            raise BrokenModel(path, f"only {WEIGHTS} files are taken (others can hold programs)")
        found = self._files(listing, [listing.get(path)])
        return Found(
            path=found.path / path,
            origin=f"{listing.repository}/{path}",
            revision=found.revision,
            licence=found.licence,
            fetched=found.fetched,
        )

    def _files(self, listing: Listing, files: Iterable[RemoteFile]) -> Found:
        folder = self.kept / listing.repository.replace("/", "--")
        bring(self.hub, listing, files, folder, on_bytes=self.on_bytes)
        return Found(
            path=folder,
            origin=listing.repository,
            revision=listing.commit,
            licence=listing.licence,
            fetched=folder,
        )


def tokenizer_here(folders: Iterable[Path]) -> Path | None:
    """A model among `folders` that has the tokenizer that single files were trained with."""
    for folder in folders:
        place = folder / "tokenizer"
        for file in (place / "tokenizer.json", place / "vocab.json"):
            try:
                said = json.loads(file.read_text("utf-8"))
                words = said["model"]["vocab"] if file.name == "tokenizer.json" else said
                if len(words) == WORDS:
                    return folder
            except (OSError, ValueError, KeyError, TypeError):
                continue
    return None


def _here(text: str) -> Found | None:
    path = Path(text).expanduser()
    if path.exists():
        return Found(path=path, origin=text)
    if text.startswith(("/", ".", "~")) or text.count("/") == 0 or "\\" in text:
        raise BrokenModel(text, "there is no such file or folder (nor is it owner/name of the hub)")
    return None


def _split(text: str) -> tuple[str, str]:
    """Repository, and path inside it."""
    owner, _, rest = text.partition("/")
    name, _, file = rest.partition("/")
    repository = f"{owner}/{name}"
    if not REPOSITORY.fullmatch(repository):
        raise BrokenModel(text, "there is no such file or folder (nor is it owner/name of the hub)")
    return repository, file


def _tokenizer(listing: Listing) -> list[RemoteFile]:
    """Its tokenizers alone, from the folders of a model or from a repository of nothing else."""
    inside = [
        each for each in listing.files if each.path.startswith(("tokenizer/", "tokenizer_2/"))
    ]
    found = inside or [each for each in listing.files if each.path in TOKENIZER_FILES]
    if not found:
        raise FetchError(f"{listing.repository} has no tokenizer", status=404)
    return found


def _one_of(listing: Listing, text: str) -> str:
    files = [each.path for each in listing.files if each.path.endswith(WEIGHTS)]
    preferred = [path for path in files if path.startswith("pytorch_lora_weights")]
    return str(_only((Path(path) for path in preferred or files), text))


def _only(files: Iterable[Path], text: str) -> Path:
    found = sorted(files)
    if len(found) == 1:
        return found[0]
    if not found:
        raise BrokenModel(text, f"there is no {WEIGHTS} file in it")
    shown = ", ".join(str(each) for each in found[:5])
    raise BrokenModel(text, f"it has {len(found)} {WEIGHTS} files; name one of them ({shown})")


def scaled(text: str) -> tuple[str, float]:
    """`file.safetensors:0.8` in two; without a number it is 1."""
    found = re.fullmatch(r"(.+):(-?\d+(?:\.\d+)?)", text)
    return (found[1], float(found[2])) if found else (text, 1.0)
