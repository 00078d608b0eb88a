"""The Hugging Face hub on loopback: what its API and its files say, and how both can go wrong.

Repositories are folders. Large files are those that git-lfs would have: their sums are sha256, they
are redirected to a second server, as the hub does, which must never see a token.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.loopback_http import Answer, Loopback

LARGE = (".bin", ".safetensors", ".msgpack")
API = r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+)(?:/(.*))?)?"
PAGE = 7
"""Entries of one page of a listing: few, so that every test turns pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One commit of a repository; `card` is the head of its README, `strange` what a listing has
    that no folder can hold."""

    folder: Path
    strange: tuple[dict[str, Any], ...] = ()
    card: dict[str, Any] = field(default_factory=dict)
    gated: bool = False

    @property
    def files(self) -> dict[str, Path]:
        return {
            file.relative_to(self.folder).as_posix(): file
            for file in sorted(self.folder.rglob("*"))
            if file.is_file()
        }

    @property
    def commit(self) -> str:
        """Changes with what is in it, as git's would."""
        digest = hashlib.sha1()
        for path, file in self.files.items():
            digest.update(f"{path}\0{sums(file)[0]}\n".encode())
        return digest.hexdigest()


def blob_id(data: bytes) -> str:
    """Git's name for a file with that content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sums(file: Path) -> tuple[str, str]:
    """Git's name for a file, and its sha256; reckoned once for as long as it stays as it is."""
    state = file.stat()
    return _sums(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1000)
def _sums(file: Path, changed: int, size: int) -> tuple[str, str]:
    data = file.read_bytes()
    return blob_id(data), hashlib.sha256(data).hexdigest()


