"""`atelier models pull`, `check`, `bench` and `list` with models that paint, at a terminal."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bot import models_bench
from engine.errors import BrokenModel
from engine.probing import Probed, probe
from tests.loopback_hub import LoopbackHub, Repository

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "engine" / "starter" / "model"
COMMAND = [sys.executable, "-m", "bot", "models"]


def _environment(folder: Path, **more: str) -> dict[str, str]:
    base = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    return base | {"ATELIER_DATA": str(folder / "data")} | more


def _models(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=_environment(folder, **more),
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def _published(folder: Path, licence: str = "mit") -> Repository:
    """The starter, as somebody else would publish a model."""
    shutil.copytree(STARTER, folder)
    (folder / "atelier.toml").unlink()
    return Repository(folder=folder, card={"license": licence})


@pytest.mark.slow
def test_a_killed_pull_leaves_nothing_and_goes_on(tmp_path: Path) -> None:
    """kill -9 in the middle of the large file: no half model; then whole, tried, removed."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "models.toml").write_text(
        '[little]\ntitle = "Little"\nrepository = "maker/little"\nlicence = "MIT"\n'
        "sizes = [[64, 64]]\ndefault_steps = 2\ndefault_guidance = 1.0\n",
        encoding="utf-8",
    )
    with LoopbackHub({"maker/little": _published(tmp_path / "hub")}, hold_after=900_000) as server:
        hub = {"HF_ENDPOINT": server.address}
        process = subprocess.Popen(
            [*COMMAND, "pull", "little"], cwd=tmp_path, env=_environment(tmp_path, **hub)
        )
        assert server.held.wait(60)
        held = server.asked[-1][0]
        part = data / "models" / ".pulling-little" / "model" / f"{held}.part"
        deadline = time.monotonic() + 60
        while not part.exists() or part.stat().st_size < 500_000:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        there = part.stat().st_size
        server.hold_after = None
        server.release.set()
        listed = _models(tmp_path, "list").stdout
        assert "cannot be used" not in listed
        assert "little                    is not whole yet" in listed
        assert not (data / "models" / "little").exists()
        before = len(server.asked)
        done = _models(tmp_path, "pull", "little", **hub)
        assert done.returncode == 0, done.stderr
        assert "Little: MIT, " in done.stdout
        assert server.asked[before] == (held, f"bytes={there}-")
    assert [each.name for each in (data / "models").iterdir()] == ["little"]
    checked = _models(tmp_path, "check", "little", "--thorough")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "little: paints; 64×64 in 2 steps" in checked.stdout
    again = _models(tmp_path, "pull", "little", HF_ENDPOINT="http://127.0.0.1:9")
    assert "is there already" in again.stdout
    facts = json.loads(_models(tmp_path, "list", "--json").stdout)
    assert [model["name"] for model in facts["models"]] == ["starter", "little"]
    assert facts["models"][1]["pulled"]["repository"] == "maker/little"
    (data / "models" / "little" / "unet" / "openvino_model.bin").write_bytes(b"")
    broken = _models(tmp_path, "check", "little", "--thorough")
    assert broken.returncode == 1
    assert "not what was fetched any more: unet/openvino_model.bin" in broken.stdout
    broken = _models(tmp_path, "check", "little")
    assert broken.returncode == 1
    assert "little: cannot be used: " in broken.stdout
    assert _models(tmp_path, "remove", "little").returncode == 0
    assert list((data / "models").iterdir()) == []


@pytest.mark.slow
def test_what_its_licence_forbids_is_said_before_the_download(tmp_path: Path) -> None:
    """Who is at a terminal is asked, a script has to have said so; nothing is fetched unasked."""
    published = _published(tmp_path / "hub", "cc-by-nc-4.0")
    with LoopbackHub({"maker/little": published}) as server:
        hub = {"HF_ENDPOINT": server.address}
        refused = _models(tmp_path, "pull", "maker/little", **hub)
        assert refused.returncode == 2
        assert "does not allow commercial use" in refused.stdout
        assert refused.stderr == "atelier: little is fetched all the same with --yes\n"
        ours, theirs = pty.openpty()
        try:
            os.write(ours, b"n\n")
            asked = subprocess.run(
                [*COMMAND, "pull", "maker/little"],
                cwd=tmp_path,
                env=_environment(tmp_path, **hub),
                stdin=theirs,
                capture_output=True,
                encoding="utf-8",
            )
        finally:
            os.close(ours)
            os.close(theirs)
        assert asked.returncode == 2
        assert "[y/N]" in asked.stdout
        assert server.asked == []
        agreed = _models(tmp_path, "pull", "maker/little", "--yes", "--name", "mine", **hub)
        assert agreed.returncode == 0, agreed.stderr
    assert "not for commercial use" in _models(tmp_path, "list").stdout.partition("Networks")[0]


