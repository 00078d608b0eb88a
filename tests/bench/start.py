"""From the start of the process to its first answer and its first picture."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import httpx

from tests.serving import Serving, serving


def run() -> None:
    """Print the seconds with cold caches and with warm ones."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "data", start=False) as s:
        cold, warm = _life(s), _life(s)
    print("              first answer   first picture")
    for name, (answer, picture) in (("cold caches", cold), ("warm caches", warm)):
        print(f"{name:>12}: {answer:8.2f} s {picture:12.2f} s")
    print(f"{'ratio':>12}: {warm[0] / cold[0]:8.2f}   {warm[1] / cold[1]:12.2f}")


def _life(server: Serving) -> tuple[float, float]:
    started = time.perf_counter()
    server.start()
    answered = time.perf_counter() - started
    with httpx.Client(base_url=server.url, timeout=30) as client:
        job = client.post("/api/jobs", json={"prompt": "the sea at night"}).json()["id"]
        while client.get(f"/api/jobs/{job}").json()["state"] != "done":
            time.sleep(0.05)
    painted = time.perf_counter() - started
    server.stop()
    return answered, painted