@dataclass(slots=True)
class LoopbackHub(Loopback):
    """Serves `repositories` by owner/name; use it with `with`.

    `token` is what gated ones ask for. `cut_after` ends the connection after so many bytes of a
    large file, once for each number. `fail_with` are answers to the next requests. `hold_after`
    sends so many bytes of a large file and waits for `release`. `lies` are paths whose content
    is not what the listing said. `renamed` are repositories that moved: old name -> new name.
    """

    repositories: dict[str, Repository] = field(default_factory=dict)
    token: str = "hf_secret"
    cut_after: list[int] = field(default_factory=list)
    fail_with: list[int] = field(default_factory=list)
    hold_after: int | None = None
    lies: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of each request for a file, to either server."""
    seen_by_storage: list[str | None] = field(default_factory=list)
    """What the server of large files was shown as authorization."""
    held: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """What HF_ENDPOINT has to be."""
        return self.place()

    @property
    def storage(self) -> str:
        """Where large files are."""
        return self.place(1)

    @property
    def answers(self) -> tuple[Answer, ...]:
        return self._answer, self._store

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.fail_with:
            _say(request, self.fail_with.pop(0), {})
            return
        url = urlsplit(request.path)
        path = unquote(url.path)
        for old, new in self.renamed.items():
            if f"/{old}/" in path or path.endswith(f"/{old}"):
                _say(request, 307, {"Location": request.path.replace(old, new)})
                return
        api = re.fullmatch(
            r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+)(?:/(.*))?)?", path
        )
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        found = api or file
        if found is None:
            _say(request, 404, {})
            return
        repository = self.repositories.get(found[1])
        said = request.headers.get("Authorization")
        if repository is None:
            code = 404 if said == f"Bearer {self.token}" else 401
            _say(request, code, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Not found"})
            return
        if said is not None and said != f"Bearer {self.token}":
            _say(request, 401, {"X-Error-Message": "Invalid credentials in Authorization header"})
            return
        if repository.gated and said is None:
            message = f"Access to model {found[1]} is restricted."
            _say(request, 401, {"X-Error-Code": "GatedRepo", "X-Error-Message": message})
            return
        revision = (api[3] if api else found[2]) or "main"
        if revision not in ("main", repository.commit):
            _say(request, 404, {"X-Error-Code": "RevisionNotFound"})
        elif api and api[2] == "tree":
            self._list(request, repository, api[4] or "", parse_qs(url.query))
        elif api:
            self._describe(request, found[1], repository)
        else:
            self._resolve(request, repository, found[3])

    def _describe(self, request: BaseHTTPRequestHandler, name: str, repository: Repository) -> None:
        facts = {
            "_id": "0" * 24,
            "id": name,
            "modelId": name,
            "sha": repository.commit,
            "private": False,
            "gated": "auto" if repository.gated else False,
            "tags": [f"license:{repository.card['license']}"] if repository.card else [],
            "cardData": repository.card,
            "siblings": [{"rfilename": path} for path in repository.files],
        }
        _json(request, facts)

    def _list(
        self,
        request: BaseHTTPRequestHandler,
        repository: Repository,
        under: str,
        query: dict[str, list[str]],
    ) -> None:
        entries: list[dict[str, Any]] = []
        folders: set[str] = set()
        for path, file in repository.files.items():
            if under and not path.startswith(f"{under}/"):
                continue
            inside = path.rpartition("/")[0]
            if inside and inside not in folders:
                folders.add(inside)
                oid = hashlib.sha1(inside.encode()).hexdigest()
                entries.append({"type": "directory", "oid": oid, "size": 0, "path": inside})
            entries.append(_entry(path, file))
        entries += repository.strange
        begin = int(query.get("cursor", ["0"])[0])
        more = {}
        if begin + PAGE < len(entries):
            here = f"{self.address}{urlsplit(request.path).path}"
            more["Link"] = f'<{here}?recursive=true&cursor={begin + PAGE}>; rel="next"'
        _json(request, entries[begin : begin + PAGE], more)

    def _resolve(self, request: BaseHTTPRequestHandler, repository: Repository, path: str) -> None:
        file = repository.files.get(path)
        if file is None:
            _say(request, 404, {"X-Error-Code": "EntryNotFound"})
            return
        data = file.read_bytes()
        headers = {"X-Repo-Commit": repository.commit}
        if path.endswith(LARGE):
            digest = sums(file)[1]
            headers |= {
                "Location": f"{self.storage}/{digest}?of={path}&folder={repository.folder}",
                "X-Linked-Etag": f'"{digest}"',
                "X-Linked-Size": str(len(data)),
                "ETag": f'"{digest}"',
            }
            _say(request, 302, headers)
            return
        self.asked.append((path, request.headers.get("Range")))
        self._send(request, self._said(path, data), f'"{sums(file)[0]}"', headers, large=False)

    def _store(self, request: BaseHTTPRequestHandler) -> None:
        """The second server, which knows large files by their sums alone."""
        url = urlsplit(request.path)
        query = parse_qs(url.query)
        path = query["of"][0]
        self.seen_by_storage.append(request.headers.get("Authorization"))
        self.asked.append((path, request.headers.get("Range")))
        data = (Path(query["folder"][0]) / path).read_bytes()
        self._send(request, self._said(path, data), f'"{url.path[1:33]}"', {}, large=True)

    def _said(self, path: str, data: bytes) -> bytes:
        return data[::-1] if path in self.lies else data

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        data: bytes,
        tag: str,
        headers: dict[str, str],
        *,
        large: bool,
    ) -> None:
        begin = 0
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "")
        if match and request.headers.get("If-Range") in (None, tag):
            begin = int(match[1])
            if begin >= len(data):
                _say(request, 416, {"Content-Range": f"bytes */{len(data)}"})
                return
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            request.send_response(200)
        for name, value in (headers | {"ETag": tag}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data) - begin))
        request.end_headers()
        if request.command == "HEAD":
            return
        body = data[begin:]
        try:
            if large and self.cut_after:
                request.wfile.write(body[: self.cut_after.pop(0)])
                request.wfile.flush()
                request.close_connection = True
                return
            if large and self.hold_after is not None and len(body) > self.hold_after:
                request.wfile.write(body[: self.hold_after])
                request.wfile.flush()
                self.held.set()
                self.release.wait(60)
                body = body[self.hold_after :]
            request.wfile.write(body)
        except OSError:
            return  # whoever asked is gone


def _entry(path: str, file: Path) -> dict[str, Any]:
    """A file as a listing has it."""
    (blob, digest), size = sums(file), file.stat().st_size
    if not path.endswith(LARGE):
        return {"type": "file", "oid": blob, "size": size, "path": path}
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n"
    large = {"oid": digest, "size": size, "pointerSize": len(pointer)}
    oid = blob_id(pointer.encode())
    return {"type": "file", "oid": oid, "size": size, "lfs": large, "path": path}


def _say(request: BaseHTTPRequestHandler, code: int, headers: dict[str, str]) -> None:
    request.send_response(code)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", "0")
    request.end_headers()


def _json(
    request: BaseHTTPRequestHandler, said: object, headers: dict[str, str] | None = None
) -> None:
    body = json.dumps(said).encode()
    request.send_response(200)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)
