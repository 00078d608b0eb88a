"""What can be done with a picture in the chat: vary, start from it, enlarge, copy, keep, delete."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.bot.web_parts import open_web
from tests.browsing import ask, first, settle, visit

pytestmark = pytest.mark.slow


PLACE = "card => [card.offsetTop, card.offsetHeight, card.querySelector('.frame').offsetHeight]"


async def more(card: Locator) -> None:
    """Open the menu of a card's (first) picture."""
    await card.get_by_role("button", name="More to do").first.click()


async def clipboard(page: Page) -> str:
    """What was copied."""
    text: str = await page.evaluate("() => navigator.clipboard.readText()")
    return text


async def test_variations_start_from_the_picture(tmp_path: Path, context: BrowserContext) -> None:
    """Subtle and strong differ in strength; the new card shows what it came from."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await ask(page, "a fox --ar 3:2")
        await settle(page, 1)
        await first(page).get_by_role("button", name="Vary subtly").click()
        await settle(page, 2)
        await first(page).get_by_role("button", name="Vary strongly").click()
        await settle(page, 3)
        _, subtle, strong = web.painter.painted
        assert 0 < subtle.strength < strong.strength < 1
        assert subtle.source == strong.source
        assert (subtle.width, subtle.height) == (48, 32)
        origin = page.locator(".job").last.get_by_role("img", name="It started from this picture")
        await expect(origin).to_be_visible()
        assert await origin.evaluate("image => image.decode().then(() => image.naturalWidth)") == 48


async def test_enlarging_shows_its_stages(tmp_path: Path, context: BrowserContext) -> None:
    """Tile by tile over the old picture, in a frame of one size; the result is larger."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await ask(page, "a fox --ar 3:2")
        await settle(page, 1)
        web.painter.hold()
        await first(page).get_by_role("button", name="Enlarge ×4").click()
        card = page.locator(".job").nth(1)
        web.painter.step(3)
        await expect(card).to_contain_text("Enlarging\u00a0· tile 4 of 4")
        place = await card.evaluate(PLACE)
        await expect(card.locator("progress")).to_have_js_property("value", 0.75)
        web.painter.release()
        await settle(page, 2)
        assert await card.evaluate(PLACE) == place
        await expect(card).to_contain_text("enlarged ×4\u00a0· 192×128")
        assert len(web.painter.painted) == 2


async def test_painting_and_enlarging_in_one_job(tmp_path: Path, context: BrowserContext) -> None:
    """First the steps, then the tiles; the bar never goes back."""
    async with open_web(tmp_path) as web:
        web.painter.hold()
        page = await visit(context, web)
        await ask(page, "a fox --upscale 2 --steps 4")
        web.painter.step(2)
        bar = first(page).locator("progress")
        await expect(bar).to_have_js_property("value", 0.25)
        await expect(first(page)).to_contain_text("Painting")
        web.painter.step(3)
        await expect(bar).to_have_js_property("value", 0.625)
        await expect(first(page)).to_contain_text("Enlarging")
        web.painter.release()
        await settle(page, 1)
        await expect(first(page)).to_contain_text("64×64")


async def test_copied_parameters_paint_the_same(tmp_path: Path, desktop: BrowserContext) -> None:
    """Pasted as a prompt they give the same picture; each of several has its own seed."""
    await desktop.grant_permissions(["clipboard-read", "clipboard-write"])
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await ask(page, "a fox --ar 3:2 --no clouds --count 2 --seed 5 --style poster --steps 3")
        await settle(page, 2)
        await first(page).get_by_role("button", name="More to do").last.click()
        await first(page).get_by_role("button", name="Copy parameters").click()
        await expect(page.locator("#toast")).to_contain_text("Copied")
        await ask(page, await clipboard(page))
        await settle(page, 3)
        one, other = web.painter.painted
        assert other == one.alone(1)
        assert other.seed == 6


async def test_a_picture_fills_the_form(tmp_path: Path, desktop: BrowserContext) -> None:
    """Edit with its settings: words and style apart, as they were asked for."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await ask(page, "a fox --ar 3:2 --seed 5 --style poster --no clouds")
        await settle(page, 1)
        await more(first(page))
        await first(page).get_by_role("button", name="Edit with its settings").click()
        await expect(page.get_by_label("What to paint")).to_have_value("a fox")
        await expect(page.get_by_label("Style")).to_have_value("poster")
        await expect(page.get_by_label("Without")).to_have_value("clouds")
        await expect(page.get_by_label("Seed", exact=True)).to_have_value("5")
        await expect(page.get_by_role("radio", name="3:2")).to_be_checked()


async def test_a_picture_becomes_the_source(tmp_path: Path, context: BrowserContext) -> None:
    """The next prompts start from it."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await ask(page, "a fox")
        await settle(page, 1)
        await first(page).get_by_role("button", name="Start from this picture").click()
        await expect(page.get_by_label("Repaint")).to_have_value("60")
        await ask(page, "a cat")
        await settle(page, 2)
        assert (web.painter.painted[1].source or "").startswith("picture:")


async def test_keeping_a_picture(tmp_path: Path, context: BrowserContext) -> None:
    """A press keeps it, another lets it go; it is still kept after a reload."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await ask(page, "a fox")
        await settle(page, 1)
        keep = first(page).get_by_role("button", name="Keep")
        await expect(keep).to_have_attribute("aria-pressed", "false")
        await keep.click()
        await expect(keep).to_have_attribute("aria-pressed", "true")
        await page.reload()
        await expect(keep).to_have_attribute("aria-pressed", "true")
        await keep.click()
        await expect(page.locator("#toast")).to_contain_text("Not kept any more")
        await expect(keep).to_have_attribute("aria-pressed", "false")


async def test_one_of_four_has_a_menu_by_keyboard(tmp_path: Path, context: BrowserContext) -> None:
    """Enter opens it, arrows move, Escape leads back; deleting one leaves three."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await ask(page, "a fox --count 4")
        await settle(page, 4)
        button = first(page).get_by_role("button", name="More to do").nth(1)
        await button.focus()
        await page.keyboard.press("Enter")
        menu = page.get_by_role("group", name="What to do with this picture")
        await expect(menu.get_by_role("button", name="Vary subtly")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(menu.get_by_role("button", name="Vary strongly")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(menu).to_have_count(0)
        await expect(button).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("End")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await expect(page.locator(".hung")).to_have_count(3)
        await expect(first(page)).to_be_focused()
        await page.reload()
        await settle(page, 3)
