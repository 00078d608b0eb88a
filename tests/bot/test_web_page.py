"""The page in a real browser: prompt, preview, picture; cancel; refusal; reload; reconnect."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Route, expect

from bot.desk.texts import LANGUAGES
from bot.desk.texts.page import page_messages
from tests.bot.web_parts import open_web
from tests.browsing import ask, visit
from tests.serving import free_port

pytestmark = pytest.mark.slow


async def test_a_prompt_is_painted_before_ones_eyes(
    tmp_path: Path, context: BrowserContext
) -> None:
    """Waiting, first in line, a preview while it is painted, then the picture, all in one frame."""
    async with open_web(tmp_path, cold=True) as web:
        web.painter.hold()
        page = await visit(context, web)
        await expect(page.get_by_role("heading", name="What shall I paint?")).to_be_visible()
        await ask(page, "a fox --ar 3:2 --seed 7")
        job = page.locator(".job")
        await expect(job.locator(".prompt")).to_have_text("a fox")
        await expect(job).to_contain_text("Warming up, you are first in line")
        await expect(page.get_by_label("What to paint")).to_have_value("")
        place = await job.locator(".frame").bounding_box()
        below = await job.locator(".foot").evaluate("e => e.parentElement.offsetHeight")
        web.painter.warm_up.set()
        web.painter.step(2)
        await expect(job).to_contain_text("Painting")
        preview = job.locator(".preview")
        await expect(preview).to_have_attribute("src", re.compile("^data:image/webp"))
        assert await preview.evaluate("image => image.decode().then(() => image.naturalWidth)") == 8
        web.painter.release()
        picture = page.get_by_role("img", name="Painted: a fox")
        await expect(picture).to_be_visible()
        assert (
            await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 48
        )
        await expect(job).to_contain_text("squares · 48×32 · 4 steps · seed 7")
        await expect(job.get_by_role("button", name="Cancel")).to_have_count(0)
        assert await job.locator(".frame").bounding_box() == place
        assert await job.evaluate("e => e.offsetHeight") == below
        await expect(page.locator("#budget")).to_contain_text("of 50 credits left")
        await expect(page.locator("#live")).to_have_text("Your picture is ready: a fox")


async def test_several_jobs_at_once_and_one_cancelled(
    tmp_path: Path, context: BrowserContext
) -> None:
    """Each has its place in line; a cancelled one leaves it and the others move up."""
    async with open_web(tmp_path, cold=True) as web:
        page = await visit(context, web)
        for prompt in ("a fox", "a cat", "a dog --count 2"):
            await ask(page, prompt)
        jobs = page.locator(".job")
        await expect(jobs.nth(2)).to_contain_text("number 3 in line")
        await jobs.nth(1).get_by_role("button", name="Cancel").click()
        await expect(jobs.nth(1)).to_contain_text("Cancelled. It has cost you nothing.")
        await expect(jobs.nth(2)).to_contain_text("number 2 in line")
        web.painter.warm_up.set()
        await expect(page.locator(".hung")).to_have_count(3)
        await expect(page.locator(".job[data-state=cancelled] .frame")).to_have_count(0)


async def test_a_painting_is_cancelled_within_a_step(
    tmp_path: Path, context: BrowserContext
) -> None:
    """What was painted stays charged, and the page says so."""
    async with open_web(tmp_path) as web:
        web.painter.hold()
        page = await visit(context, web)
        await ask(page, "a fox")
        web.painter.step(2)
        await expect(page.locator(".preview")).to_be_attached()
        async with page.expect_response("**/cancel"):  # from then on the next step is the last
            await page.get_by_role("button", name="Cancel").click()
        web.painter.step()
        await expect(page.locator(".job")).to_contain_text("What was painted already has cost")


async def test_an_answer_to_cancel_that_comes_late_changes_nothing(
    tmp_path: Path, context: BrowserContext
) -> None:
    """It says "running" of a job of which the stream has told its end meanwhile."""
    held = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        assert (await answer.json())["state"] == "running"
        web.painter.step()
        await held.wait()
        await route.fulfill(response=answer)

    async with open_web(tmp_path) as web:
        web.painter.hold()
        page = await visit(context, web)
        await page.route("**/cancel", late)
        await ask(page, "a fox")
        web.painter.step(2)
        await expect(page.locator(".preview")).to_be_attached()
        job = page.locator(".job")
        async with page.expect_response("**/cancel"):
            await page.get_by_role("button", name="Cancel").click()
            await expect(job).to_have_attribute("data-state", "cancelled")
            held.set()
        await expect(page.locator("#budget")).to_contain_text("of 50 credits left")
        await expect(job).to_have_attribute("data-state", "cancelled")
        await expect(job).to_contain_text("What was painted already has cost")


async def test_a_refusal_is_friendly_and_keeps_the_words(
    tmp_path: Path, context: BrowserContext
) -> None:
    """Out of credits: the number, the time when it fits again, and the prompt is still there."""
    async with open_web(tmp_path, budget=1.0) as web:
        page = await visit(context, web)
        await ask(page, "a fox")
        await expect(page.locator(".hung")).to_have_count(1)
        await ask(page, "a cat")
        refusal = page.get_by_role("alert")
        await expect(refusal).to_contain_text("1 of your 1 credits a day are used")
        await expect(refusal).to_contain_text(re.compile(r"(tomorrow )?at \d\d:\d\d"))
        await expect(page.get_by_label("What to paint")).to_have_value("a cat")
        await expect(page.locator(".job")).to_have_count(1)
        await expect(page.locator("#budget")).to_contain_text("0 of 1 credits left")
        await page.get_by_role("button", name="Close").click()
        await expect(refusal).to_be_hidden()
        await ask(page, "a cat --sede 3")
        await expect(refusal).to_contain_text("Did you mean --seed?")


async def test_a_reload_shows_the_history(tmp_path: Path, context: BrowserContext) -> None:
    """Oldest on top as in a chat, an unfinished job goes on; older pages come on request."""
    async with open_web(tmp_path, waiting_per_person=50) as web:
        page = await visit(context, web)
        for number in range(22):
            answer = await page.request.post(
                f"{web.url}/api/jobs", data={"prompt": f"fox {number}", "steps": 1}
            )
            assert answer.ok
        await page.reload()
        await expect(page.locator(".job")).to_have_count(20)
        web.painter.hold()
        await ask(page, "the newest")
        await expect(page.locator(".prompt").last).to_have_text("the newest")
        await page.reload()
        await expect(page.locator(".prompt").last).to_have_text("the newest")
        web.painter.release()
        await expect(page.locator(".job").last.locator(".hung")).to_have_count(1)
        await page.get_by_role("button", name="Earlier pictures").click()
        await expect(page.locator(".job")).to_have_count(23)
        await expect(page.locator(".prompt").first).to_have_text("fox 0")
        await expect(page.get_by_role("button", name="Earlier pictures")).to_be_hidden()


async def test_again_download_and_delete(tmp_path: Path, context: BrowserContext) -> None:
    """Again paints the same with a new seed; delete asks once more; both survive a reload."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await ask(page, "a fox --ar 3:2 --no clouds --guidance 2 --steps 3 --style watercolor")
        first = page.locator(".job").first
        await expect(first).to_contain_text("3 steps · seed 1")
        await first.get_by_role("button", name="Again").click()
        second = page.locator(".job").nth(1)
        await expect(second).to_contain_text("squares · 48×32 · 3 steps · seed 2")
        assert web.painter.painted[1].prompt == web.painter.painted[0].prompt
        assert web.painter.painted[1].negative == "clouds"
        assert web.painter.painted[1].guidance == 2.0
        async with page.expect_download() as download:
            await first.get_by_role("link", name="Download").click()
        assert (await download.value).suggested_filename.endswith(".png")
        await first.get_by_role("button", name="More to do").click()
        await first.get_by_role("button", name="Delete").click()
        await first.get_by_role("button", name="Delete for good?").click()
        await expect(first).to_contain_text("Deleted.")
        await page.reload()
        await expect(page.locator(".job").first).to_contain_text("Deleted.")
        await expect(page.locator(".hung")).to_have_count(1)


