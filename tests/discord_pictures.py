"""Pictures of what members see in Discord, made by the real bot and the starter model.

`python -m tests.discord_pictures FOLDER` writes them; Discord is simulated, the browser is real.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import async_playwright

from engine.catalogue import Catalogue
from engine.diffusion import DiffusionPainter
from engine.networks import Networks
from engine.painter import OnStep, Picture
from engine.request import Paint
from engine.upscaler import Upscaler
from engine.workshop import Workshop
from tests.bot import desk
from tests.bot.discord_parts import DiscordDesk, open_discord
from tests.browsing import FLAGS, browser_path
from tests.fakes import SquarePainter

SIZE = (760, 900)


class StarterPainter(SquarePainter):
    """Paints with the starter model and enlarges; can be held between steps like the squares."""

    def __init__(self, cache: Path) -> None:
        super().__init__()
        catalogue = Catalogue.read()
        painter = DiffusionPainter(catalogue, cache=cache)
        self._real = Workshop(painter, Upscaler(Networks.read(), cache=cache), catalogue)

    def warm(self, model: str) -> None:
        """Nothing: the first picture loads the model."""

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        """The real pictures, with a pause after every step while held."""

        def stepped(progress: Any) -> None:
            on_step(progress)
            if self._held:
                assert self._steps.acquire(timeout=60)

        yield from self._real.paint(paint, source, stepped)


async def show(discord: DiscordDesk, snap: Any) -> None:
    """Go through what members do, and take a picture of each state."""
    ann, bob, channel = discord.ann, discord.bob, discord.channel
    one = await discord.painted("a lighthouse on the sea at sunset --seed 7")
    await snap("one", one)
    four = await discord.painted(
        "a windmill in a meadow under a rainbow --seed 3", count=4, style="watercolor"
    )
    await snap("four", four)
    await ann.click(one, label="Vary (subtle)")
    await discord.delivered()
    await snap("variation", channel.last_message)
    await ann.click(one, label="×4")
    await discord.delivered()
    await snap("enlarged", channel.last_message)
    await snap("details", await ann.click(one, label="Details"))
    await snap("modal", await ann.click(four, label="Vary prompt"))
    await snap("delete", await ann.click(four, label="Delete"))
    await snap("refused", await discord.imagine("a fox --steps 99"))
    await snap("unknown", await discord.imagine("a fox --stlye poster"))
    await snap("history", await ann.slash(channel, "history"))
    await snap("models", await ann.slash(channel, "models"))
    await snap("styles", await ann.slash(channel, "styles"))
    await snap("usage", await ann.slash(channel, "usage"))
    await snap("help", await ann.slash(channel, "help"))
    await snap("forget", await ann.slash(channel, "forget me"))
    await snap("settings", await ann.slash(channel, "settings set", steps=6, size="portrait"))
    discord.desk.painter.hold()
    await discord.desk.speeds.learn("starter", 256, 256, True, 9.0, 1.0)
    begun = await discord.imagine("a castle in the mountains at night", steps=8)
    discord.desk.painter.step(3)
    await asyncio.sleep(8)
    waits = await discord.imagine("a sailboat on the ocean in fog", who=bob, private=False)
    await snap("waiting", waits)
    large = await bob.click(one, label="×2")
    await snap("enlarging", large)
    await snap("painting", begun)
    await snap("queue", await bob.slash(channel, "queue"))
    nasty = "**@everyone** <@1> `x` ||[y](https://z.example)|| # no \u202egnirts مرحبا"
    await snap("nasty", await discord.imagine(nasty, who=bob))
    discord.payload = {"locale": "de"}
    await snap("german", await bob.slash(channel, "help"))


async def main(folder: Path) -> None:
    """Write every picture into `folder`, which is there."""
    desk.catalogue = lambda: Catalogue.read()  # type: ignore[attr-defined] # the real models
    desk.networks = lambda: Networks.read()  # type: ignore[attr-defined] # and networks
    with tempfile.TemporaryDirectory() as data:
        painter = StarterPainter(Path(data) / "cache")
        async with (
            async_playwright() as playwright,
            open_discord(Path(data), painter=painter, model="starter") as discord,
        ):
            browser = await playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
            viewers = [discord.ann, discord.bob]
            preview = discord.env.preview(discord.channel, viewers=viewers)
            async with preview:
                preview._capture_manager._browser = browser  # the system's own

                async def snap(name: str, what: Any) -> None:
                    form = getattr(what, "modal", None) is not None
                    message = getattr(what, "response", None)
                    others = name in ("waiting", "enlarging", "queue", "nasty", "german")
                    viewer = discord.bob if others else discord.ann
                    await preview.screenshot(
                        folder / f"{name}.png",
                        target=what if form or message is None else message,
                        viewer=viewer,
                        viewport=SIZE,
                        allow_incomplete=True,
                    )
                    print(name)

                await show(discord, snap)


if __name__ == "__main__":
    written = Path(sys.argv[1] if len(sys.argv) > 1 else "discord-pictures")
    written.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(written))
