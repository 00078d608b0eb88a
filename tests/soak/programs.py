"""Restless programs: they speak OpenAI's and A1111's APIs, and hang up when they are tired."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from tests.soak import wishes
from tests.soak.journal import Journal, pick

ACTS = {"generate": 5.0, "edit": 2.0, "txt2img": 5.0, "img2img": 2.0, "enlarge": 1.0, "look": 6.0}
LOOKS = ("/v1/models", "/sdapi/v1/sd-models", "/sdapi/v1/progress", "/sdapi/v1/options")
EXPECTED = (503, 504, 507)
"""Busy for longer than a request may live, or no room: said in words."""


@dataclass(slots=True, kw_only=True)
class Program:
    """One program without a key, at an address of its own."""

    number: int
    url: str
    chance: random.Random
    journal: Journal
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.AsyncClient(
            base_url=self.url, headers={"X-Forwarded-For": f"10.2.0.{self.number + 1}"}
        )

    async def live(self) -> None:
        """Go on until cancelled."""
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "generate": self._generate,
            "edit": self._edit,
            "txt2img": self._txt2img,
            "img2img": self._img2img,
            "enlarge": self._enlarge,
            "look": self._look,
        }
        while True:
            await asyncio.sleep(self.chance.uniform(2.0, 10.0))
            try:
                await acts[pick(self.chance, ACTS)]()
            except (httpx.TransportError, ConnectionError):
                self.journal.count("programs: connections lost")

    async def close(self) -> None:
        """End."""
        await self.client.aclose()

    async def _generate(self) -> None:
        wanted = {"prompt": wishes.prompt(self.chance), "size": "1024x1024", "n": 1}
        answer = await self._send("/v1/images/generations", json=wanted | {"steps": 3})
        if answer is not None:
            self._seen(answer["data"][0]["b64_json"])

    async def _edit(self) -> None:
        files = {"image": ("me.png", wishes.picture(self.chance))}
        data = {"prompt": wishes.prompt(self.chance), "size": "512x512"}
        answer = await self._send("/v1/images/edits", data=data, files=files)
        if answer is not None:
            self._seen(answer["data"][0]["b64_json"])

    async def _txt2img(self) -> None:
        wanted = {"prompt": wishes.prompt(self.chance), "steps": 20, "cfg_scale": 7, "width": 512}
        answer = await self._send("/sdapi/v1/txt2img", json=wanted | {"height": 512})
        if answer is not None:
            self._seen(answer["images"][0])

    async def _img2img(self) -> None:
        image = base64.b64encode(wishes.picture(self.chance)).decode()
        wanted = {"prompt": wishes.prompt(self.chance), "init_images": [image], "steps": 4}
        answer = await self._send("/sdapi/v1/img2img", json=wanted)
        if answer is not None:
            self._seen(answer["images"][0])

    async def _enlarge(self) -> None:
        image = base64.b64encode(wishes.picture(self.chance)).decode()
        wanted = {"image": image, "upscaling_resize": 2}
        answer = await self._send("/sdapi/v1/extra-single-image", json=wanted)
        if answer is not None:
            self._seen(answer["image"])

    async def _look(self) -> None:
        answer = await self.client.get(self.chance.choice(LOOKS), timeout=60)
        if answer.status_code != 200:
            self.journal.strange.append(f"programs: {answer.request.url.path} {answer.status_code}")

    async def _send(self, path: str, **given: Any) -> dict[str, Any] | None:
        """The answer to a request, or None: refused with a word, or not waited for."""
        self.journal.count("programs: asks")
        patience = self.chance.choice([1.0, 5.0, 300.0, 300.0, 300.0])
        began = time.monotonic()
        try:
            async with asyncio.timeout(patience):
                answer = await self.client.post(path, timeout=600, **given)
        except TimeoutError:
            self.journal.count("programs: hung up")
            return None
        code = answer.status_code
        if code == 200:
            self.journal.waits["programs (the whole picture)"].append(time.monotonic() - began)
            self.journal.count("programs: served")
            found: dict[str, Any] = answer.json()
            return found
        self.journal.count(f"programs: refused with {code}")
        if code >= 500 and code not in EXPECTED:
            self.journal.strange.append(f"programs: {path} got {code}: {answer.text[:200]}")
        try:
            worded = bool(answer.json()["error"])
        except (json.JSONDecodeError, KeyError, TypeError):
            worded = False
        if not worded:
            self.journal.strange.append(f"programs: {path} got {code} without a word")
        return None

    def _seen(self, encoded: str) -> None:
        """It has to be a whole picture."""
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
            image.load()
