"""Enlarging as people have it: the real process, the real networks, and a kill in the middle."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.serving import serving

pytestmark = pytest.mark.slow

PATIENCE_S = 200.0


class Visitor:
    """Somebody on the page, by its HTTP API."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """The job that this became."""
        answer = self.http.post(path, json=body)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def bring(self, width: int, height: int) -> str:
        """A half transparent picture of that size, as the source of a job."""
        out = io.BytesIO()
        brought = Image.linear_gradient("L").resize((width, height)).convert("RGBA")
        brought.putalpha(Image.new("L", brought.size, 99))
        brought.save(out, "PNG")
        headers = {"Content-Type": "image/png"}
        answer = self.http.post("/api/sources", content=out.getvalue(), headers=headers)
        source: str = answer.json()["source"]
        return source

    def until(self, job: dict[str, Any], holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job once that holds; a server that is away only takes longer."""
        until = time.monotonic() + PATIENCE_S
        now: dict[str, Any] = {}
        while time.monotonic() < until:
            try:
                now = self.http.get(f"/api/jobs/{job['id']}").json()
                if holds(now):
                    return now
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise AssertionError(now)

    def picture(self, job: dict[str, Any]) -> Image.Image:
        """The only picture of a finished job, read from its file."""
        done = self.until(job, lambda now: now["state"] in ("done", "failed", "cancelled"))
        assert done["state"] == "done", done
        (shown,) = done["pictures"]
        image = Image.open(io.BytesIO(self.http.get(shown["url"]).content))
        image.load()
        return image


def test_pictures_are_painted_and_enlarged(tmp_path: Path) -> None:
    """At once, and later; both say in their file how they were made, and cost what they should."""
    with (
        serving(tmp_path / "data") as server,
        httpx.Client(base_url=server.url, timeout=30) as http,
    ):
        server.wait_until_ready()
        ann = Visitor(http)
        asked = {"prompt": "a lighthouse on the sea at sunset", "seed": 7, "steps": 2}
        small = ann.ask("/api/jobs", **asked)
        (shown,) = ann.until(small, lambda now: now["state"] == "done")["pictures"]
        later = ann.ask("/api/upscales", source=f"picture:{shown['id']}", scale=2)
        at_once = ann.ask("/api/jobs", **asked, upscale=2)
        first, second = ann.picture(later), ann.picture(at_once)
        assert first.size == second.size == (512, 512)
        assert first.tobytes() == second.tobytes()
        assert "Hires upscale: 2" in str(first.info["parameters"])
        assert at_once["cost"] == pytest.approx(small["cost"] + later["cost"], abs=0.011)


def test_an_enlargement_outlives_a_kill(tmp_path: Path) -> None:
    """What was brought along is enlarged after all, once, and is as transparent as it was."""
    with (
        serving(tmp_path / "data") as server,
        httpx.Client(base_url=server.url, timeout=30) as http,
    ):
        server.wait_until_ready()
        ann = Visitor(http)
        job = ann.ask("/api/upscales", source=ann.bring(600, 400), scale=4)
        ann.until(job, lambda now: (now["progress"] or {}).get("stage") == "upscaling")
        server.kill()
        server.start()
        image = ann.picture(job)
        assert (image.size, image.mode) == ((2400, 1600), "RGBA")
        assert image.getpixel((1200, 800))[3] == 99  # type: ignore[index]
        # Large, so that even a quick machine is asked to stop before the last tile.
        gone = ann.ask("/api/upscales", source=ann.bring(2000, 1500), scale=4)
        ann.until(gone, lambda now: bool(now["progress"]))
        ann.http.post(f"/api/jobs/{gone['id']}/cancel")
        over = ann.until(gone, lambda now: now["state"] == "cancelled")
        assert 0 <= over["charge"] < over["cost"]
        assert ann.http.get("/api/me").json()["used"] == pytest.approx(job["cost"] + over["charge"])
