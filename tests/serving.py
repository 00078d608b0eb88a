"""The real `atelier serve` process, for tests that need nothing less."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120.0


def free_port() -> int:
    """A port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Serving:
    """One data folder and the processes that serve it, one after another."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.with_suffix(".log")
        self.program: tuple[str, ...] = ("bot", "serve")
        """What `python -m` runs."""
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, answer: bool = True) -> None:
        """Start the process; with `answer`, wait until it answers."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ATELIER_")}
        environment = kept | {
            "ATELIER_DATA": str(self.data),
            "ATELIER_WEB_PORT": str(self.port),
            **self._settings,
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self.program],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        if answer:
            self.wait_until(lambda health: True)

    def wait_until_ready(self) -> None:
        """Wait until the engine is warm."""
        self.wait_until(lambda health: health.get("engine") == "ready")

    def wait_until(self, holds: Callable[[dict[str, object]], bool]) -> None:
        """Wait until what /healthz says fulfils `holds`; a process that died fails the test."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text(encoding="utf-8")[-3000:]
            try:
                if holds(httpx.get(f"{self.url}/healthz", timeout=2).json()):
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(encoding="utf-8")[-3000:])

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something of the server's doing holds; a process that died fails the test."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            assert self.running, self.log.read_text(encoding="utf-8")[-3000:]
            if holds():
                return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(encoding="utf-8")[-3000:])

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9, at whatever it is doing."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=PATIENCE_S)

    def wait(self) -> int:
        """The exit code of a process that ends by itself."""
        assert self._process is not None
        return self._process.wait(timeout=PATIENCE_S)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None


@contextmanager
def serving(data: Path, *, start: bool = True, **settings: str) -> Iterator[Serving]:
    """A `Serving` that leaves no process behind."""
    made = Serving(data, **settings)
    try:
        if start:
            made.start()
        yield made
    finally:
        if made.running:
            made.kill()
