"""`atelier models` and `atelier upscale`, as somebody at a terminal meets them."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.conversion import SRVGGNetCompact
from engine.images import Form, encode, encode_png
from engine.lens import motley
from engine.metadata import Metadata, read
from engine.request import Paint
from tests.engine.networks import write_card, write_toy
from tests.loopback_files import FileServer

ROOT = Path(__file__).parents[2]
PAINT = Paint(prompt="a fox", model="starter", width=60, height=40, steps=8, guidance=3.0, seed=7)


def _environment(folder: Path, **more: str) -> dict[str, str]:
    base = {"PATH": os.environ["PATH"], "HOME": str(folder), "ATELIER_DATA": str(folder / "data")}
    return base | more


def _atelier(folder: Path, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *map(str, arguments)]
    environment = _environment(folder, PYTHONPATH=str(ROOT), **more)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )


def _weights(folder: Path) -> bytes:
    """What a small network looks like when it is published."""
    torch.manual_seed(5)
    network = SRVGGNetCompact(scale=4, width=8, layers=2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.3)
    file = folder / "published.pth"
    torch.save({"params": network.state_dict()}, file)
    return file.read_bytes()


def _toy(folder: Path) -> Path:
    """A folder of models with a network that needs no measuring to be quick."""
    models = folder / "models"
    for scale in (2, 4):
        write_toy(models / "toy" / f"x{scale}.xml", scale)
    write_card(models / "toy")
    return models


@pytest.mark.slow
def test_a_pull_is_checked_converted_and_offered(tmp_path: Path) -> None:
    """From a server to an enlarged picture: fetch, check, convert, list, use, remove."""
    data = _weights(tmp_path)
    right = hashlib.sha256(data).hexdigest()
    with FileServer({"/m/realesr-general-x4v3.pth": data}) as server:
        mirror = {"ATELIER_MIRROR": f"{server.address}/m"}
        wrong = _atelier(tmp_path, "models", "pull", "realesr-general-x4v3", **mirror)
        assert wrong.returncode == 1
        assert "not the file that was expected" in wrong.stderr
        assert not (tmp_path / "data" / "models" / "realesr-general-x4v3").exists()
        pulled = _atelier(
            tmp_path, "models", "pull", "realesr-general-x4v3", "--sha256", right, **mirror
        )
        assert pulled.returncode == 0, pulled.stderr
        assert "BSD-3-Clause" in pulled.stdout
        again = _atelier(tmp_path, "models", "pull", "realesr-general-x4v3", **mirror)
        assert "is there already" in again.stdout
        assert len(server.asked) == 2
    listed = _atelier(tmp_path, "models", "list").stdout
    here, _, elsewhere = listed.partition("To be fetched")
    assert "realesr-general-x4v3" in here
    assert "×4" in here
    assert "realesr-general-x4v3 " not in elsewhere
    assert "CC-BY-NC-SA-4.0" in elsewhere
    Image.new("RGB", (30, 20), "teal").save(tmp_path / "in.png")
    done = _atelier(
        tmp_path, "upscale", "in.png", "--scale", "4", "--network", "realesr-general-x4v3"
    )
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "in-x4.png") as image:
        assert image.size == (120, 80)
    removed = _atelier(tmp_path, "models", "remove", "realesr-general-x4v3")
    assert removed.returncode == 0
    assert list((tmp_path / "data" / "models").glob("real*")) == []


@pytest.mark.slow
def test_a_pull_that_was_killed_goes_on(tmp_path: Path) -> None:
    """kill -9 while it fetches: the next pull asks for the rest, and there is no half network."""
    data = _weights(tmp_path)
    with FileServer({"/realesr-animevideov3.pth": data}, hold_after=len(data) // 2) as server:
        command = [sys.executable, "-m", "bot", "models", "pull", "realesr-animevideo"]
        command += ["--sha256", hashlib.sha256(data).hexdigest()]
        mirror = {"ATELIER_MIRROR": server.address}
        environment = _environment(tmp_path, PYTHONPATH=str(ROOT), **mirror)
        process = subprocess.Popen(command, cwd=tmp_path, env=environment)
        assert server.held.wait(60)
        part = tmp_path / "data" / "models" / ".fetched" / "realesr-animevideov3.pth.part"
        deadline = time.monotonic() + 60
        while not part.exists() or not part.with_name(part.name + ".tag").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        server.hold_after = None
        server.release.set()
        listed = _atelier(tmp_path, "models", "list")
        assert "cannot be used" not in listed.stdout
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
        )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "models" / "realesr-animevideo" / "x4.xml").exists()
    assert not part.exists()


@pytest.mark.slow
def test_models_refuses_in_one_line(tmp_path: Path) -> None:
    """Unknown names, offline, files that are no networks, what ships: one line and a code."""
    (tmp_path / "text.pth").write_text("hello", encoding="utf-8")
    for arguments in (
        ["pull", "nobody"],
        ["add", "text.pth"],
        ["add", "nowhere.pth"],
        ["remove", "crisp"],
    ):
        done = _atelier(tmp_path, "models", *arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("atelier: ")
        assert done.stderr.count("\n") == 1, done.stderr
    with FileServer() as server:
        unasked = _atelier(tmp_path, "models", "pull", "ultrasharp", HF_ENDPOINT=server.address)
        assert unasked.returncode == 2
        assert "--yes" in unasked.stderr
        assert server.asked == []
        gone = _atelier(
            tmp_path, "models", "pull", "ultrasharp", "--yes", HF_ENDPOINT=server.address
        )
        assert server.asked == [("/Kim2091/UltraSharp/resolve/main/4x-UltraSharp.pth", None)]
    assert gone.returncode == 1
    assert "404" in gone.stderr
    assert "not allow commercial use" in gone.stdout


@pytest.mark.slow
def test_a_folder_is_enlarged_at_once(tmp_path: Path) -> None:
    """Each picture in its own form; a broken one stops nobody; a second run does no work."""
    models = {"ATELIER_MODELS": str(_toy(tmp_path))}
    pictures = tmp_path / "holiday"
    pictures.mkdir()
    Image.fromarray(motley(90)).save(pictures / "one.png")
    Image.fromarray(motley(80)).save(pictures / "two.JPG")
    Image.fromarray(motley(70)).save(pictures / "three.bmp")
    (pictures / "broken.png").write_bytes(b"rubbish")
    (pictures / "notes.txt").write_text("not a picture", encoding="utf-8")
    done = _atelier(tmp_path, "upscale", pictures, "--network", "toy", **models)
    assert done.returncode == 1
    assert "broken.png" in done.stderr
    made = tmp_path / "holiday-x2"
    assert sorted(each.name for each in made.iterdir()) == ["one.png", "three.png", "two.JPG"]
    with Image.open(made / "two.JPG") as image:
        assert (image.format, image.size) == ("JPEG", (160, 160))
    times = {each: each.stat().st_mtime_ns for each in made.iterdir()}
    (pictures / "broken.png").unlink()
    again = _atelier(tmp_path, "upscale", pictures, "--network", "toy", **models)
    assert again.returncode == 0, again.stderr
    assert "already there: 3" in again.stderr
    assert {each: each.stat().st_mtime_ns for each in made.iterdir()} == times


@pytest.mark.slow
def test_what_a_file_says_is_kept_in_every_form(tmp_path: Path) -> None:
    """The request that made it survives enlarging and a change of form, unless told otherwise."""
    models = {"ATELIER_MODELS": str(_toy(tmp_path))}
    (tmp_path / "fox.png").write_bytes(encode_png(Image.fromarray(motley(60)[:40]), PAINT))
    for name, options in (
        ("a.webp", ["--quality", "80"]),
        ("b.jpg", ["--scale", "3"]),
        ("c.png", ["--thorough"]),
        ("d.png", ["--no-metadata"]),
    ):
        done = _atelier(
            tmp_path, "upscale", "fox.png", "-o", name, "--network", "toy", *options, **models
        )
        assert done.returncode == 0, done.stderr
        found = read((tmp_path / name).read_bytes())
        if "--no-metadata" in options:
            assert found is None
            continue
        assert found is not None
        assert (found.prompt, found.seed, found.upscaler) == ("a fox", 7, "toy")
        scale = 3 if "3" in options else 2
        assert found.upscale == scale
        with Image.open(tmp_path / name) as image:
            assert image.size == (60 * scale, 40 * scale)


@pytest.mark.slow
def test_creative_paints_over_what_was_enlarged(tmp_path: Path) -> None:
    """With the words that the file tells; a file without words asks for them, before any work."""
    models = {"ATELIER_MODELS": str(_toy(tmp_path))}
    image = Image.fromarray(motley(150))
    (tmp_path / "fox.png").write_bytes(encode_png(image, PAINT))
    (tmp_path / "mute.png").write_bytes(encode(image, Form.PNG, metadata=Metadata()))
    options = ["--network", "toy", "--creative", "0.3"]
    refused = _atelier(tmp_path, "upscale", "mute.png", *options, **models)
    assert refused.returncode == 2
    assert "prompt" in refused.stderr
    assert not (tmp_path / "mute-x2.png").exists()
    done = _atelier(tmp_path, "upscale", "fox.png", *options, **models)
    assert done.returncode == 0, done.stderr
    plain = _atelier(tmp_path, "upscale", "fox.png", "-o", "p.png", "--network", "toy", **models)
    assert plain.returncode == 0
    with Image.open(tmp_path / "fox-x2.png") as one, Image.open(tmp_path / "p.png") as other:
        assert one.size == other.size == (300, 300)
        difference = np.abs(np.asarray(one).astype(int) - np.asarray(other).astype(int))
    assert 0.2 < difference.mean() < 30


@pytest.mark.slow
def test_upscale_refuses_in_one_line(tmp_path: Path) -> None:
    """What cannot be is said before anything is loaded or written."""
    Image.new("RGB", (30, 20)).save(tmp_path / "in.png")
    Image.new("1", (5000, 20)).save(tmp_path / "wide.png")
    (tmp_path / "empty").mkdir()
    for arguments in (
        ["nowhere.png"],
        ["empty"],
        ["in.png", "--network", "nobody"],
        ["in.png", "--quality", "0"],
        ["in.png", "wide.png", "-o", "one.png"],
        ["in.png", "-o", "no/such/out.png"],
        [".", "-o", ".", "--overwrite"],  # it would put large ones in the place of the small
    ):
        done = _atelier(tmp_path, "upscale", *arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("atelier: "), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
    wide = _atelier(tmp_path, "upscale", "wide.png", "--scale", "2")
    assert wide.returncode == 2
    assert "8192" in wide.stderr
    assert not (tmp_path / "wide-x2.png").exists()
