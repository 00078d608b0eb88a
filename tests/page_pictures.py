"""A picture of what people see on the page, made by the real server and the starter model.

`python -m tests.page_pictures FILE` writes it: the chat in a large window, and on a phone the
settings, the gallery and the big view in the dark.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.browsing import FLAGS, browser_path
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_MS = 120_000
GAP, PAPER = 28, (216, 209, 196)
PROMPTS = (
    "a sailboat on the sea in a storm --seed 3 --ar 5:3",
    "a castle in the mountains at night --seed 5",
    "a tent in a meadow at dawn with a rainbow --seed 12 --ar 3:5",
    "a hot air balloon over lavender fields at sunset --seed 4",
    "a lighthouse on the sea at sunset --seed 1 --count 4",
    "a fox in the snow under northern lights --seed 2 --upscale 2",
)


def main(file: str) -> None:
    """Paint, look, and put the looks side by side."""
    expect.set_options(timeout=PATIENCE_MS)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "data") as server,
        sync_playwright() as playwright,
    ):
        server.wait_until_ready()
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        desk = browser.new_context(viewport={"width": 1280, "height": 880}, locale="en-GB")
        page = desk.new_page()
        page.goto(server.url)
        for prompt in PROMPTS:
            page.locator("#prompt").fill(prompt)
            page.keyboard.press("Enter")
            expect(page.locator('.job[data-state="done"]').last).to_contain_text(prompt[:12])
        expect(page.locator(".hung")).to_have_count(9)
        shots = [_look(page)]
        phone = browser.new_context(
            viewport={"width": 369, "height": 880},
            locale="en-GB",
            color_scheme="dark",
            has_touch=True,
            storage_state=desk.storage_state(),
        )
        page = phone.new_page()
        page.goto(f"{server.url}/#/gallery")
        expect(page.locator(".wallpaper img.there")).to_have_count(9)
        shots.append(_look(page))
        page.locator(".wallpaper button").nth(5).click()
        expect(page.locator(".shown.there")).to_be_visible()
        shots.append(_look(page))
        browser.close()
    width = sum(shot.width for shot in shots) + GAP * (len(shots) + 1)
    sheet = Image.new("RGB", (width, shots[0].height + 2 * GAP), PAPER)
    left = GAP
    for shot in shots:
        sheet.paste(shot, (left, GAP))
        left += shot.width + GAP
    sheet.resize((sheet.width * 3 // 4, sheet.height * 3 // 4), Image.Resampling.LANCZOS).save(
        file, optimize=True
    )


def _look(page: Page) -> Image.Image:
    page.evaluate("() => Promise.all(document.getAnimations().map((each) => each.finished))")
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


if __name__ == "__main__":
    main(sys.argv[1])
