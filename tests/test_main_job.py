"""The main job as a newcomer has it: the real process, the real model, a real browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browsing import FLAGS, browser_path
from tests.serving import Serving, serving

pytestmark = pytest.mark.slow

PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One Atelier for all who need none of their own; it warms up while the first comes in."""
    with serving(tmp_path_factory.mktemp("house") / "data") as server:
        yield server


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def _ask(page: Page, words: str) -> None:
    page.locator("#prompt").fill(words)
    page.keyboard.press("Enter")


def _cookies(page: Page) -> dict[str, str]:
    return {str(c["name"]): str(c["value"]) for c in page.context.cookies()}


def test_prompt_preview_picture(page: Page, house: Serving) -> None:
    """A newcomer types a prompt, is answered while the engine warms up, sees it grow, has it."""
    page.goto(house.url)
    _ask(page, "a lighthouse on the sea at sunset --steps 30 --seed 7")
    card = page.locator(".job")
    expect(card).to_contain_text("first in line")
    page.wait_for_selector(".job img.preview", state="attached")
    expect(card).to_have_attribute("data-state", "done", timeout=PATIENCE_MS)
    picture = card.locator("img.picture")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 256
    expect(card).to_contain_text("7")
    address = str(picture.get_attribute("src"))
    data = httpx.get(house.url + address, cookies=_cookies(page)).content
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (256, 256)
        assert "a lighthouse on the sea at sunset" in str(image.info["parameters"])
    assert httpx.get(house.url + address).status_code == 404  # somebody else
    assert httpx.get(f"{house.url}/healthz").json()["engine"] == "ready"


def test_kill_and_restart_in_the_middle(page: Page, tmp_path: Path) -> None:
    """The process dies with jobs waiting; the open page comes back and gets its pictures."""
    with serving(tmp_path / "data") as server:
        server.wait_until_ready()
        page.goto(server.url)
        for number in range(3):
            _ask(page, f"a castle at night --steps 20 --count 2 --seed {number}")
            expect(page.locator(".job")).to_have_count(number + 1)
        page.wait_for_selector('.job[data-state="running"]')
        server.kill()
        server.start()
        expect(page.locator('.job[data-state="done"]')).to_have_count(3, timeout=PATIENCE_MS)
        expect(page.locator("img.picture")).to_have_count(6)
        page.reload()
        expect(page.locator("img.picture")).to_have_count(6)


def test_cancel_while_waiting_and_while_painting(page: Page, house: Serving) -> None:
    """Both end at once; what waited costs nothing, what was painted its share."""
    house.wait_until_ready()
    page.goto(house.url)
    _ask(page, "the sea --steps 30 --count 4")
    page.wait_for_selector('.job[data-state="running"]')
    _ask(page, "the desert --steps 30 --count 4")
    cards = page.locator(".job")
    expect(cards).to_have_count(2)
    cards.nth(1).get_by_role("button", name="Cancel").click()
    expect(cards.nth(1)).to_have_attribute("data-state", "cancelled")
    cards.nth(0).get_by_role("button", name="Cancel").click()
    expect(cards.nth(0)).to_have_attribute("data-state", "cancelled")
    used = httpx.get(f"{house.url}/api/me", cookies=_cookies(page)).json()["used"]
    assert 0 < used < 15  # four pictures of 30 steps would cost 15


def test_refused_by_quota(page: Page, tmp_path: Path) -> None:
    """Over budget: a kind sentence with the number and the time, and the words stay."""
    with serving(tmp_path / "data", ATELIER_BUDGET="1.5") as server:
        page.goto(server.url)
        _ask(page, "a fox in the forest")
        expect(page.locator(".job")).to_have_count(1)
        _ask(page, "another fox")
        refusal = page.get_by_role("alert")
        expect(refusal).to_be_visible()
        expect(refusal).to_contain_text("1.5")
        expect(page.locator("#prompt")).to_have_value("another fox")
        expect(page.locator(".job")).to_have_count(1)


def test_nothing_on_the_page_comes_from_elsewhere(page: Page, house: Serving) -> None:
    """Every request of the page and of the API's description stays on this server."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/docs"):
        page.goto(house.url + path)
        page.wait_for_load_state("networkidle" if path == "/docs" else "load")
    assert len(asked) > 5
    foreign = [u for u in asked if not u.startswith((house.url, "data:", "blob:"))]
    assert foreign == []


def test_a_phone_shows_it_all(browser: Browser, house: Serving) -> None:
    """At 360 pixels nothing sticks out sideways, and the picture fits."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="de-DE")
    page = context.new_page()
    page.goto(house.url)
    _ask(page, "a windmill in a meadow --count 4 --steps 4")
    expect(page.locator("img.picture")).to_have_count(4, timeout=PATIENCE_MS)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    assert page.locator("html").get_attribute("lang") == "de"
    context.close()


def test_two_people_take_turns(house: Serving) -> None:
    """Somebody who queues five does not make somebody who asks once wait for all five."""
    assert _finishing_order(house).index("guest") <= 2


def _finishing_order(server: Serving) -> list[str]:
    with (
        httpx.Client(base_url=server.url, timeout=30) as many,
        httpx.Client(base_url=server.url, timeout=30) as guest,
    ):
        for _ in range(4):
            assert many.post("/api/jobs", json={"prompt": "hills"}).status_code == 202
        job = guest.post("/api/jobs", json={"prompt": "the sea"}).json()["id"]
        ends: list[tuple[str, str]] = []
        while len(ends) < 5:
            found = many.get("/api/jobs").json()["jobs"]
            mine = guest.get(f"/api/jobs/{job}").json()
            ends = [(j["finished_at"], "many") for j in found if j["finished_at"]]
            ends += [(mine["finished_at"], "guest")] if mine["finished_at"] else []
        return [who for _, who in sorted(ends)]
