"""The rules of the house: who may import whom, and where each library lives."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "engine": {"engine"},
    "storage": {"engine", "storage"},
    "bot": {"engine", "storage", "bot"},
}
HOMES = {
    "diffusers": (
        "engine/building/",
        "engine/plain.py",
        "engine/borrowed.py",
        "engine/starter/",
        "engine/upscalers/softness.py",
    ),
    "optimum": ("engine/building/", "engine/plain.py", "engine/starter/"),
    "openvino": (
        "engine/blobs.py",
        "engine/building/",
        "engine/compiled.py",
        "engine/conversion.py",
        "engine/diffusion.py",
        "engine/lens.py",
        "engine/parts.py",
        "engine/pooling.py",
        "engine/proxies.py",
        "engine/reusing.py",
        "engine/safety.py",
        "engine/tuning.py",
        "engine/second_look.py",
        "engine/starter/",
        "engine/upscalers/",
    ),
    "tokenizers": ("engine/starter/", "engine/tokens.py"),
    "transformers": ("engine/starter/",),
    "torch": (
        "engine/building/",
        "engine/conversion.py",
        "engine/plain.py",
        "engine/borrowed.py",
        "engine/starter/",
        "engine/upscalers/",
    ),
    "nncf": ("engine/building/", "engine/conversion.py", "engine/starter/"),
    "aiosqlite": ("storage/",),
    "sqlite3": ("storage/",),
    "fastapi": ("bot/on_web/", "bot/on_api/"),
    "starlette": ("bot/on_web/", "bot/on_api/"),
    "python_multipart": ("bot/on_api/",),
    "itsdangerous": ("bot/on_web/",),
    "pydantic": ("bot/on_web/", "bot/on_api/", "bot/settings.py"),
    "pydantic_settings": ("bot/settings.py",),
    "uvicorn": ("bot/on_web/", "bot/serve.py"),
    "babel": ("bot/desk/texts/",),
    "gettext": ("bot/desk/texts/",),
    "discord": ("bot/on_discord/",),
    "aiohttp": ("bot/on_discord/",),
    "telegram": ("bot/on_telegram/",),
    "httpx": ("bot/on_telegram/",),
    "prometheus_client": ("bot/meter.py",),
    "re2": ("bot/desk/moderation.py",),
    "sklearn": ("tests/bench/upscale.py",),
}
FILES = sorted(f for top in MAY_IMPORT for f in (ROOT / top).rglob("*.py"))


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_there_is_something_to_check() -> None:
    """A rule that looks at no file would always hold."""
    assert len(FILES) > 25


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_folder_imports_only_what_stands_to_its_left(file: Path) -> None:
    """engine <- storage <- bot, and each third-party library in its one home."""
    place = file.relative_to(ROOT).as_posix()
    for name in _imports(file):
        top = name.split(".")[0]
        if top in ("engine", "storage", "bot", "tests"):
            assert top in MAY_IMPORT[place.split("/")[0]], f"{place} imports {name}"
        if top in HOMES:
            assert place.startswith(HOMES[top]), f"{place} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_module_says_what_it_owns(file: Path) -> None:
    """Its first sentence is where a stranger begins."""
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), file.name


def test_nothing_heavy_loads_before_the_painting_thread() -> None:
    """The bots answer at once because importing all of them loads no model library."""
    code = (
        "import sys, bot.cli, bot.serve, bot.on_web.app, storage.jobs, engine.thread\n"
        "heavy = {'torch', 'diffusers', 'openvino', 'transformers', 'optimum'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_painting_connects_nowhere(tmp_path: Path) -> None:
    """Loading and painting open no connection and look up no name: no telemetry, no hub."""
    code = f"""
import sys
seen = []
sys.addaudithook(lambda event, args: event in ("socket.connect", "socket.getaddrinfo",
    "socket.gethostbyname", "socket.sendto") and seen.append((event, str(args[-1:]))))
import socket
probe = socket.socket()
probe.setblocking(False)
try:
    probe.connect(("127.0.0.1", 9))
except OSError:
    pass
assert seen, "the guard sees nothing"
seen.clear()
import os
os.environ["ATELIER_DATA"] = {str(tmp_path)!r}
from engine.__main__ import main
code = main(["a lighthouse", "--steps", "2", "-o", {str(tmp_path / "out.png")!r}])
import threading, time
time.sleep(2)  # whatever sends in the background has begun by now
sys.exit(str(seen) if seen else code)
"""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "out.png").stat().st_size > 1000
