"""Repositories of a hub on loopback that turns pages, cuts, lies, moves and asks for a token."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.bringing import bring
from engine.fetching import FetchError
from engine.hub import Hub, RemoteFile, look
from tests.loopback_hub import LoopbackHub, Repository, blob_id

NAME = "somebody/some-model"


def _no_sleep(seconds: float) -> None:
    """Nobody waits in a test."""


def _repository(folder: Path) -> Repository:
    """Twelve files, some large, in folders and with names that want quoting."""
    draw = random.Random(3)
    for index in range(8):
        _write(folder / f"tokenizer/words {index}.json", draw.randbytes(100 + index))
    _write(folder / "unet/openvino_model.bin", draw.randbytes(1_200_000))
    _write(folder / "unet/openvino_model.xml", draw.randbytes(5000))
    _write(folder / "model_index.json", b"{}")
    _write(folder / "README.md", b"")
    return Repository(folder=folder, card={"license": "mit"})


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _same(one: Path, other: Path) -> bool:
    """Whether every file of the one is in the other, byte by byte."""
    return all(
        (other / file.relative_to(one)).read_bytes() == file.read_bytes()
        for file in one.rglob("*")
        if file.is_file()
    )


def test_everything_arrives_and_nothing_twice(tmp_path: Path) -> None:
    """All pages of the listing, each file whole; whoever asks again for it fetches nothing."""
    there = _repository(tmp_path / "there")
    seen: list[tuple[int, int]] = []
    with LoopbackHub({NAME: there}) as server:
        hub = Hub(endpoint=server.address)
        listing = look(hub, NAME)
        assert (listing.commit, listing.licence) == (there.commit, "mit")
        assert len(listing.files) == 12
        here = tmp_path / "here"
        bring(hub, listing, listing.files, here, on_bytes=lambda *said: seen.append(said))
        assert _same(there.folder, here)
        total = sum(file.size for file in listing.files)
        assert seen[0] == (0, total)
        assert seen[-1] == (total, total)
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)
        asked = len(server.asked)
        bring(hub, listing, listing.files, here)
        assert len(server.asked) == asked == 12


def test_it_goes_on_where_it_broke(tmp_path: Path) -> None:
    """A lost connection costs what was on the line, and a busy hub is asked again."""
    there = _repository(tmp_path / "there")
    with LoopbackHub({NAME: there}, cut_after=[500_000, 300_000]) as server:
        hub = Hub(endpoint=server.address)
        server.fail_with.extend([503, 429])
        listing = look(hub, NAME)
        bring(hub, listing, listing.files, tmp_path / "here", sleep=_no_sleep)
        assert _same(there.folder, tmp_path / "here")
        ranges = [asked for path, asked in server.asked if path.endswith(".bin")]
        assert ranges == [None, "bytes=500000-", "bytes=800000-"]


@pytest.mark.parametrize("path", ["unet/openvino_model.bin", "model_index.json"])
def test_what_is_not_what_the_listing_said_is_refused(tmp_path: Path, path: str) -> None:
    """Large files by their sha256, small ones by git's name; what was right before is kept."""
    there = _repository(tmp_path / "there")
    with LoopbackHub({NAME: there}, lies={path}) as server:
        hub = Hub(endpoint=server.address)
        listing = look(hub, NAME)
        with pytest.raises(FetchError, match="not the file that was expected"):
            bring(hub, listing, listing.files, tmp_path / "here", sleep=_no_sleep)
        assert not (tmp_path / "here" / path).exists()
        server.lies.clear()
        before = len(server.asked)
        bring(hub, listing, listing.files, tmp_path / "here")
        again = {asked for asked, _ in server.asked[before:]}
        assert path in again
        assert "README.md" not in again  # it had arrived: it is the first


def test_a_token_is_shown_to_the_hub_alone(tmp_path: Path) -> None:
    """Not to where it redirects, not in an error, not in a log; also for one that was renamed."""
    there = replace(_repository(tmp_path / "there"), gated=True)
    moved = {"somebody/old-name": NAME}
    with LoopbackHub({NAME: there}, renamed=moved) as server:
        for wrong in (Hub(endpoint=server.address), Hub(endpoint=server.address, token="hf_no")):
            with pytest.raises(FetchError, match="HF_TOKEN") as caught:
                look(wrong, NAME)
            assert "hf_no" not in str(caught.value)
        hub = Hub(endpoint=server.address, token=server.token)
        assert server.token not in repr(hub)
        for name in (NAME, "somebody/old-name"):
            listing = look(hub, name)
            bring(hub, listing, listing.files, tmp_path / name)
            assert _same(there.folder, tmp_path / name)
        assert server.seen_by_storage == [None, None]


def test_two_versions_are_never_mixed(tmp_path: Path) -> None:
    """A branch that moved between two pulls: what changed is fetched anew, nothing else is."""
    there = _repository(tmp_path / "there")
    with LoopbackHub({NAME: there}) as server:
        hub = Hub(endpoint=server.address)
        listing = look(hub, NAME)
        bring(hub, listing, listing.files, tmp_path / "here")
        _write(there.folder / "model_index.json", b'{"new": 1}')
        before = len(server.asked)
        with pytest.raises(FetchError, match="there is no"):
            look(hub, NAME, listing.commit)  # the hub would know it, this one forgets
        newer = look(hub, NAME)
        assert newer.commit != listing.commit
        bring(hub, newer, newer.files, tmp_path / "here")
        assert _same(there.folder, tmp_path / "here")
        assert [path for path, _ in server.asked[before:]] == ["model_index.json"]


