"""The browser of the page's tests, and a visitor whose every complaint fails the test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests.browsing import FLAGS, PATIENCE_MS, browser_path, watched


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A visitor with a phone; what their browser complains about fails the test."""
    async with watched(browser, width=390, height=844) as context:
        yield context


@pytest.fixture
async def desktop(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A visitor with a large window, where the settings stand beside the pictures."""
    async with watched(browser, width=1440, height=900) as context:
        yield context
