"""`atelier backup` and `atelier restore` beside the real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.serving import ROOT, serving

pytestmark = pytest.mark.slow


def _atelier(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"ATELIER_DATA": str(data)}
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")


def test_a_server_is_backed_up_while_it_paints_and_comes_back_elsewhere(tmp_path: Path) -> None:
    """Finished pictures are the same, what waited is painted there, and the visitor is known."""
    data, again = tmp_path / "data", tmp_path / "again"
    with serving(data) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        ask = {"prompt": "a castle in the mountains", "steps": 4, "seed": 7}
        first = client.post("/api/jobs", json=ask).json()["id"]
        server.until(lambda: client.get(f"/api/jobs/{first}").json()["state"] == "done")
        picture = client.get(f"/api/jobs/{first}").json()["pictures"][0]["id"]
        before = client.get(f"/api/pictures/{picture}").content
        waiting = [client.post("/api/jobs", json=ask).json()["id"] for _ in range(3)]
        done = _atelier(data, "backup", str(tmp_path / "backups"), "--keep", "1")
        assert done.returncode == 0, done.stderr
        assert "verified" in done.stdout
        refused = _atelier(data, "restore", done.stdout.partition(":")[0], "--replace")
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        cookies = dict(client.cookies)
        server.kill()
    (folder,) = (tmp_path / "backups").iterdir()
    restored = _atelier(again, "restore", str(folder))
    assert restored.returncode == 0, restored.stderr
    with (
        serving(again) as server,
        httpx.Client(base_url=server.url, timeout=30, cookies=cookies) as client,
    ):
        assert client.get(f"/api/pictures/{picture}").content == before
        for job in waiting:
            server.until(lambda job=job: client.get(f"/api/jobs/{job}").json()["state"] == "done")  # type: ignore[misc]
        assert server.stop() == 0


def test_bad_use_is_one_line(tmp_path: Path) -> None:
    """No backup there, no database here, none of our folders: a sentence and exit code 1."""
    for arguments in (
        ["backup", str(tmp_path / "backups")],
        ["restore", str(tmp_path / "nowhere")],
        ["backup", "--verify", str(tmp_path)],
    ):
        done = _atelier(tmp_path / "data", *arguments)
        assert done.returncode == 1, arguments
        assert done.stderr.startswith("atelier: ")
        assert done.stderr.count("\n") == 1


def test_an_interrupted_restore_is_not_started_on(tmp_path: Path) -> None:
    """The server would make an empty database in the place of what was to come back."""
    (tmp_path / "data" / "restoring").mkdir(parents=True)
    done = _atelier(tmp_path / "data", "serve")
    assert done.returncode == 1
    assert done.stderr == f"atelier: a restore into {tmp_path / 'data'} was interrupted; " + (
        "run `atelier restore` again\n"
    )
    assert not (tmp_path / "data" / "atelier.sqlite").exists()
