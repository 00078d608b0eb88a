"""The page for everybody: axe in every state, every width, without a mouse, without motion."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.bot.web_parts import Parts, open_web
from tests.browsing import ask, first, png, settle, visit, watched

pytestmark = pytest.mark.slow

WIDTHS = (360, 768, 1024, 1440, 2560)
FAULTS = {"resultTypes": ["violations"]}
LOOKS: dict[Literal["dark", "light"], dict[str, Any]] = {
    "dark": FAULTS | {"runOnly": ["color-contrast", "link-in-text-block"]},
    "light": FAULTS,
}
"""The rules to look at in each; what has nothing to do with colours is the same in both."""
STILL = """
() => Promise.all(document.getAnimations()
  .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
  .map((each) => each.finished.catch(() => null)))
"""
SIDEWAYS = """
() => [...document.querySelectorAll("main *, .top *, .desk *, dialog[open] *")]
  .filter((e) => e.checkVisibility() && !e.closest(".unseen, .frame, .mark, svg, .scroll"))
  .filter((e) => !e.matches(".wordmark span") && e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => e.className || e.tagName)
"""
SHIFTS = """
() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      const moved = entry.sources.map(({ node }) => node?.className ?? node?.nodeName);
      window.shifts.push([entry.value, ...moved]);
    }
  }).observe({ type: "layout-shift", buffered: true });
}
"""


async def check(page: Page, state: str) -> None:
    """Nothing that axe finds fault with, and nothing that sticks out sideways."""
    faults: list[dict[str, Any]] = []
    for look, rules in LOOKS.items():
        await page.emulate_media(color_scheme=look)
        await page.evaluate(STILL)  # what is still fading in has little contrast, for a moment
        found = await Axe().run(page, options=rules)
        faults += found.response["violations"]
    told = [(fault["id"], fault["impact"], fault["nodes"][0]["html"][:200]) for fault in faults]
    assert told == [], state
    assert await page.evaluate(SIDEWAYS) == [], state
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) <= 0, state


async def open_settings(page: Page) -> None:
    if await page.locator("#panel").is_hidden():
        await page.locator("#panel-open").click()


async def through_all_states(page: Page, web: Parts) -> None:
    """Lead the page through everything it can show, and look at each."""
    await check(page, "empty")
    web.painter.hold()
    for prompt in ("a fox", "a dog --count 4", "a cat"):
        await ask(page, prompt)
    await expect(page.locator(".job")).to_have_count(3)
    await check(page, "waiting")
    web.painter.step(2)
    await expect(page.locator(".preview")).to_have_count(1)
    await check(page, "painting")
    web.painter.release()
    await settle(page, 6)
    await check(page, "done, four at once among them")
    await page.locator(".job").nth(1).get_by_role("button", name="More to do").first.click()
    await check(page, "menu")
    await page.keyboard.press("Escape")
    await open_settings(page)
    await page.locator("#panel label", has_text="×2").first.click()
    await check(page, "settings")
    await page.get_by_role("button", name="Reset").click()
    await page.get_by_role("button", name="Close the settings").click()
    await first(page).get_by_role("button", name="Start from this picture").click()
    await check(page, "source and toast")
    await ask(page, "a fox --steps 9000")
    await expect(page.locator("#refusal")).to_be_visible()
    await check(page, "refused")
    await page.get_by_role("button", name="Without this picture").click()

    def fail(_: object) -> None:
        raise RuntimeError("the brush broke")

    web.painter.fail = fail
    await ask(page, "a broken one")
    await expect(page.locator(".job").last).to_contain_text("Sorry")
    await check(page, "failed")
    await page.get_by_role("link", name="Gallery").click()
    await expect(page.locator(".wallpaper img.there")).to_have_count(6)
    await check(page, "gallery")
    await page.locator(".wallpaper button").first.click()
    await expect(page.locator(".shown.there")).to_be_visible()
    await check(page, "big view")
    await page.keyboard.press("Escape")
    await page.get_by_role("searchbox").fill("nothing like it")
    await expect(page.locator("#nothing")).to_be_visible()
    await check(page, "nothing found")
    await page.get_by_role("button", name="You").click()
    await page.get_by_role("button", name="Forget me").click()
    await check(page, "you")
    await page.keyboard.press("Escape")
    await page.get_by_role("link", name="Paint").click()
    await page.context.set_offline(True)
    await expect(page.locator("#banner")).to_be_visible()
    await check(page, "offline")


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
async def test_axe_finds_nothing_in_any_state(
    tmp_path: Path, browser: Browser, width: int, height: int
) -> None:
    """On a phone and on a desk, light and dark: no finding of any weight."""
    async with (
        open_web(tmp_path) as web,
        watched(browser, width=width, height=height) as context,
    ):
        page = await visit(context, web)
        page.set_default_timeout(60_000)
        await through_all_states(page, web)


async def test_the_door_and_the_reference_too(tmp_path: Path, browser: Browser) -> None:
    """The pages beside the page."""
    async with (
        open_web(tmp_path, password="open sesame") as web,
        watched(browser, width=360, height=740, locale="de-DE") as context,
    ):
        page = await visit(context, web)
        await page.get_by_label("Passwort").fill("nein")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        await check(page, "door")
        await page.goto(f"{web.url}/docs")
        await expect(page.locator("#reference section").first).to_be_visible()
        await check(page, "reference")


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
async def test_it_fits_every_width(tmp_path: Path, browser: Browser, locale: str) -> None:
    """From 360 to 2560 pixels nothing sticks out, in the longer language as well."""
    async with (
        open_web(tmp_path) as web,
        watched(browser, width=WIDTHS[0], height=800, locale=locale) as context,
    ):
        page = await visit(context, web)
        await page.locator("#prompt").fill("a fox --count 4 --ar 3:2")
        await page.keyboard.press("Enter")
        await settle(page, 4)
        await page.locator("#file").set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": png()}
        )
        await expect(page.locator("#strength")).to_be_visible()
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            await open_settings(page)
            assert await page.evaluate(SIDEWAYS) == [], width
            await page.locator("#to-gallery").click()
            await page.locator(".wallpaper button").first.click()
            await expect(page.locator(".shown.there")).to_be_visible()
            assert await page.evaluate(SIDEWAYS) == [], width
            await page.keyboard.press("Escape")
            await page.locator("#to-feed").click()


@pytest.mark.parametrize(("width", "locale"), [(1440, "en-GB"), (360, "en-GB"), (360, "de-DE")])
async def test_nothing_shifts_while_pictures_are_painted(
    tmp_path: Path, browser: Browser, width: int, locale: str
) -> None:
    """From the line over the preview to the picture with its buttons, measured by the browser."""
    async with (
        open_web(tmp_path) as web,
        watched(browser, width=width, height=900, locale=locale) as context,
    ):
        page = await visit(context, web)
        web.painter.hold()
        for prompt in ("a fox --ar 3:2", "four foxes --count 4"):
            await page.locator("#prompt").fill(prompt)
            await page.keyboard.press("Enter")
        await expect(page.locator(".job")).to_have_count(2)
        await page.evaluate("() => scrollTo({ top: 0, behavior: 'instant' })")
        await page.evaluate(SHIFTS)
        web.painter.step(2)
        await expect(page.locator(".preview")).to_have_count(1)
        web.painter.release()
        await settle(page, 5)
        await expect(page.locator(".preview")).to_have_count(0)
        assert await page.evaluate("() => window.shifts") == []


async def test_all_of_it_without_a_mouse(tmp_path: Path, context: BrowserContext) -> None:
    """Skip to the prompt, paint, reach every button of the card in order, open the big view."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        skip = page.get_by_role("link", name="To the prompt")
        assert await skip.evaluate("link => link === document.querySelector('a, button, input')")
        await skip.focus()
        await expect(skip).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("What to paint")).to_be_focused()
        await page.keyboard.type("a fox")
        await page.keyboard.press("Enter")
        await settle(page, 1)
        await first(page).locator(".open").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(first(page).locator(".open")).to_be_focused()
        names = []
        for _ in range(10):
            await page.keyboard.press("Tab")
            names.append(await page.evaluate("() => document.activeElement.title"))
        assert "Vary subtly" in names[:3], names
        start = names.index("Vary subtly")
        assert names[start : start + 8] == [
            "Vary subtly",
            "Vary strongly",
            "Enlarge ×2",
            "Enlarge ×4",
            "Start from this picture",
            "Keep this picture",
            "Download",
            "More to do with this picture",
        ]


async def test_reduced_motion_is_respected(tmp_path: Path, browser: Browser) -> None:
    """Nothing moves by itself for those who asked for that."""
    async with (
        open_web(tmp_path) as web,
        watched(browser, width=390, height=844, reduced_motion="reduce") as context,
    ):
        web.painter.hold()
        page = await visit(context, web)
        await ask(page, "a fox")
        web.painter.step(1)
        await expect(page.locator(".preview")).to_have_count(1)
        assert await page.evaluate("() => document.getAnimations().length") == 0
