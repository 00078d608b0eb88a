"""Fetching large files from a server on loopback that cuts, refuses and changes its mind."""

from __future__ import annotations

import hashlib
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import well_known
from engine.errors import UnknownModel
from engine.fetching import TRIES, FetchError, fetch
from tests.loopback_files import FileServer

DATA = random.Random(11).randbytes(1_300_000)
SUM = hashlib.sha256(DATA).hexdigest()


def _no_sleep(seconds: float) -> None:
    """Nobody waits in a test."""


def test_a_file_arrives_whole_with_its_progress(tmp_path: Path) -> None:
    """It is there under its name, nothing lies beside it, and the bar reached its end."""
    seen: list[tuple[int, int | None]] = []
    with FileServer({"/a/net.pth": DATA}) as server:
        target = tmp_path / "models" / "net.pth"
        found = fetch(
            f"{server.address}/a/net.pth",
            target,
            sha256=SUM,
            on_bytes=lambda done, total: seen.append((done, total)),
        )
    assert found.read_bytes() == DATA
    assert list(target.parent.iterdir()) == [target]
    assert seen[0] == (0, len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_lost_connection_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    """Each try asks only for what is missing."""
    with FileServer({"/net": DATA}, cut_after=[400_000, 300_000]) as server:
        found = fetch(f"{server.address}/net", tmp_path / "net", sha256=SUM, sleep=_no_sleep)
    assert found.read_bytes() == DATA
    assert [asked for _, asked in server.asked] == [None, "bytes=400000-", "bytes=700000-"]


def test_a_server_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    """503 and 429 pass; after some tries it is said that it cannot be reached."""
    with FileServer({"/net": DATA}, fail_with=[503, 429, 500]) as server:
        fetch(f"{server.address}/net", tmp_path / "net", sha256=SUM, sleep=_no_sleep)
        server.fail_with.extend([503] * TRIES)
        with pytest.raises(FetchError, match="cannot be reached"):
            fetch(f"{server.address}/net", tmp_path / "again", sleep=_no_sleep)


def test_a_server_without_ranges_begins_anew(tmp_path: Path) -> None:
    """What had arrived is thrown away rather than put in front of the whole."""
    with FileServer({"/net": DATA}, cut_after=[500_000], ranges=False) as server:
        found = fetch(f"{server.address}/net", tmp_path / "net", sha256=SUM, sleep=_no_sleep)
    assert found.read_bytes() == DATA


def test_two_halves_of_different_files_are_never_joined(tmp_path: Path) -> None:
    """If the server's file has changed meanwhile, it is fetched from its beginning."""
    with FileServer({"/net": DATA[::-1]}, cut_after=[500_000]) as server:

        def change(seconds: float) -> None:
            server.files["/net"] = DATA

        found = fetch(f"{server.address}/net", tmp_path / "net", sleep=change)
    assert found.read_bytes() == DATA
    assert [asked for _, asked in server.asked] == [None, "bytes=500000-"]


def test_a_wrong_file_is_not_kept(tmp_path: Path) -> None:
    """Another sum than the one expected: nothing is left, and the next try begins anew."""
    with FileServer({"/net": DATA[:-1] + b"x"}) as server:
        with pytest.raises(FetchError, match="not the file that was expected"):
            fetch(f"{server.address}/net", tmp_path / "net", sha256=SUM)
        assert list(tmp_path.iterdir()) == []
        server.files["/net"] = DATA
        assert fetch(f"{server.address}/net", tmp_path / "net", sha256=SUM).exists()


def test_the_hub_names_the_sum(tmp_path: Path) -> None:
    """Where the catalogue knows no sum, the one in the hub's redirect is checked."""
    with FileServer({"/o/r/resolve/main/net": DATA}, hub=True) as server:
        url = f"{server.address}/o/r/resolve/main/net"
        assert fetch(url, tmp_path / "net").read_bytes() == DATA
        server.cut_after = [300_000]
        assert fetch(url, tmp_path / "other", sleep=_no_sleep).read_bytes() == DATA
        part = tmp_path / "bad.part"
        part.write_bytes(b"not the beginning")
        (tmp_path / "bad.part.tag").write_text(f'"{SUM[:16]}"', encoding="utf-8")
        with pytest.raises(FetchError, match="expected"):
            fetch(url, tmp_path / "bad")


def test_what_is_whole_already_is_only_checked(tmp_path: Path) -> None:
    """Killed between the last byte and the renaming: nothing is sent a second time."""
    (tmp_path / "net.part").write_bytes(DATA)
    (tmp_path / "net.part.tag").write_text(f'"{SUM[:16]}"', encoding="utf-8")
    with FileServer({"/net": DATA}) as server:
        assert fetch(f"{server.address}/net", tmp_path / "net", sha256=SUM).read_bytes() == DATA
        assert server.asked == [("/net", f"bytes={len(DATA)}-")]


def test_no_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    """With the figures, and without filling the disk first."""
    with FileServer({"/net": DATA}) as server:
        with pytest.raises(FetchError, match=r"too little room.*MB are needed"):
            fetch(f"{server.address}/net", tmp_path / "net", room=1e12)
        assert (tmp_path / "net.part").stat().st_size == 0


def test_offline_is_one_clear_line(tmp_path: Path) -> None:
    """No network, no such name, no such file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(FetchError, match="cannot be reached") as caught:
            fetch(f"http://127.0.0.1:{port}/net", tmp_path / "net", sleep=_no_sleep)
    assert "\n" not in str(caught.value)
    with FileServer() as server, pytest.raises(FetchError, match="404"):
        fetch(f"{server.address}/nothing", tmp_path / "net")


def test_killed_in_the_middle_it_goes_on_from_there(tmp_path: Path) -> None:
    """kill -9 costs nothing that has arrived; no half file ever has the real name."""
    target = tmp_path / "net"
    with FileServer({"/net": DATA}, hold_after=700_000) as server:
        code = (
            "import sys; from pathlib import Path; from engine.fetching import fetch\n"
            f"fetch({server.address + '/net'!r}, Path({str(target)!r}), sha256={SUM!r})"
        )
        process = subprocess.Popen([sys.executable, "-c", code])
        assert server.held.wait(60)
        part = tmp_path / "net.part"
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size >= 500_000):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(FetchError, match="another process"):
            fetch(f"{server.address}/net", target, sha256=SUM)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        assert not target.exists()
        there = part.stat().st_size
        server.hold_after = None
        server.release.set()
        assert fetch(f"{server.address}/net", target, sha256=SUM).read_bytes() == DATA
    assert server.asked[-1] == ("/net", f"bytes={there}-")


def test_the_catalogue_names_licence_and_source_of_everything() -> None:
    """Nothing is offered of which it is not known what may be done with it."""
    known = well_known.read()
    assert {"realesr-general-x4v3", "realesrgan-x4plus", "realesrgan-anime"} <= set(known)
    for each in known.values():
        assert each.licence
        assert each.source.startswith("https://")
        assert each.title
        assert each.description
        assert each.address().startswith("https://")
        assert not each.sha256 or len(each.sha256) == 64
        assert each.sha256 or each.url.startswith("hf:"), "the hub names the sums of its files"
        assert each.commercial == ("NC" not in each.licence)
    with pytest.raises(UnknownModel, match="realesrgan-x4plus"):
        well_known.get("nobody")


def test_mirrors_take_the_place_of_the_sources() -> None:
    """The hub's own variable for its files, ours for all of them."""
    sharp = well_known.get("ultrasharp")
    hub = "http://localhost:9/"
    assert (
        sharp.address(hub=hub)
        == "http://localhost:9/Kim2091/UltraSharp/resolve/main/4x-UltraSharp.pth"
    )
    general = well_known.get("realesr-general-x4v3")
    assert general.address(hub=hub).startswith("https://github.com/")
    mirrored = general.address(hub=hub, mirror="http://files/here/")
    assert mirrored == "http://files/here/realesr-general-x4v3.pth"