async def test_a_restart_of_the_server_in_the_middle(
    tmp_path: Path, context: BrowserContext
) -> None:
    """The page says that the connection is lost, returns by itself, and the job ends well."""
    port = free_port()
    async with open_web(tmp_path, port=port) as web:
        web.painter.hold()
        page = await visit(context, web)
        await ask(page, "a fox")
        web.painter.step(1)
        await expect(page.locator(".preview")).to_be_attached()
    await expect(page.locator("#banner")).to_be_visible()
    async with open_web(tmp_path, port=port):
        await expect(page.locator("#banner")).to_be_hidden(timeout=20_000)
        await expect(page.locator(".hung")).to_have_count(1)


async def test_a_failure_says_sorry(tmp_path: Path, context: BrowserContext) -> None:
    """With the job's number; trying again is one press away."""

    def fail(_: object) -> None:
        raise RuntimeError("the brush broke")

    async with open_web(tmp_path) as web:
        web.painter.fail = fail
        page = await visit(context, web)
        await page.get_by_role("button", name="a lighthouse on the sea at sunset").click()
        await expect(page.locator(".job")).to_contain_text("Sorry")
        await expect(page.get_by_role("button", name="Again")).to_be_visible()


async def test_signing_in(tmp_path: Path, context: BrowserContext) -> None:
    """The door works by keyboard and leads to the page."""
    async with open_web(tmp_path, password="open sesame") as web:
        page = await visit(context, web)
        await page.get_by_label("Password").fill("please")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        await page.get_by_label("Password").fill("open sesame")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="What shall I paint?")).to_be_visible()


async def test_the_reference_of_the_api(tmp_path: Path, context: BrowserContext) -> None:
    """/docs shows the routes with nothing from elsewhere."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await page.goto(f"{web.url}/docs")
        await expect(page.get_by_role("heading", name="POST /api/jobs", exact=True)).to_be_visible()


async def test_the_page_speaks_german(tmp_path: Path, browser: Browser) -> None:
    """By the language of the browser."""
    async with open_web(tmp_path) as web:
        context = await browser.new_context(locale="de-DE")
        page = await visit(context, web)
        await expect(page.get_by_role("heading", name="Was soll ich malen?")).to_be_visible()
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        await context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence(language: str) -> None:
    """With the same gaps to fill."""

    def gaps(messages: dict[str, str]) -> dict[str, set[str]]:
        return {key: set(re.findall(r"\{\w+\}", words)) for key, words in messages.items()}

    assert gaps(dict(page_messages(language))) == gaps(dict(page_messages("en")))


def test_every_sentence_of_the_scripts_is_there() -> None:
    """What the scripts and pages ask for by key exists."""
    static = Path(__file__).parents[2] / "bot" / "on_web" / "static"
    asked = set()
    for file in static.glob("*.js"):
        asked |= set(re.findall(r"say\(\s*\"([\w.]+)\"", file.read_text(encoding="utf-8")))
    for file in static.glob("*.html"):
        asked |= set(re.findall(r"(?<!\{)\{\{([\w.]+)\}\}", file.read_text(encoding="utf-8")))
    assert len(asked) > 30
    assert asked - {"lang", "problem"} <= page_messages("en").keys()
