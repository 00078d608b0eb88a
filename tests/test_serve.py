"""The real process: how it starts, refuses to start, and ends."""

from __future__ import annotations

import re
import shutil
import socket
import stat
import time
from pathlib import Path

import httpx
import pytest

from engine.catalogue import STARTER
from tests.serving import Serving, serving

pytestmark = pytest.mark.slow


def _refusal(server: Serving) -> str:
    """Start a process that must not come up; the one line it says."""
    before = len(server.log.read_text(encoding="utf-8")) if server.log.exists() else 0
    server.start(answer=False)
    assert server.wait() != 0
    lines = [line for line in server.log.read_text(encoding="utf-8")[before:].splitlines() if line]
    assert len(lines) == 1, lines
    return lines[0]


def _painted(client: httpx.Client, job: str) -> dict[str, object]:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        shown: dict[str, object] = client.get(f"/api/jobs/{job}").json()
        if shown["state"] in ("done", "failed", "cancelled"):
            return shown
        time.sleep(0.1)
    raise AssertionError(shown)


def test_a_second_process_on_the_same_data_refuses_to_start(tmp_path: Path) -> None:
    """Two painters on one queue would paint everything twice; the second says who is there."""
    with serving(tmp_path / "data"):
        second = Serving(tmp_path / "data")
        second.log = tmp_path / "second.log"
        assert str(tmp_path / "data") in _refusal(second)


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    """No traceback: the address, the reason, and the settings that choose another."""
    server = Serving(tmp_path / "data")
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        assert "ATELIER_WEB_PORT" in _refusal(server)


def test_unknown_models_and_misspelt_settings_stop_the_start(tmp_path: Path) -> None:
    """What was meant is suggested; nothing starts with a setting that nobody reads."""
    assert "starter" in _refusal(Serving(tmp_path / "a", ATELIER_MODEL="nobody"))
    assert "ATELIER_BUDGET" in _refusal(Serving(tmp_path / "b", ATELIER_BUGDET="5"))


def test_sigterm_ends_in_order_and_the_next_start_goes_on(tmp_path: Path) -> None:
    """Accepted jobs that were not painted wait for the next start, which paints them."""
    with serving(tmp_path / "data") as server:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            asked = {"prompt": "a castle in the mountains", "steps": 4}
            jobs = [client.post("/api/jobs", json=asked).json()["id"] for _ in range(3)]
            assert server.stop() == 0
            server.start()
            for job in jobs:
                assert _painted(client, job)["state"] == "done"
        assert server.stop() == 0
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_an_open_address_gets_a_password_of_its_own(tmp_path: Path) -> None:
    """Reachable from outside, the page asks for a password, made and printed once, kept private."""
    with serving(tmp_path / "data", ATELIER_WEB_HOST="0.0.0.0") as server:
        printed = re.search(r"need a password: (\S+)", server.log.read_text(encoding="utf-8"))
        assert printed is not None
        file = tmp_path / "data" / "web-password"
        assert file.read_text(encoding="utf-8") == printed[1]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert httpx.post(f"{server.url}/api/jobs", json={"prompt": "a fox"}).status_code == 401
        assert httpx.get(f"{server.url}/api/me").status_code == 401
        server.stop()
        server.start()
        assert server.log.read_text(encoding="utf-8").count(printed[1]) == 1


def test_a_broken_model_folder_leaves_the_service_running(tmp_path: Path) -> None:
    """Its line stands in the log, asking for it is refused, and the starter paints."""
    folder = tmp_path / "models" / "torn"
    shutil.copytree(STARTER, folder)
    card = folder / "atelier.toml"
    card.write_text(
        card.read_text(encoding="utf-8").replace('name = "starter"', 'name = "torn"'),
        encoding="utf-8",
    )
    (folder / "unet" / "openvino_model.xml").write_text("<net", encoding="utf-8")
    (tmp_path / "models" / "empty").mkdir()
    with (
        serving(tmp_path / "data", ATELIER_MODELS=str(tmp_path / "models")) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        assert "it has no atelier.toml" in server.log.read_text(encoding="utf-8")
        refused = client.post("/api/jobs", json={"prompt": "a fox", "model": "empty"})
        assert refused.status_code == 422
        assert "empty" in refused.json()["message"]
        torn = client.post("/api/jobs", json={"prompt": "a fox", "model": "torn"}).json()
        whole = client.post("/api/jobs", json={"prompt": "a fox"}).json()
        failed = _painted(client, torn["id"])
        assert failed["state"] == "failed"
        assert failed["charge"] == 0
        assert torn["id"] in str(failed["message"]) or "torn" in str(failed["message"])
        assert _painted(client, whole["id"])["state"] == "done"
        assert client.get("/api/me").json()["used"] == 1
