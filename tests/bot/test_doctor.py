"""`atelier doctor` finds what is wrong, says what to do, and prints no token."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot import cli, doctor, machine
from bot.doctor import Finding, Level
from bot.settings import Settings, load
from storage.database import Database
from tests.serving import free_port

TOKEN = "MTIz.secret.token"


def _settings(tmp_path: Path, **given: Any) -> Settings:
    given = {"data": tmp_path / "data", "web_port": free_port()} | given
    return load(**given)


def _findings(settings: Settings, *, offline: bool = True) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for each in doctor.examine(settings, offline=offline):
        found.setdefault(each.about, []).append(each)
    return found


@contextmanager
def _platform(status: int, body: str, *, clock: float | None = None) -> Iterator[tuple[str, Any]]:
    """A server that answers everything like this; its address, and the requests it has had."""
    had: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            had.append((self.path, self.headers["Authorization"]))
            self.send_response_only(status)
            self.send_header("Date", formatdate(clock, usegmt=True))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", had
        finally:
            server.shutdown()
            thread.join()


def test_a_new_machine_is_well(tmp_path: Path) -> None:
    """Nothing set, nothing there yet: no problem, and every matter is spoken of."""
    found = _findings(_settings(tmp_path))
    assert {"python", "processors", "memory", "disk", "database", "models", "server", "clock"} <= (
        set(found)
    )
    assert all(each.level is not Level.problem for many in found.values() for each in many)
    assert "starter" in found["models"][0].said


def test_everything_that_is_wrong_comes_with_what_to_do(tmp_path: Path) -> None:
    """Too many threads, too much memory, a broken model, an unknown one, a full disk."""
    (tmp_path / "models" / "torn").mkdir(parents=True)
    settings = _settings(
        tmp_path,
        threads=1000,
        memory="100%",
        model="nobody",
        models=(tmp_path / "models",),
        disk_reserve="100%",
    )
    found = _findings(settings)
    assert found["processors"][0].level is Level.warning
    assert "ATELIER_THREADS" in found["processors"][0].do
    assert found["memory"][0].level is Level.warning
    assert found["disk"][0].level is Level.problem
    said = {each.said: each for each in found["models"]}
    assert said["none is called nobody"].level is Level.problem
    assert any(text.startswith("torn cannot be used") for text in said)
    for many in found.values():
        for each in many:
            assert each.do or each.level is Level.ok, each


def test_a_data_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    """A file in its place, for example."""
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    found = _findings(_settings(tmp_path))
    assert found["disk"][0].level is Level.problem
    assert "ATELIER_DATA" in found["disk"][0].do


def test_the_database_is_looked_at_without_being_changed(tmp_path: Path) -> None:
    """Sound, newer than we are, damaged, or half restored: each has its own advice."""
    settings = _settings(tmp_path)
    file = settings.data / "atelier.sqlite"

    async def make() -> None:
        await (await Database.open(settings.data)).close()

    asyncio.run(make())
    assert _findings(settings)["database"][0].said.endswith("sound")
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 9999")
    (newer,) = _findings(settings)["database"]
    assert newer.level is Level.problem
    assert "9999" in newer.said
    assert "newer" in newer.do
    content = bytearray(file.read_bytes())
    content[:100] = b"\0" * 100
    file.write_bytes(content)
    (damaged,) = _findings(settings)["database"]
    assert damaged.level is Level.problem
    assert "restore" in damaged.do
    file.unlink()
    (settings.data / "restoring").mkdir()
    assert _findings(settings)["database"][0].level is Level.problem


def test_tokens_are_tried_and_never_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each platform is asked with its own token; a right one is a name, a wrong one is advice."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATELIER_DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("ATELIER_TELEGRAM_TOKEN", f"1:{TOKEN}")
    monkeypatch.setenv("ATELIER_WEB_PORT", str(free_port()))
    with (
        _platform(200, '{"username": "painter"}') as (discord, asked),
        _platform(401, '{"ok": false}') as (telegram, asked_there),
    ):
        monkeypatch.setenv("ATELIER_DISCORD_API_URL", f"{discord}/api/v10")
        monkeypatch.setenv("ATELIER_TELEGRAM_API_URL", telegram)
        assert cli.main(["doctor"]) == 1
    assert asked == [("/api/v10/users/@me", f"Bot {TOKEN}")]
    assert asked_there == [(f"/bot1:{TOKEN}/getMe", None)]
    said = capsys.readouterr()
    assert "painter" in said.out
    assert "ATELIER_TELEGRAM_TOKEN" in said.out
    assert TOKEN not in said.out + said.err


def test_a_platform_out_of_reach_is_not_a_wrong_token(tmp_path: Path) -> None:
    """The network is to be looked at, not the token; offline, nobody is asked."""
    url = f"http://127.0.0.1:{free_port()}"
    settings = _settings(tmp_path, telegram_token=TOKEN, telegram_api_url=url)
    (found,) = _findings(settings, offline=False)["telegram"]
    assert found.level is Level.problem
    assert "network" in found.do
    assert TOKEN not in found.said
    assert "telegram" not in _findings(settings)


def test_a_wrong_clock_is_noticed(tmp_path: Path) -> None:
    """Compared with what a platform's answer says the time is."""
    with _platform(200, "{}", clock=1_000_000_000) as (url, _):
        settings = _settings(tmp_path, telegram_token=TOKEN, telegram_api_url=url)
        (found,) = _findings(settings, offline=False)["clock"]
    assert found.level is Level.problem
    assert "ahead" in found.said


def test_a_stranger_on_our_port_is_noticed(tmp_path: Path) -> None:
    """Something that answers, but is not Atelier."""
    with _platform(404, "<html>") as (url, _):
        settings = _settings(tmp_path, web_port=int(url.rpartition(":")[2]))
        assert _findings(settings)["server"][0].level is Level.problem
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        settings = _settings(tmp_path, web_port=silent.getsockname()[1])
        assert _findings(settings)["server"][0].level is Level.ok


def test_what_is_forgotten_behind_a_proxy(tmp_path: Path) -> None:
    """Whose address counts, the public address, and that the page is open to all."""
    assert "proxy" not in _findings(_settings(tmp_path))
    url = {"web_url": "https://paint.example.org"}
    bare = _findings(_settings(tmp_path, **url))
    assert "ATELIER_TRUSTED_PROXIES" in bare["proxy"][0].do
    assert "ATELIER_WEB_PASSWORD" in bare["password"][0].do
    unnamed = _findings(_settings(tmp_path, trusted_proxies="127.0.0.1"))
    assert "ATELIER_WEB_URL" in unnamed["proxy"][0].do
    right = _findings(
        _settings(tmp_path, **url, trusted_proxies="127.0.0.1", web_password="open sesame")
    )
    assert right["proxy"][0].level is Level.ok
    assert "password" not in right


def test_wrong_settings_are_the_first_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that helps does not itself fall over them."""
    monkeypatch.setenv("ATELIER_BUGDET", "5")
    assert cli.main(["doctor"]) == 1
    assert "ATELIER_BUDGET" in capsys.readouterr().out


def test_instruction_sets_are_read_as_the_system_lists_them(tmp_path: Path) -> None:
    """None where it does not."""
    listing = tmp_path / "cpuinfo"
    listing.write_text(
        "processor\t: 0\nflags\t\t: fpu avx2 avx512f\n\nprocessor\t: 1\n", encoding="utf-8"
    )
    assert machine.instruction_sets(listing) == {"fpu", "avx2", "avx512f"}
    assert machine.instruction_sets(tmp_path / "none") == frozenset()
