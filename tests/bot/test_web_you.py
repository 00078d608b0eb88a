"""What concerns the visitor: being forgotten, the look of the page, the way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.bot.web_parts import open_web
from tests.browsing import ask, png, settle, visit, watched

pytestmark = pytest.mark.slow


async def test_forget_me_leaves_nothing_but_the_sum(
    tmp_path: Path, context: BrowserContext
) -> None:
    """It asks first; then pictures, prompts, settings and draft are gone, and the budget stays."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await ask(page, "a secret fox")
        await settle(page, 1)
        address = await page.locator(".picture").get_attribute("src")
        await page.get_by_label("What to paint").fill("another secret")
        await page.get_by_role("button", name="You").click()
        sheet = page.get_by_role("dialog", name="You")
        await sheet.get_by_role("button", name="Forget me").click()
        await expect(sheet.get_by_role("button", name="Keep it")).to_be_focused()
        await sheet.get_by_role("button", name="Keep it").click()
        await expect(page.locator(".hung")).to_have_count(1)
        await sheet.get_by_role("button", name="Forget me").click()
        await sheet.get_by_role("button", name="Delete everything").click()
        await expect(page.get_by_role("heading", name="What shall I paint?")).to_be_visible()
        await expect(page.locator("#toast")).to_contain_text(
            "You are forgotten. Pictures deleted: 1."
        )
        await expect(page.get_by_label("What to paint")).to_have_value("")
        await expect(page.locator("#budget")).to_contain_text("49 of 50 credits left")
        assert (await page.request.get(f"{web.url}{address}")).status == 404
        history = await (await page.request.get(f"{web.url}/api/jobs")).text()
        assert '"jobs":[]' in history


async def test_the_look_is_the_systems_or_ones_own(tmp_path: Path, browser: Browser) -> None:
    """Light and dark follow the system until somebody chooses; the choice survives a reload."""
    async with (
        open_web(tmp_path) as web,
        watched(browser, width=390, height=844, color_scheme="dark") as context,
    ):
        page = await visit(context, web)
        paper = "() => getComputedStyle(document.documentElement).backgroundColor"
        assert await page.evaluate(paper) == "rgb(21, 20, 18)"
        await page.get_by_role("button", name="You").click()
        await page.get_by_role("radio", name="Light").check()
        assert await page.evaluate(paper) == "rgb(246, 243, 236)"
        await page.reload()
        assert await page.evaluate(paper) == "rgb(246, 243, 236)"
        await page.get_by_role("button", name="You").click()
        await page.get_by_role("radio", name="System").check()
        assert await page.evaluate(paper) == "rgb(21, 20, 18)"


async def test_signing_out_closes_the_door(tmp_path: Path, context: BrowserContext) -> None:
    """Whoever comes back in with the password finds their pictures again."""
    async with open_web(tmp_path, password="open sesame") as web:
        page = await visit(context, web)

        async def enter() -> None:
            await page.get_by_label("Password").fill("open sesame")
            await page.keyboard.press("Enter")
            await page.locator("#fields #model").wait_for(state="attached")

        await enter()
        await ask(page, "a fox")
        await settle(page, 1)
        await page.get_by_role("button", name="You").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Password")).to_be_focused()
        assert (await page.request.get(f"{web.url}/api/jobs")).status == 401
        await enter()
        await settle(page, 1)


async def test_an_expired_session_leads_to_the_door(
    tmp_path: Path, context: BrowserContext
) -> None:
    """With another password set meanwhile, the next request asks for it; the draft is kept."""
    async with open_web(tmp_path, password="open sesame") as web:
        page = await visit(context, web)
        await page.get_by_label("Password").fill("open sesame")
        await page.keyboard.press("Enter")
        await page.locator("#fields #model").wait_for(state="attached")
        await page.get_by_label("What to paint").fill("half a thought")
        cookies = await context.cookies()
        await context.clear_cookies()
        await page.get_by_role("link", name="Gallery").click()  # it asks the server
        await expect(page.get_by_label("Password")).to_be_visible()
        await context.add_cookies(cookies)  # type: ignore[arg-type]
        await page.goto(web.url)
        await expect(page.get_by_label("What to paint")).to_have_value("half a thought")


async def test_another_tab_shows_the_same(tmp_path: Path, context: BrowserContext) -> None:
    """What is asked for in one tab, or by the API, is painted before the eyes of the other."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        other = await visit(context, web)
        await ask(page, "a fox")
        await settle(other, 1)
        answer = await page.request.post(f"{web.url}/api/sources", data=png())
        source = (await answer.json())["source"]
        await page.request.post(f"{web.url}/api/upscales", data={"source": source, "scale": 2})
        await settle(page, 2)
        await settle(other, 2)
