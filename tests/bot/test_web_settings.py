"""The form of the settings: what is chosen there goes with every prompt, and what is typed wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.bot.web_parts import open_web
from tests.browsing import ask, settle, visit

pytestmark = pytest.mark.slow


async def choose(page: Page, legend: str, label: str) -> None:
    """Press one of the few that stand in a row."""
    row = page.locator("#panel fieldset", has=page.locator("legend", has_text=legend))
    await row.locator("label", has_text=label).click()


async def test_everything_chosen_goes_with_the_prompt(
    tmp_path: Path, desktop: BrowserContext
) -> None:
    """Model, shape, count, style, exclusions, steps, guidance, seed and size of the result."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await choose(page, "Shape", "2:3")
        await choose(page, "Pictures", "2")
        await page.get_by_label("Style").select_option(label="Watercolour")
        await page.get_by_label("Without").fill("clouds")
        await page.get_by_label("Steps", exact=True).fill("7")
        await page.get_by_label("Guidance", exact=True).fill("2.5")
        await page.get_by_label("Seed", exact=True).fill("41")
        await choose(page, "Enlarge", "×2")
        await page.get_by_label("Enlarge with").select_option(label="Mend")
        await expect(page.locator("#chosen")).to_contain_text("2:3")
        await expect(page.locator("#chosen")).to_contain_text("seed 41")
        await ask(page, "a fox")
        await settle(page, 2)
        (paint,) = web.painter.painted
        assert (paint.width, paint.height, paint.count) == (32, 48, 2)
        assert paint.prompt == "a fox, watercolor"
        assert (paint.negative, paint.steps, paint.guidance, paint.seed) == ("clouds", 7, 2.5, 41)
        assert paint.upscale is not None
        assert (paint.upscale.scale, paint.upscale.network) == (2, "mend")
        await expect(page.locator(".job .facts")).to_contain_text("64×96")


async def test_what_is_typed_wins_over_the_form(tmp_path: Path, desktop: BrowserContext) -> None:
    """A shape in the prompt replaces the form's; another model begins with settings of its own."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await choose(page, "Shape", "2:3")
        await page.get_by_label("Steps", exact=True).fill("7")
        await ask(page, "a fox --ar 3:2 --steps 3")
        await settle(page, 1)
        await ask(page, "a fox --model plain")
        await settle(page, 2)
        one, other = web.painter.painted
        assert (one.width, one.height, one.steps) == (48, 32, 3)
        assert (other.model, other.width, other.steps) == ("plain", 32, 2)


async def test_the_form_shows_what_a_model_takes(tmp_path: Path, desktop: BrowserContext) -> None:
    """A model without guidance and exclusions has no such fields, and its own steps and shapes."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await page.get_by_label("Steps", exact=True).fill("20")
        await page.get_by_label("Model").focus()
        await page.get_by_label("Model").select_option(label="Squares without choices")
        await expect(page.get_by_label("Guidance", exact=True)).to_have_count(0)
        await expect(page.get_by_label("Without")).to_have_count(0)
        await expect(page.get_by_label("Steps", exact=True)).to_have_value("2")
        await expect(page.locator("#panel .shapes label")).to_have_count(1)
        await expect(page.get_by_label("Model")).to_be_focused()
        await ask(page, "a fox")
        await settle(page, 1)
        assert web.painter.painted[0].model == "plain"


async def test_the_seed_can_be_locked(tmp_path: Path, desktop: BrowserContext) -> None:
    """The lock takes the seed of the newest picture, and lets it go again."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await ask(page, "a fox --seed 12")
        await settle(page, 1)
        lock = page.get_by_role("button", name="Lock the seed")
        await lock.click()
        await expect(lock).to_have_attribute("aria-pressed", "true")
        await expect(page.get_by_label("Seed", exact=True)).to_have_value("12")
        await ask(page, "a cat")
        await settle(page, 2)
        await lock.click()
        await expect(page.get_by_label("Seed", exact=True)).to_have_value("")
        await ask(page, "a dog")
        await settle(page, 3)
        assert [paint.seed for paint in web.painter.painted[:2]] == [12, 12]
        assert web.painter.painted[2].seed != 12
        await page.get_by_label("Seed", exact=True).fill("9x999999999")
        await expect(page.get_by_label("Seed", exact=True)).to_have_value("9999999999")
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Seed", exact=True)).to_have_value("4294967295")


async def test_settings_and_draft_survive_a_reload(tmp_path: Path, desktop: BrowserContext) -> None:
    """Nothing that was written or chosen is lost; reset takes back the choices alone."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await choose(page, "Pictures", "3")
        await page.get_by_label("Style").select_option(label="Poster")
        await page.get_by_label("What to paint").fill("half a thou")
        await page.reload()
        await expect(page.get_by_label("What to paint")).to_have_value("half a thou")
        await expect(page.locator("#chosen")).to_have_text("3 pictures\u00a0· Poster")
        await expect(page.get_by_role("radio", name="3", exact=True)).to_be_checked()
        await page.get_by_role("button", name="Reset").click()
        await expect(page.locator("#chosen")).to_have_text("")
        await expect(page.get_by_label("Style")).to_have_value("")
        await expect(page.get_by_label("What to paint")).to_have_value("half a thou")


async def test_the_panel_opens_and_closes_by_keyboard(
    tmp_path: Path, context: BrowserContext
) -> None:
    """On a phone it begins closed; Escape closes it and the button has the focus again."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        opener = page.locator("#panel-open")
        await expect(page.locator("#panel")).to_be_hidden()
        await opener.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#panel")).to_be_visible()
        await expect(opener).to_have_attribute("aria-expanded", "true")
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Model")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.locator("#panel")).to_be_hidden()
        await expect(opener).to_be_focused()
