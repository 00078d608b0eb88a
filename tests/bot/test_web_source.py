"""Pictures that people bring: picked, dropped or pasted; painted from, enlarged, or read."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, FilePayload, Page, expect

from tests.bot.web_parts import open_web
from tests.browsing import ask, first, png, settle, visit

pytestmark = pytest.mark.slow

BRING = """
([bytes, type, how]) => {
  const data = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([data], "picture.png", { type }));
  const at = document.body;
  if (how === "paste") {
    at.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, bubbles: true }));
    return;
  }
  for (const name of ["dragenter", "dragover", "drop"]) {
    const facts = { dataTransfer: carried, bubbles: true, cancelable: true };
    at.dispatchEvent(new DragEvent(name, facts));
  }
}
"""


async def bring(page: Page, data: bytes, how: str, kind: str = "image/png") -> None:
    """Drop or paste a file as a browser does it."""
    await page.evaluate(BRING, [base64.b64encode(data).decode(), kind, how])


async def pick(page: Page, data: bytes) -> None:
    """Choose a file with the button."""
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Start from a picture").click()
    await (await chooser.value).set_files(
        FilePayload(name="mine.png", mimeType="image/png", buffer=data)
    )


@pytest.mark.parametrize("how", ["pick", "drop", "paste"])
async def test_a_picture_to_start_from(tmp_path: Path, context: BrowserContext, how: str) -> None:
    """However it came: it stands over the prompt, the slider says how much is repainted."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        if how == "pick":
            await pick(page, png(64, 64))
        else:
            await bring(page, png(64, 64), how)
        chosen = page.get_by_role("group", name="The picture to start from")
        await expect(chosen.get_by_role("img")).to_be_visible()
        await expect(page.get_by_label("What to paint")).to_be_focused()
        await page.get_by_label("Repaint").fill("35")
        await expect(chosen).to_contain_text("35 %")
        await ask(page, "a fox")
        await settle(page, 1)
        paint, source = web.painter.painted[0], web.painter.sources[0]
        assert paint.strength == 0.35
        assert source is not None
        assert source.getpixel((0, 0)) == (0, 128, 128)


async def test_it_stays_until_it_is_taken_away(tmp_path: Path, context: BrowserContext) -> None:
    """For the next prompts and over a reload; then pictures are painted from nothing again."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await pick(page, png())
        await expect(page.get_by_label("Repaint")).to_be_visible()
        await page.reload()
        likeness = page.get_by_role("img", name="The picture to start from")
        await expect(likeness).to_have_attribute("src", re.compile("^data:image/webp"))
        await ask(page, "a fox")
        await settle(page, 1)
        await page.get_by_role("button", name="Without this picture").click()
        await expect(page.locator("#from")).to_be_hidden()
        await ask(page, "a cat")
        await settle(page, 2)
        assert [source is None for source in web.painter.sources] == [False, True]


async def test_a_picture_of_ones_own_is_only_enlarged(
    tmp_path: Path, context: BrowserContext
) -> None:
    """One press beside it, no prompt needed; the progress counts tiles, the result is larger."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        web.painter.hold()
        await pick(page, png(40, 30))
        await page.get_by_role("button", name="Only enlarge it ×2").click()
        web.painter.step(2)
        await expect(first(page)).to_contain_text("Enlarging\u00a0· tile")
        web.painter.release()
        await settle(page, 1)
        await expect(first(page)).to_contain_text("80×60")
        await expect(first(page).locator(".prompt")).to_have_text("A picture of your own")
        await expect(first(page).get_by_role("button", name="Vary subtly")).to_have_count(0)


@pytest.mark.parametrize("how", ["drop", "paste"])
async def test_one_of_our_pictures_fills_the_form(
    tmp_path: Path, desktop: BrowserContext, how: str
) -> None:
    """Prompt, shape, steps, seed and exclusions come back out of the file; nothing is sent yet."""
    async with open_web(tmp_path) as web:
        page = await visit(desktop, web)
        await ask(page, "a fox --ar 3:2 --seed 77 --steps 9 --guidance 2.5 --no clouds")
        await settle(page, 1)
        address = await first(page).locator(".picture").get_attribute("src")
        file = await (await page.request.get(f"{web.url}{address}")).body()
        await page.get_by_role("button", name="Reset").click()
        await bring(page, file, how)
        await expect(page.get_by_label("What to paint")).to_have_value("a fox")
        await expect(page.get_by_label("Seed", exact=True)).to_have_value("77")
        await expect(page.get_by_label("Steps", exact=True)).to_have_value("9")
        await expect(page.get_by_label("Without")).to_have_value("clouds")
        await expect(page.get_by_role("radio", name="3:2")).to_be_checked()
        await expect(page.locator("#from")).to_be_hidden()
        await page.keyboard.press("Enter")
        await settle(page, 2)
        one, other = web.painter.painted
        assert one == other
        await bring(page, file, how)
        await page.get_by_role("button", name="Start from the picture instead").click()
        await expect(page.get_by_label("Repaint")).to_be_visible()


async def test_what_is_no_picture_is_refused_kindly(
    tmp_path: Path, context: BrowserContext
) -> None:
    """With the reason; what was there before stays."""
    async with open_web(tmp_path, upload_bytes=50_000) as web:
        page = await visit(context, web)
        await bring(page, b"this is not a picture", "drop")
        await expect(page.locator("#toast")).to_contain_text("PNG")
        await expect(page.locator("#from")).to_be_hidden()
        await bring(page, png() + bytes(60_000), "drop")
        await expect(page.locator("#toast")).to_contain_text("too large")


async def test_a_part_is_painted_anew(tmp_path: Path, context: BrowserContext) -> None:
    """What was drawn over with the brush, and nothing else; undone, all of it is again."""
    async with open_web(tmp_path) as web:
        page = await visit(context, web)
        await pick(page, png(64, 64))
        await page.get_by_role("button", name="Only a part …").click()
        canvas = page.get_by_label("The picture, to be drawn over")
        box = await canvas.bounding_box()
        assert box is not None
        y = box["y"] + box["height"] * 0.75
        await page.mouse.move(box["x"] + 2, y)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] - 2, y, steps=5)
        await page.mouse.up()
        await page.get_by_role("button", name="Done").click()
        part = page.get_by_role("button", name="Only what is marked")
        await expect(part).to_be_focused()
        await expect(page.locator("#from")).to_contain_text("100 %")
        await ask(page, "a fox")
        await settle(page, 1)
        source = web.painter.sources[0]
        assert source is not None
        assert source.mode == "RGBA"
        kept = source.getchannel("A").resize((1, 64))
        assert [kept.getpixel((0, y)) for y in (5, 30)] == [255, 255]
        assert kept.getpixel((0, 48)) == 0
        await part.click()
        await page.get_by_role("button", name="Undo").click()
        await canvas.press("Enter")
        await page.get_by_role("button", name="Clear").click()
        await page.get_by_role("button", name="Done").click()
        await expect(page.get_by_role("button", name="Only a part …")).to_be_visible()
        await ask(page, "a cat")
        await settle(page, 2)
        assert web.painter.painted[1].mask is None
