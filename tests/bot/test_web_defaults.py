"""Somebody's own defaults and language on the page: chosen once, holding from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, expect

from tests.bot.test_web_settings import choose
from tests.bot.web_parts import open_web
from tests.browsing import ask, settle, visit


async def test_defaults_fill_what_is_left_open(tmp_path: Path) -> None:
    """Set, read, used by this visitor alone, refused when impossible, forgotten."""
    async with open_web(tmp_path) as web, web.visitor() as ann, web.visitor() as bob:
        nothing = (await ann.get("/api/defaults")).json()
        assert set(nothing.values()) == {None}
        mine = {"width": 32, "height": 48, "steps": 7, "count": 2, "style": "ink"}
        kept = await ann.put("/api/defaults", json=mine)
        assert (kept.status_code, kept.json()) == (200, {**nothing, **mine})
        assert (await ann.get("/api/defaults")).json() == {**nothing, **mine}
        asked = (await ann.post("/api/jobs", json={"prompt": "a fox"})).json()
        assert (asked["width"], asked["height"], asked["steps"], asked["count"]) == (32, 48, 7, 2)
        asked = (await ann.post("/api/jobs", json={"prompt": "a fox", "count": 1})).json()
        assert (asked["steps"], asked["count"]) == (7, 1)
        other = (await bob.post("/api/jobs", json={"prompt": "a fox"})).json()
        assert (other["steps"], other["count"]) == (4, 1)
        for bad in ({"steps": 9000}, {"style": "none such"}, {"model": "nope"}, {"seed": 7}):
            refused = await ann.put("/api/defaults", json=bad)
            assert refused.status_code == 422, bad
        assert (await ann.get("/api/defaults")).json()["steps"] == 7
        assert (await ann.delete("/api/defaults")).status_code == 204
        assert (await ann.get("/api/defaults")).json() == nothing


async def test_a_language_that_was_chosen_holds(tmp_path: Path) -> None:
    """On pages and in answers; nonsense changes nothing; it leads to our own pages only."""
    async with open_web(tmp_path, password="x") as web, web.visitor() as visitor:
        door = {"to": "/sign-in"}
        assert "Passwort" not in (await visitor.get("/sign-in")).text
        chosen = await visitor.get("/language/de", params=door)
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/sign-in")
        assert "Passwort" in (await visitor.get("/sign-in")).text
        message = (await visitor.get("/api/me")).json()["message"]
        assert "Passwort" in message
        unknown = await visitor.get("/language/tlh", params=door)
        assert "set-cookie" not in unknown.headers
        assert "Passwort" in (await visitor.get("/sign-in")).text
        await visitor.get("/language/en", params=door)
        german = {"Accept-Language": "de"}
        assert "Passwort" not in (await visitor.get("/sign-in", headers=german)).text
        away = await visitor.get("/language/de", params={"to": "https://elsewhere.example"})
        assert away.headers["location"] == "/"


@pytest.mark.slow
async def test_the_form_keeps_defaults_and_begins_with_them(
    tmp_path: Path, desktop: BrowserContext
) -> None:
    """Kept with a press, there after a reset and elsewhere; what differs in the form wins."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await choose(page, "Shape", "2:3")
        await choose(page, "Pictures", "2")
        await page.get_by_label("Style").select_option(label="Watercolour")
        await page.get_by_label("Without").fill("clouds")
        await page.get_by_label("Seed", exact=True).fill("41")
        await page.get_by_role("button", name="Keep as my defaults").click()
        await expect(page.get_by_role("button", name="Forget my defaults")).to_be_visible()
        await page.evaluate("localStorage.clear()")  # as in another browser of theirs
        await page.reload()
        await expect(page.locator("#chosen")).to_contain_text("2:3")
        await expect(page.get_by_label("Seed", exact=True)).to_have_value("")
        await ask(page, "a fox")
        await settle(page, 2)
        await choose(page, "Shape", "1:1")
        await choose(page, "Pictures", "1")
        await page.get_by_label("Style").select_option(label="None")
        await page.get_by_label("Without").fill("")
        await ask(page, "a dog")
        await settle(page, 3)
        await page.get_by_role("button", name="Reset").click()
        await expect(page.get_by_label("Without")).to_have_value("clouds")
        await page.get_by_role("button", name="Forget my defaults").click()
        await expect(page.get_by_role("button", name="Forget my defaults")).to_have_count(0)
        await page.get_by_role("button", name="Reset").click()
        await expect(page.get_by_label("Without")).to_have_value("")
        mine, other = web.painter.painted
        assert (mine.width, mine.height, mine.count, mine.negative) == (32, 48, 2, "clouds")
        assert "watercolor" in mine.prompt
        assert (other.width, other.height, other.count, other.negative) == (32, 32, 1, "")
        assert other.prompt == "a dog"


@pytest.mark.slow
async def test_the_language_is_switched_on_the_page(
    tmp_path: Path, context: BrowserContext
) -> None:
    """The page speaks it at once, and so does whatever it is told afterwards."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await page.get_by_role("button", name="You").click()
        await page.get_by_role("link", name="Deutsch").click()
        await expect(page.get_by_role("heading", name="Was soll ich malen?")).to_be_visible()
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        await page.locator("#prompt").fill("a fox --steps 9000")
        await page.keyboard.press("Enter")
        await expect(page.locator("#refusal")).to_contain_text("Zahl der Schritte")
