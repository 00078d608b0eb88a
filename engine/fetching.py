"""Fetching one large file: resumed where it stopped, checked, and there only when it is whole.

What has arrived is kept in a `.part` file, so that neither a lost connection nor a killed process
costs more than a moment.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 18
TIMEOUT_S = 30.0
TRIES = 5
ASKING_TRIES = 4
MOST_SAID = 8_000_000
AGENT = "atelier"
SPARE = 200_000_000
"""Bytes that stay free on the disk in any case."""

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes that are there and how many they will be, if that is known."""


class FetchError(Exception):
    """Why a file could not be fetched, in one line; `status` is the server's, if it answered no."""

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a server says before the bytes: where they begin, how many there are, which file."""

    begin: int
    total: int | None
    tag: str
    sha256: str


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str = "",
    git_sha1: str = "",
    token: str = "",
    room: float = 1.0,
    on_bytes: OnBytes = lambda done, total: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Bring the file at `url` to `target` and return that.

    `sha256` is what it must be, else the sum that the hub names for it; `git_sha1` is the same as
    git has it. `token` is shown to the server of `url` alone, not to those it redirects to. `room`
    is how many times its size has to be free on the disk. Raises `FetchError`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FetchError(f"{target.name} is being fetched by another process") from None
        attempt = 0
        while True:
            before = part.stat().st_size
            try:
                named = _fetch_rest(url, file, part, room, on_bytes, token)
                break
            except urllib.error.HTTPError as error:
                error.close()
                if error.code < 500 and error.code != 429:
                    reason = f"{url}: {error.code} {error.reason}"
                    raise FetchError(reason, status=error.code) from None
                problem: Exception = error
            except (OSError, http.client.HTTPException) as error:
                problem = error
            if part.stat().st_size - before >= CHUNK:
                attempt = 0  # it moves on: a bad line may break a thousand times
            attempt += 1
            if attempt == TRIES:
                raise FetchError(f"{url} cannot be reached: {_told(problem)}")
            sleep(min(30.0, 2.0 ** (attempt - 1)))
        wanted = sha256 or named
        if (wanted and sum_of(part) != wanted) or (git_sha1 and git_sum(part) != git_sha1):
            found = sum_of(part)
            part.unlink()
            _tag_file(part).unlink(missing_ok=True)
            raise FetchError(f"{url}: not the file that was expected (sha256 {found})")
        part.replace(target)
        _tag_file(part).unlink(missing_ok=True)
    return target


def ask(url: str, *, token: str = "") -> tuple[bytes, Mapping[str, str]]:
    """What the server says at `url`, a few megabytes at most. Raises `FetchError`, after tries."""
    for attempt in range(ASKING_TRIES):
        request = urllib.request.Request(url, headers={"User-Agent": AGENT})  # noqa: S310
        try:
            opener = urllib.request.build_opener(_Redirects(url, token))
            _show(request, token)
            with opener.open(request, timeout=TIMEOUT_S) as response:
                body = response.read(MOST_SAID + 1)
                if len(body) > MOST_SAID:
                    raise FetchError(f"{url}: says too much")
                return body, dict(response.headers.items())
        except urllib.error.HTTPError as error:
            said = error.headers.get("X-Error-Message") or error.reason
            error.close()
            if error.code < 500 and error.code != 429:
                raise FetchError(f"{url}: {error.code} {said}", status=error.code) from None
            problem: Exception = error
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = error
        time.sleep(min(5.0, 0.2 * 5**attempt) if attempt + 1 < ASKING_TRIES else 0)
    raise FetchError(f"{url} cannot be reached: {_told(problem)}")


def _show(request: urllib.request.Request, token: str) -> None:
    """Show a token to this server; a header that redirects do not take along."""
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")


def _fetch_rest(
    url: str, file: IO[bytes], part: Path, room: float, on_bytes: OnBytes, token: str
) -> str:
    """Fetch what is missing; returns the sum that the server names, or ""."""
    there = part.stat().st_size
    tag = _tag_file(part)
    request = urllib.request.Request(url, headers={"User-Agent": AGENT})  # noqa: S310
    _show(request, token)
    if there and tag.exists():
        request.add_header("Range", f"bytes={there}-")
        request.add_header("If-Range", tag.read_text(encoding="utf-8"))
    redirects = _Redirects(url, token)
    opener = urllib.request.build_opener(redirects)
    try:
        response = opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # there is nothing beyond what we have
            error.close()
            tag.unlink(missing_ok=True)
            if error.headers.get("Content-Range", "") == f"bytes */{there}":
                return redirects.sha256
            file.truncate(0)
            raise ConnectionError("the server has another file now") from None
        raise
    with response:
        answer = _read_answer(response, redirects)
        if answer.begin != there:
            file.truncate(0)
            there = 0
        if answer.tag:
            tag.write_text(answer.tag, encoding="utf-8")
        else:
            tag.unlink(missing_ok=True)
        _check_room(part, answer.total, there, room)
        on_bytes(there, answer.total)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            there += len(chunk)
            on_bytes(there, answer.total)
        file.flush()
        if answer.total is not None and there != answer.total:
            raise ConnectionError(f"the connection ended after {there} of {answer.total} bytes")
        return answer.sha256


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https alone; the hub names the sum on the way."""

    def __init__(self, url: str, token: str) -> None:
        self.sha256 = ""
        self._server = _server(url)
        self._token = token

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        self.sha256 = self.sha256 or _named_sum(headers)
        followed = super().redirect_request(req, fp, code, msg, headers, newurl)
        if followed is not None and _server(newurl) == self._server:
            _show(followed, self._token)  # a repository that was renamed
        return followed


def _server(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _read_answer(response: Any, redirects: _Redirects) -> _Answer:
    begin, total = 0, None
    length = response.headers.get("Content-Length", "")
    if response.status == 206:
        unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
        span, _, whole = rest.partition("/")
        first = span.partition("-")[0]
        if unit != "bytes" or not first.isdigit() or not whole.isdigit():
            raise ConnectionError("the server answers a range with something else")
        begin, total = int(first), int(whole)
    elif length.isdigit():
        total = int(length)
    return _Answer(
        begin=begin,
        total=total,
        tag=response.headers.get("ETag", "").removeprefix("W/"),
        sha256=redirects.sha256 or _named_sum(response.headers),
    )


def _named_sum(headers: Any) -> str:
    """The sha256 that the hub gives large files as their tag."""
    tag = str(headers.get("X-Linked-Etag", "")).removeprefix("W/").strip('"').lower()
    return tag if len(tag) == 64 and all(c in "0123456789abcdef" for c in tag) else ""


def _check_room(part: Path, total: int | None, there: int, room: float) -> None:
    free = shutil.disk_usage(part.parent).free
    needed = int((total or 0) * room) - there + SPARE
    if free < needed:
        raise FetchError(
            f"there is too little room in {part.parent}: {free / 1e6:.0f} MB are free, "
            f"{needed / 1e6:.0f} MB are needed"
        )


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".tag")


def sum_of(file: Path) -> str:
    """Its sha256."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def git_sum(file: Path) -> str:
    """Its name in a git repository: what the hub tells of files that are not large."""
    digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _told(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error) or type(error).__name__
