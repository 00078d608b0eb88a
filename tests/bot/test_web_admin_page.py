"""The operator's view in a browser: every section, by mouse and keyboard, on a phone and a desk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.bot.admin_parts import PASSWORD, painted
from tests.bot.test_web_access import check
from tests.bot.web_parts import Parts, open_web
from tests.browsing import watched

pytestmark = pytest.mark.slow


async def come_in(context: BrowserContext, web: Parts) -> Page:
    page = await context.new_page()
    await page.goto(f"{web.url}/admin")
    await page.get_by_label("Operator’s password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Line")).to_be_visible()
    return page


async def to(page: Page, section: str) -> None:
    await page.get_by_role("link", name=section, exact=True).click()
    await expect(page.get_by_role("heading", name=section, exact=True)).to_be_visible()


async def some_life(web: Parts) -> None:
    """Somebody with a picture, a failure, a refusal, one being painted and two that wait."""
    async with web.visitor() as visitor:
        await painted(web, visitor, "a fox")

        def fail(_: object) -> None:
            raise RuntimeError("the brush broke")

        web.painter.fail = fail
        await painted(web, visitor, "a broken one")
        web.painter.fail = lambda _: None
        await visitor.post("/api/jobs", json={"prompt": "a fox", "steps": 9000})
        await web.diary.write()
        web.painter.hold()
        for prompt in ("a dog", "a cat", "a hen"):
            await visitor.post("/api/jobs", json={"prompt": prompt})
        async with asyncio.timeout(20):
            while await web.jobs.running() is None:  # noqa: ASYNC110 - a state in SQLite
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(("width", "height", "look"), [(360, 740, "light"), (1440, 900, "dark")])
async def test_axe_finds_nothing_in_any_section(
    tmp_path: Path, browser: Browser, width: int, height: int, look: str
) -> None:
    """Light on a phone, dark on a desk: each section, somebody closely, the door with its "no"."""
    async with (
        open_web(tmp_path, admin_password=PASSWORD, chats={"discord": "connected"}) as web,
        watched(browser, width=width, height=height, color_scheme=look) as context,
    ):
        await some_life(web)
        page = await context.new_page()
        await page.goto(f"{web.url}/admin")
        await page.get_by_label("Operator’s password").fill("a guess")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        await check(page, "door")
        page = await come_in(context, web)
        await expect(page.locator(".line")).to_have_count(3)
        await check(page, "line")
        await page.locator(".line").nth(1).get_by_role("button", name="Cancel").click()
        await check(page, "line, about to cancel")
        await to(page, "People")
        await page.get_by_role("button", name="Visitor").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await check(page, "somebody")
        await page.keyboard.press("Escape")
        await check(page, "people")
        await to(page, "Models")
        await expect(page.get_by_text("it is torn")).to_be_visible()
        await check(page, "models")
        await to(page, "Disk")
        await page.get_by_role("button", name="See what would go").click()
        await expect(page.get_by_text("Nothing is too old or too much.")).to_be_visible()
        await check(page, "disk")
        await to(page, "Speed")
        await expect(page.locator(".plot svg").first).to_be_visible()
        await page.get_by_text("In numbers").first.click()
        await check(page, "speed")
        await to(page, "Log")
        await expect(page.get_by_text("A value that is not possible")).to_be_visible()
        await check(page, "log")


async def test_an_operator_rules_by_keyboard(tmp_path: Path, desktop: BrowserContext) -> None:
    """Moves a job to the front, cancels one, bans its asker, and sees what was written down."""
    async with open_web(tmp_path, admin_password=PASSWORD) as web:
        await some_life(web)
        page = await come_in(desktop, web)
        rows = page.locator(".line")
        await expect(rows).to_have_count(3)
        await expect(rows.nth(0)).to_contain_text("a dog")
        await expect(rows.nth(0)).to_contain_text("now")
        await rows.nth(2).get_by_role("button", name="To the front").press("Enter")
        await expect(rows.nth(1)).to_contain_text("a hen")
        await expect(rows.nth(1).get_by_role("button", name="To the front")).to_be_disabled()
        cancel = rows.nth(2).get_by_role("button", name="Cancel")
        await cancel.press("Enter")
        await expect(rows).to_have_count(3)  # the first press only asks
        await rows.nth(2).get_by_role("button", name="Really?").press("Enter")
        await expect(rows).to_have_count(2)
        await rows.nth(1).get_by_role("button", name="Visitor").press("Enter")
        somebody = page.get_by_role("dialog")
        await somebody.get_by_label("Credits on top").fill("7")
        await page.keyboard.press("Enter")
        await expect(somebody).to_contain_text("of 57 credits")
        await somebody.get_by_label("Take nothing from them").select_option("good")
        await somebody.get_by_role("button", name="Ban").press("Enter")
        await somebody.get_by_role("button", name="Really?").press("Enter")
        await expect(somebody).to_contain_text("banned for good")
        await expect(somebody.get_by_role("button", name="Lift the ban")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(somebody).to_be_hidden()
        await to(page, "Log")
        await page.locator("label", has_text="Decisions").click()
        decided = page.locator(".incident")
        await expect(decided).to_have_count(4)
        await expect(decided.first).to_contain_text("for good")
        await page.get_by_role("link", name="Deutsch").click()
        await expect(page.get_by_role("heading", name="Schlange")).to_be_visible()
        await page.get_by_role("button", name="Abmelden").click()
        await expect(page.get_by_label("Passwort für den Betrieb")).to_be_visible()


async def test_what_happens_is_seen_at_once(tmp_path: Path, context: BrowserContext) -> None:
    """The line follows by itself, says when the server is gone, and comes back with it."""
    async with open_web(tmp_path, admin_password=PASSWORD) as web:
        page = await come_in(context, web)
        await expect(page.get_by_text("Nobody waits.")).to_be_visible()
        web.painter.hold()
        async with web.visitor() as visitor:
            await visitor.post("/api/jobs", json={"prompt": "a fox"})
            await expect(page.locator(".line")).to_contain_text("a fox")
            await page.context.set_offline(True)
            await expect(page.locator("#banner")).to_be_visible()
            await page.context.set_offline(False)
            await expect(page.locator("#banner")).to_be_hidden()
            web.painter.release()
            await expect(page.get_by_text("Nobody waits.")).to_be_visible()
            await expect(page.locator(".tiles")).to_contain_text("Pictures, 24 h1")
