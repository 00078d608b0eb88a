"""Repositories of the Hugging Face hub, or of a mirror: what is in one, at one commit.

Files are brought here by `engine.bringing`.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from engine.fetching import FetchError, ask

ENDPOINT = "https://huggingface.co"
REPOSITORY = re.compile(r"[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}", re.ASCII)
MOST_FILES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The hub or a mirror of it. `cache` is the folder where its own tools keep what they fetched:
    what lies there is not fetched again, and is all there is when `offline`."""

    endpoint: str = ENDPOINT
    token: str = field(default="", repr=False)
    offline: bool = False
    cache: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a repository: its sum is a sha256, or git's name for it where it is small.

    `target` is where it goes, relative to the folder; its own path unless said otherwise.
    """

    path: str
    size: int
    sha256: str = ""
    git_sha1: str = ""
    target: str = ""

    @property
    def place(self) -> str:
        return self.target or self.path

    @property
    def sum(self) -> str:
        return self.sha256 or self.git_sha1


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is in a repository at one commit, and under which licence, if it says so."""

    repository: str
    commit: str
    files: tuple[RemoteFile, ...]
    licence: str = ""

    def get(self, path: str) -> RemoteFile:
        """The file at `path`. Raises `FetchError`."""
        for file in self.files:
            if file.path == path:
                return file
        raise FetchError(f"{self.repository} has no file {path}", status=404)


def look(hub: Hub, repository: str, revision: str = "main") -> Listing:
    """What is in `repository` at a branch, tag or commit. Raises `FetchError`."""
    if not REPOSITORY.fullmatch(repository) or ".." in repository:
        raise FetchError(f"{repository!r} is no repository of the hub (such as owner/name)")
    if hub.offline:
        return _look_into_cache(hub, repository, revision)
    root = f"{hub.endpoint.rstrip('/')}/api/models/{repository}"
    named = urllib.parse.quote(revision, safe="")
    try:
        body, _ = ask(f"{root}/revision/{named}", token=hub.token)
        facts = _mapping(_json(body, repository), repository)
        commit = str(facts.get("sha") or "")
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            raise FetchError(f"{repository}: the hub names no commit")
        found: list[RemoteFile] = []
        following: str | None = f"{root}/tree/{commit}?recursive=true"
        while following:
            body, headers = ask(following, token=hub.token)
            found += _files(_json(body, repository), repository)
            if len(found) > MOST_FILES:
                raise FetchError(f"{repository} has more than {MOST_FILES} files")
            following = _next_page(headers, hub)
    except FetchError as error:
        raise explained(error, hub, repository, revision) from None
    return Listing(
        repository=repository, commit=commit, files=tuple(found), licence=_licence(facts)
    )


def address(hub: Hub, listing: Listing, file: RemoteFile) -> str:
    """Where the hub has that file."""
    path = urllib.parse.quote(file.path)
    return f"{hub.endpoint.rstrip('/')}/{listing.repository}/resolve/{listing.commit}/{path}"


def cached_at(cache: Path, repository: str) -> Path:
    """Where the hub's own tools keep that repository."""
    return cache / f"models--{repository.replace('/', '--')}"


def _look_into_cache(hub: Hub, repository: str, revision: str) -> Listing:
    """The same listing from what the hub's tools have kept, for a machine that is offline."""
    if hub.cache is None:
        raise FetchError(f"{repository} cannot be asked for: HF_HUB_OFFLINE is set")
    if ".." in PurePosixPath(revision).parts:
        raise FetchError(f"{revision!r} is no revision")
    place = cached_at(hub.cache, repository)
    ref = place / "refs" / revision
    commit = ref.read_text(encoding="ascii").strip() if ref.is_file() else revision
    snapshot = place / "snapshots" / commit
    if not snapshot.is_dir():
        raise FetchError(f"{repository} is not in {hub.cache}, and HF_HUB_OFFLINE is set")
    found = []
    for file in sorted(snapshot.rglob("*")):
        blob = file.resolve()
        if not blob.is_file():
            continue
        path, size, named = file.relative_to(snapshot).as_posix(), blob.stat().st_size, blob.name
        large = len(named) == 64
        found.append(
            RemoteFile(
                path=path,
                size=size,
                sha256=named if large else "",
                git_sha1="" if large else named,
            )
        )
    return Listing(repository=repository, commit=commit, files=tuple(found))


def _files(said: Any, repository: str) -> list[RemoteFile]:
    """The files of one page of a listing; a path that leads elsewhere is refused."""
    if not isinstance(said, list):
        raise FetchError(f"{repository}: the hub lists no files")
    found = []
    for entry in said:
        facts = _mapping(entry, repository)
        if facts.get("type") != "file":
            continue
        path = str(facts.get("path"))
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or {"..", "."} & set(parts) or "\\" in path:
            raise FetchError(f"{repository} has a file with the path {path!r}")
        size, large = facts.get("size"), facts.get("lfs")
        if not isinstance(size, int) or size < 0:
            raise FetchError(f"{repository}: the hub does not say how large {path} is")
        if isinstance(large, dict):
            found.append(RemoteFile(path=path, size=size, sha256=str(large.get("oid", ""))))
        else:
            found.append(RemoteFile(path=path, size=size, git_sha1=str(facts.get("oid", ""))))
    return found


def _next_page(headers: Mapping[str, str], hub: Hub) -> str | None:
    link = next((value for name, value in headers.items() if name.lower() == "link"), "")
    match = re.search(r'<([^>]+)>\s*;\s*rel="?next"?', link)
    if match is None:
        return None
    page: str = urllib.parse.urljoin(hub.endpoint, match[1])
    if urllib.parse.urlsplit(page).netloc != urllib.parse.urlsplit(hub.endpoint).netloc:
        # A mirror that hands on the hub's own addresses is asked for the rest itself.
        parts = urllib.parse.urlsplit(page)
        page = f"{hub.endpoint.rstrip('/')}{parts.path}?{parts.query}"
    return page


def _licence(facts: Mapping[str, Any]) -> str:
    card = facts.get("cardData")
    if isinstance(card, dict):
        name = card.get("license_name") if card.get("license") == "other" else card.get("license")
        if isinstance(name, str):
            return name
    tags = facts.get("tags")
    named = (str(tag) for tag in tags) if isinstance(tags, list) else iter(())
    return next((tag.partition(":")[2] for tag in named if tag.startswith("license:")), "")


def explained(error: FetchError, hub: Hub, repository: str, revision: str) -> FetchError:
    """What the hub's no means for somebody who wanted that repository."""
    place = f"{hub.endpoint.rstrip('/')}/{repository}"
    if error.status in (401, 403):
        what = "it refuses your HF_TOKEN" if hub.token else "it does not exist, or wants HF_TOKEN"
        return FetchError(
            f"{place} cannot be read: {what} (some licences have to be accepted there first)",
            status=error.status,
        )
    if error.status == 404:
        return FetchError(f"there is no {repository} at {revision!r} on {hub.endpoint}", status=404)
    return error


def _json(body: bytes, repository: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise FetchError(f"{repository}: the hub's answer is not JSON") from None


def _mapping(said: Any, repository: str) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise FetchError(f"{repository}: the hub's answer has another form than expected")
    return said
