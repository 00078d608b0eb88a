"""Where the system's Chromium is, how tests start it, and what visitors of the page do there."""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from PIL import Image
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 20_000


class Served(Protocol):
    """Whatever has an address."""

    @property
    def url(self) -> str: ...


def browser_path() -> str:
    """The browser's program; the test fails where there is none, and says what to do."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    assert found, "no Chromium: `make chromium` says what to do"
    return found[0]


@asynccontextmanager
async def watched(
    browser: Browser, *, width: int, height: int, **options: Any
) -> AsyncIterator[BrowserContext]:
    """A visitor; what their browser asks of anybody else, or complains about, fails the test."""
    options = {"locale": "en-GB", **options}
    context = await browser.new_context(viewport={"width": width, "height": height}, **options)
    trouble: list[str] = []
    context.on("weberror", lambda error: trouble.append(str(error.error)))
    context.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("http://127.0.0.1:", "data:", "blob:"))
            else trouble.append(request.url)
        ),
    )
    context.on(
        "console",
        lambda said: trouble.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield context
    await context.close()
    assert trouble == []


async def visit(context: BrowserContext, web: Served) -> Page:
    """The page, when it knows what there is to choose from."""
    page = await context.new_page()
    await page.goto(web.url)
    if not page.url.endswith("/sign-in"):
        await page.locator("#fields #model").wait_for(state="attached")
    return page


async def ask(page: Page, prompt: str) -> None:
    """Write a prompt and send it with Enter."""
    await page.get_by_label("What to paint").fill(prompt)
    await page.keyboard.press("Enter")


async def settle(page: Page, pictures: int) -> None:
    """Wait until so many pictures hang in the chat."""
    await expect(page.locator(".hung")).to_have_count(pictures)


def first(page: Page) -> Locator:
    """The oldest card."""
    return page.locator(".job").first


def png(width: int = 48, height: int = 32, colour: str = "teal") -> bytes:
    """A picture of somebody else's."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()
