"""Commands where the locale knows letters and digits only; and a house that always says which."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.encoding import heard
from engine.metadata import read

ROOT = Path(__file__).parents[1]
TOPS = ("engine", "storage", "bot", "tests", "deploy")
FILES = sorted(file for top in TOPS for file in (ROOT / top).rglob("*.py"))


def _atelier(folder: Path, *arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
    """A command under the poorest locale there is, which Python would otherwise mend."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ATELIER_DATA": str(folder / "data"),
        "ATELIER_WEB_PORT": "0",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("--help", 0, b"examples:"),
        ("paint --help", 0, b"examples:"),
        ("models list", 0, b"256x256"),
        ("doctor", None, b"processors"),
        ("keys list", 1, b"there is no database"),
    ],
)
def test_commands_speak_plainly(
    tmp_path: Path, command: str, code: int | None, said: bytes
) -> None:
    """A sign that the terminal cannot show is written another way, and loses nobody's answer."""
    done = _atelier(tmp_path, *command.split())
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert code is None or done.returncode == code
    assert said in done.stdout + done.stderr
    assert (done.stdout + done.stderr).isascii()


@pytest.mark.slow
def test_a_prompt_is_read_as_it_was_meant(tmp_path: Path) -> None:
    """UTF-8 in, UTF-8 in the picture's file, and the answer in what signs there are."""
    words = "ein Leuchtturm über dem Meer – 灯台"
    done = _atelier(tmp_path, "paint", words.encode(), "--steps", "1", "-o", "möwe.png".encode())
    assert done.returncode == 0, done.stderr.decode()
    ask = read((tmp_path / os.fsdecode("möwe.png".encode())).read_bytes())
    assert ask is not None
    assert ask.prompt == words
    assert done.stdout.isascii()
    refused = _atelier(tmp_path, "paint", "möwe".encode(), "--steps", "900")
    assert refused.returncode == 2
    assert refused.stderr.startswith(b"atelier: ")
    assert refused.stderr.isascii()


def test_bytes_that_are_no_words_are_no_crash() -> None:
    """Some other encoding's letters become the sign for something unreadable."""
    assert heard(os.fsdecode("Möwe".encode())) == "Möwe"
    assert heard(os.fsdecode(b"a fox \xe4\xff")) == "a fox \ufffd\ufffd"


def test_every_text_says_its_encoding() -> None:
    """What is read, written or heard of another process never depends on the locale."""
    silent = []
    for file in FILES:
        source = file.read_text(encoding="utf-8")
        if "subprocess" not in source and "_text(" not in source:
            continue
        for call in ast.walk(ast.parse(source)):
            if not isinstance(call, ast.Call):
                continue
            said = {each.arg for each in call.keywords}
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            owner = ast.unparse(call.func).rpartition(".")[0]
            heard = owner == "subprocess" and said & {"text", "universal_newlines"}
            places = {"read_text": 0, "write_text": 1}
            if heard or (name in places and len(call.args) <= places[name]):
                silent += [] if "encoding" in said else [f"{file}:{call.lineno}"]
    assert not silent
