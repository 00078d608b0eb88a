"""The gallery: all pictures, found by their words; the big view with its arrows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from tests.bot.web_parts import Parts, open_web
from tests.browsing import ask, settle, visit

pytestmark = pytest.mark.slow

PLACES = "tiles => tiles.map((tile) => [tile.offsetLeft, tile.offsetTop, tile.offsetWidth])"


async def painted(page: Page, web: Parts, *prompts: str) -> None:
    """Have these painted, one after another, by the page itself."""
    for number, prompt in enumerate(prompts, 1):
        await ask(page, prompt)
        await settle(page, number)


async def test_pictures_are_found_by_their_words(tmp_path: Path, desktop: BrowserContext) -> None:
    """While one types, by the beginnings of words; what is kept can be looked at alone."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await painted(page, web, "a red fox", "a red boat", "a white cat")
        await page.locator(".job").nth(1).get_by_role("button", name="Keep").click()
        await expect(page.locator("#toast")).to_contain_text("Kept")
        await page.get_by_role("link", name="Gallery").click()
        tiles = page.locator(".wallpaper li")
        await expect(tiles).to_have_count(3)
        await expect(page.get_by_role("img").first).to_have_attribute("alt", "Painted: a white cat")
        await page.get_by_role("searchbox").fill("red")
        await expect(tiles).to_have_count(2)
        await expect(page.locator("#found")).to_have_text("2 pictures")
        await page.get_by_role("checkbox", name="Kept").check()
        await expect(tiles).to_have_count(1)
        await expect(tiles).to_have_attribute("data-pinned", "")
        await page.get_by_role("searchbox").fill("cat")
        await expect(page.get_by_text("Nothing found.").last).to_be_visible()
        await page.reload()
        await expect(tiles).to_have_count(3)


async def test_the_big_view_goes_by_arrows(tmp_path: Path, desktop: BrowserContext) -> None:
    """Left and right, not beyond the ends; Escape and "back" close it where it was opened."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await painted(page, web, "a red fox", "a red boat", "a white cat")
        await page.get_by_role("link", name="Gallery").click()
        tile = page.locator(".wallpaper button").first
        await tile.click()
        big = page.get_by_role("dialog")
        await expect(big).to_contain_text("1 of 3")
        await expect(big.get_by_role("button", name="Previous picture")).to_have_count(0)
        for prompt in ("a red boat", "a red fox", "a red fox"):
            await page.keyboard.press("ArrowRight")
            await expect(big.locator(".prompt")).to_have_text(prompt)
        await expect(big.locator("[role=status]")).to_have_text("3 of 3: a red fox")
        await page.keyboard.press("ArrowLeft")
        await expect(big.locator(".prompt")).to_have_text("a red boat")
        assert await big.locator(".shown").evaluate("image => image.decode().then(() => true)")
        await page.keyboard.press("Escape")
        await expect(big).to_have_count(0)
        await expect(tile).to_be_focused()
        await tile.click()
        await expect(big).to_be_visible()
        await page.go_back()
        await expect(big).to_have_count(0)
        await expect(page.locator("#gallery")).to_be_visible()


async def test_the_big_view_does_what_the_card_does(
    tmp_path: Path, context: BrowserContext
) -> None:
    """A variation closes it and is seen in the chat; deleting shows the next one."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await painted(page, web, "a red fox", "a white cat")
        await page.get_by_role("link", name="Gallery").click()
        await page.locator(".wallpaper button").first.click()
        big = page.get_by_role("dialog")
        await big.get_by_role("button", name="Vary strongly").click()
        await expect(big).to_have_count(0)
        await expect(page.locator("#chat")).to_be_visible()
        await settle(page, 3)
        await page.locator(".job").first.get_by_role("button", name="Painted: a red fox").click()
        await expect(big).to_contain_text("1 of 3")
        await big.get_by_role("button", name="More to do").click()
        await big.get_by_role("button", name="Delete").click()
        await big.get_by_role("button", name="Delete for good?").click()
        await expect(big.locator(".prompt")).to_have_text("a white cat")
        await expect(big).to_contain_text("1 of 2")
        await page.keyboard.press("Escape")
        await settle(page, 2)


async def test_nothing_moves_when_pictures_arrive(tmp_path: Path, desktop: BrowserContext) -> None:
    """The tiles have their places before any picture of theirs is there."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await painted(page, web, "a fox --ar 3:2", "a fox --ar 2:3", "a fox", "a cat --ar 3:2")
        held = await desktop.new_page()
        gate = asyncio.Event()

        async def wait(route: Route) -> None:
            await gate.wait()
            await route.continue_()

        await held.route("**/thumbnail", wait)
        await held.goto(f"{web.url}/#/gallery")
        tiles = held.locator(".wallpaper li")
        await expect(tiles).to_have_count(4)
        before = await tiles.evaluate_all(PLACES)
        assert await held.locator(".wallpaper img.there").count() == 0
        gate.set()
        await expect(held.locator(".wallpaper img.there")).to_have_count(4)
        assert await tiles.evaluate_all(PLACES) == before
        assert len({top for _, top, _ in before}) < 4  # several stand beside each other


async def test_the_gallery_goes_on_at_its_end(tmp_path: Path, desktop: BrowserContext) -> None:
    """More come as one scrolls, and by the arrow in the big view; new ones come by themselves."""
    async with open_web(tmp_path, waiting_per_person=50, budget=500) as web:
        page = await visit(desktop, web)
        for number in range(11):
            fields = {"prompt": f"fox {number}", "steps": 1, "count": 4}
            answer = await page.request.post(f"{web.url}/api/jobs", data=fields)
            assert answer.ok
        # Not until all are loaded: those that were scrolled past at once wait to be looked at.
        await expect(page.get_by_role("button", name="Again", exact=True)).to_have_count(11)
        await page.get_by_role("link", name="Gallery").click()
        tiles = page.locator(".wallpaper li")
        await tiles.first.locator("button").click()
        big = page.get_by_role("dialog")
        await expect(big).to_contain_text("1 of 40")
        for _ in range(40):
            await page.keyboard.press("ArrowRight")
        await expect(big).to_contain_text("of 44")
        await page.keyboard.press("Escape")
        await expect(tiles).to_have_count(44)
        fields = {"prompt": "the newest", "steps": 1}
        await page.request.post(f"{web.url}/api/jobs", data=fields)
        await expect(page.get_by_role("img", name="Painted: the newest")).to_be_visible()


async def test_a_flagged_picture_is_shown_when_somebody_wants_to_see_it(
    tmp_path: Path, context: BrowserContext
) -> None:
    """Behind a veil in the chat, in the gallery and in the large view, until it was lifted once."""
    async with open_web(tmp_path, judge=lambda image: 0.9) as web:
        page = await visit(context, web)
        await ask(page, "a fox")
        await settle(page, 1)
        show = page.get_by_role("button", name="Show it all the same")
        await expect(page.locator(".frame[data-veiled]")).to_have_count(1)
        await expect(page.locator(".notes")).to_contain_text("behind a veil")
        await page.get_by_role("link", name="Gallery").click()
        await page.locator("#wallpaper").get_by_role("button", name="Show it all the same").click()
        await expect(show).to_have_count(0)
        await page.locator("#wallpaper button").click()
        await expect(page.locator(".stage[data-veiled]")).to_have_count(0)
        await page.keyboard.press("Escape")
        await page.get_by_role("link", name="Paint", exact=True).click()
        await expect(page.locator(".frame[data-veiled]")).to_have_count(0)
        await page.reload()
        await expect(show).to_be_visible()