@pytest.mark.slow
def test_pull_refuses_in_one_line(tmp_path: Path) -> None:
    """Unknown names, a hub that is not there or offline, options that do not fit: no traceback."""
    (tmp_path / "data").mkdir()
    for arguments, code, word in (
        (["pull", "nobody"], 2, "sd-turbo"),
        (["pull", "nobody/nothing"], 1, "cannot be reached"),
        (["pull", "sd-turbo", "--yes", "--base", "a/b"], 2, "no --base"),
        (["check", "nobody"], 2, "starter"),
        (["bench", "--pictures", "0"], 2, "--pictures"),
    ):
        more = {"HF_HUB_OFFLINE": "1"} if code == 1 else {}
        done = _models(tmp_path, *arguments, HF_ENDPOINT="http://127.0.0.1:9", **more)
        if more:
            word = "HF_HUB_OFFLINE"
        assert done.returncode == code, (arguments, done.stderr)
        assert done.stderr.startswith("atelier: ")
        assert done.stderr.count("\n") == 1, done.stderr
        assert word in done.stderr
    (tmp_path / "data" / "models.toml").write_text("[x]\ncolour = 1\n", encoding="utf-8")
    done = _models(tmp_path, "list")
    assert done.returncode == 2
    assert "models.toml" in done.stderr


@pytest.mark.slow
def test_the_bench_measures_and_the_list_tells(tmp_path: Path) -> None:
    """A table, a file and a plot; afterwards the list knows how fast the starter is here."""
    done = _models(tmp_path, "bench", "starter", "--pictures", "1")
    assert done.returncode == 0, done.stderr
    assert "s/picture" in done.stdout
    assert (tmp_path / "data" / "bench" / "models.svg").is_file()
    facts = json.loads(_models(tmp_path, "list", "--json").stdout)
    [starter] = facts["models"]
    assert starter["seconds"] > 0
    turbo = next(offer for offer in facts["offers"] if offer["name"] == "sd-turbo")
    assert turbo["seconds"] > starter["seconds"]


def test_the_plot_is_an_svg_with_a_bar_for_each(tmp_path: Path) -> None:
    """Names of any kind, the quickest first."""
    found = {
        name: Probed(
            name=name,
            width=512,
            height=512,
            steps=4,
            first=9.0,
            seconds=(seconds,),
            step_seconds=seconds / 5,
            peak_bytes=10**9,
        )
        for name, seconds in (("slow <one>", 9.0), ("quick", 1.5))
    }
    models_bench.draw(tmp_path / "plot.svg", found, "a machine & its threads")
    root = ET.parse(tmp_path / "plot.svg").getroot()
    words = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert "a machine & its threads" in words
    assert [word for word in words if word in found] == ["quick", "slow <one>"]
    wide = [float(each.get("width", "0")) for each in root.iter() if each.tag.endswith("rect")]
    assert wide[0] + wide[1] == pytest.approx(430 / 6, abs=0.2)


@pytest.mark.slow
def test_a_model_that_kills_its_process_is_told_of(tmp_path: Path) -> None:
    """A folder that cannot be loaded, or no folder: the reason comes back, and we live on."""
    shutil.copytree(STARTER, tmp_path / "m" / "broken")
    (tmp_path / "m" / "broken" / "unet" / "openvino_model.xml").write_text(
        "<net/>", encoding="utf-8"
    )
    card = tmp_path / "m" / "broken" / "atelier.toml"
    card.write_text(
        card.read_text(encoding="utf-8").replace('name = "starter"', 'name = "broken"'),
        encoding="utf-8",
    )
    with pytest.raises(BrokenModel) as caught:
        probe("broken", [tmp_path / "m"], cache=tmp_path / "cache")
    assert "\n" not in caught.value.reason