def test_room_is_looked_for_before_the_first_byte(tmp_path: Path) -> None:
    """For all files together, with the figures."""
    there = _repository(tmp_path / "there")
    with LoopbackHub({NAME: there}) as server:
        hub = Hub(endpoint=server.address)
        listing = look(hub, NAME)
        huge = RemoteFile(path="unet/huge.bin", size=10**15, sha256="0" * 64)
        with pytest.raises(FetchError, match=r"too little room.*1000000\.\d GB are needed"):
            bring(hub, listing, [*listing.files, huge], tmp_path / "here")
        assert server.asked == []


@pytest.mark.parametrize("path", ["../outside.json", "/etc/passwd", "a/../../b", "a\\b", ""])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    """Whatever a hub says, nothing is written outside of the folder."""
    entry = {"type": "file", "oid": blob_id(b""), "size": 0, "path": path}
    there = replace(_repository(tmp_path / "there"), strange=(entry,))
    with LoopbackHub({NAME: there}) as server, pytest.raises(FetchError, match="the path"):
        look(Hub(endpoint=server.address), NAME)


@pytest.mark.parametrize("name", ["one", "a/b/c", "../b", "a/..", "a b/c", ""])
def test_what_names_no_repository_is_not_asked_for(name: str) -> None:
    """Said at once, with what one looks like."""
    with pytest.raises(FetchError, match="owner/name"):
        look(Hub(endpoint="http://127.0.0.1:9"), name)


def test_what_does_not_exist_is_said_plainly(tmp_path: Path) -> None:
    """No such repository, branch or file; nobody there at all."""
    there = _repository(tmp_path / "there")
    with LoopbackHub({NAME: there}) as server:
        hub = Hub(endpoint=server.address)
        with pytest.raises(FetchError, match="does not exist, or wants HF_TOKEN"):
            look(hub, "nobody/nothing")
        with pytest.raises(FetchError, match="'v9'"):
            look(hub, NAME, "v9")
        with pytest.raises(FetchError, match=r"no file unet/other\.bin"):
            look(hub, NAME).get("unet/other.bin")


def test_the_cache_of_the_hubs_own_tools_is_used(tmp_path: Path) -> None:
    """What they fetched is not fetched again; offline it is all there is; spoilt it counts not."""
    there = _repository(tmp_path / "there")
    cache = tmp_path / "cache"
    place = cache / "models--somebody--some-model"
    snapshot = place / "snapshots" / there.commit
    with LoopbackHub({NAME: there}) as server:
        listing = look(Hub(endpoint=server.address), NAME)
        for file in listing.files:
            blob = place / "blobs" / file.sum
            _write(blob, (there.folder / file.path).read_bytes())
            (snapshot / file.path).parent.mkdir(parents=True, exist_ok=True)
            (snapshot / file.path).symlink_to(os.path.relpath(blob, (snapshot / file.path).parent))
        _write(place / "refs" / "main", there.commit.encode())
        offline = Hub(endpoint="http://127.0.0.1:9", offline=True, cache=cache)
        found = look(offline, NAME)
        assert found.commit == there.commit
        assert {(f.path, f.size, f.sum) for f in found.files} == {
            (f.path, f.size, f.sum) for f in listing.files
        }
        bring(offline, found, found.files, tmp_path / "offline")
        assert _same(there.folder, tmp_path / "offline")
        large = next(file for file in listing.files if file.sha256)
        _write(place / "blobs" / large.sum, b"x" * large.size)
        with pytest.raises(FetchError, match="is not in"):
            bring(offline, found, found.files, tmp_path / "spoilt")
        bring(Hub(endpoint=server.address, cache=cache), listing, listing.files, tmp_path / "mixed")
        assert _same(there.folder, tmp_path / "mixed")
        assert [path for path, _ in server.asked] == [large.path]
    with pytest.raises(FetchError, match="HF_HUB_OFFLINE"):
        look(offline, "nobody/nothing")


def test_the_loopback_hub_is_one_to_the_hubs_own_library(tmp_path: Path) -> None:
    """What these tests lean on: huggingface_hub finds the same files there, and gets them whole."""
    there = replace(_repository(tmp_path / "there"), gated=True)
    code = (
        "import json, sys\n"
        "from huggingface_hub import HfApi, snapshot_download\n"
        f"tree = HfApi().list_repo_tree({NAME!r}, recursive=True)\n"
        "files = [f for f in tree if hasattr(f, 'lfs')]\n"
        f"folder = snapshot_download({NAME!r}, local_dir={str(tmp_path / 'theirs')!r})\n"
        "print(json.dumps({f.path: [f.size, f.lfs.sha256 if f.lfs else f.blob_id] for f in files}))"
    )
    with LoopbackHub({NAME: there}) as server:
        environment = {
            "PATH": os.environ["PATH"],
            "HF_HOME": str(tmp_path / "home"),
            "HF_ENDPOINT": server.address,
            "HF_TOKEN": server.token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr[-2000:]
        ours = look(Hub(endpoint=server.address, token=server.token), NAME)
    assert json.loads(done.stdout) == {file.path: [file.size, file.sum] for file in ours.files}
    assert _same(there.folder, tmp_path / "theirs")
