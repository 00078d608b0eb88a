"""A disk that is really full: nothing that was taken on is lost, and it goes on by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def test_jobs_survive_a_full_disk(tmp_path: Path) -> None:
    """New requests are refused; the running and the waiting are painted once there is room."""
    command = [sys.executable, "-m", "tests.bot.full_disk", str(tmp_path)]
    mounted = f"mount -t tmpfs -o size=16m tmpfs {tmp_path} && exec {' '.join(command)}"
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    possible = subprocess.run([*own, f"mount -t tmpfs tmpfs {tmp_path}"], capture_output=True)
    alone = possible.returncode == 0  # no system lets everybody have a disk of their own
    command = [*own, mounted] if alone else [*command, "--pretend"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["refused"]
    assert said["open"]
    assert said["left"] == []
    assert (said["before"], said["over"]) == ("done", ["done"] * 3)
    assert len(said["delivered"]) == 4
    assert said["used"] == 4.0
    assert said["taken_on"]
    assert said["start"] == "DiskFull"
    assert said["integrity"] == "ok"
    assert said["pictures"] >= 4
