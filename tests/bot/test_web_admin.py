"""The operator's view over HTTP: its door, what it tells, what can be decided there."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.desk.texts import LANGUAGES
from bot.desk.texts.page import admin_messages, page_messages
from bot.on_web.admin_door import COOKIE, LASTS_S, AdminDoor
from engine.errors import Refusal
from tests.bot.admin_parts import ASKED, PASSWORD, folder, operator, painted
from tests.bot.web_parts import Parts, open_web

STATIC = Path(__file__).parents[2] / "bot" / "on_web" / "static"
SEES = ("now", "queue", "people", "people/1", "models", "disk", "hours", "log", "decisions")


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Parts]:
    async with open_web(tmp_path, admin_password=PASSWORD, password="visitors", budget=20) as parts:
        yield parts


@pytest.fixture
async def visitor(web: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody on the page, who knows the visitors' password."""
    async with web.visitor() as client:
        await client.post("/sign-in", data={"password": "visitors"})
        yield client


@pytest.fixture
async def boss(web: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with operator(web) as client:
        yield client


async def held(web: Parts, visitor: httpx.AsyncClient, *prompts: str) -> list[str]:
    """The ids of jobs of which the first is being painted, and stays so."""
    web.painter.hold()
    ids = [
        (await visitor.post("/api/jobs", json={"prompt": each})).json()["id"] for each in prompts
    ]
    async with asyncio.timeout(20):
        while await web.jobs.running() is None:  # noqa: ASYNC110 - a state in SQLite
            await asyncio.sleep(0.01)
    return ids


async def number_of(web: Parts, job: str) -> int:
    return (await web.jobs.get(job)).person


# The door


async def test_nothing_of_it_is_open_to_visitors(web: Parts, visitor: httpx.AsyncClient) -> None:
    """Neither the visitors' password nor their cookie opens the view or one of its routes."""
    assert (await visitor.get("/admin")).headers["location"] == "/admin/sign-in"
    assert (await visitor.get("/admin/sign-in")).status_code == 200
    wrong = await visitor.post("/admin/sign-in", data={"password": "visitors"})
    assert (wrong.status_code, COOKIE in wrong.headers.get("set-cookie", "")) == (401, False)
    for path in SEES:
        assert (await visitor.get(f"/admin/api/{path}", headers=ASKED)).status_code == 401, path
    gone = await visitor.post("/admin/api/queue/cancel", headers=ASKED)
    assert (gone.status_code, gone.json()["code"]) == (401, "sign_in_needed")


async def test_the_operators_password_is_none_of_the_page(web: Parts) -> None:
    """Who is in the admin view is no visitor: the page asks them for its own password."""
    async with operator(web) as boss:
        assert (await boss.get("/admin")).status_code == 200
        assert (await boss.get("/")).headers["location"] == "/sign-in"
        wrong = await boss.post("/sign-in", data={"password": PASSWORD})
        assert wrong.status_code == 401


async def test_without_a_password_there_is_no_view(tmp_path: Path) -> None:
    """It says how to get one, and the routes are not there."""
    async with open_web(tmp_path) as web, web.visitor() as visitor:
        closed = await visitor.get("/admin")
        assert closed.status_code == 404
        assert "ATELIER_ADMIN_PASSWORD" in closed.text
        assert (await visitor.post("/admin/sign-in", data={"password": ""})).status_code == 404
        assert (await visitor.get("/admin/api/now", headers=ASKED)).status_code == 404


async def test_passwords_cannot_be_tried_out(web: Parts) -> None:
    """After five wrong ones the address waits, even with the right one, and the log tells."""
    async with web.visitor() as thief:
        for guess in range(5):
            answer = await thief.post("/admin/sign-in", data={"password": f"guess {guess}"})
            assert answer.status_code == 401
        answer = await thief.post("/admin/sign-in", data={"password": PASSWORD})
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 300
        assert "set-cookie" not in answer.headers


async def test_other_sites_neither_see_nor_decide(web: Parts, boss: httpx.AsyncClient) -> None:
    """Without the header of our scripts, or from another origin, the cookie alone does nothing."""
    bare = httpx.AsyncClient(base_url=web.url, cookies=boss.cookies)
    async with bare:
        assert (await bare.get("/admin/api/now")).status_code == 403
        assert (await bare.post("/admin/api/queue/cancel")).status_code == 403
        for headers in ({"Origin": "https://x.example"}, {"Sec-Fetch-Site": "cross-site"}):
            asked = await bare.post("/admin/api/queue/cancel", headers={**ASKED, **headers})
            assert (asked.status_code, asked.json()["code"]) == (403, "other_site")
        seen = await bare.get("/admin/api/now", headers={**ASKED, "Sec-Fetch-Site": "cross-site"})
        assert seen.status_code == 403


async def test_the_cookie_is_the_views_alone(web: Parts) -> None:
    """It goes to the view only, is read by no script, and follows no link from elsewhere."""
    async with web.visitor() as client:
        answer = await client.post("/admin/sign-in", data={"password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        for part in ("Path=/admin", "HttpOnly", "SameSite=Strict", f"Max-Age={LASTS_S}"):
            assert part in cookie
        assert "atelier_person" not in cookie


async def test_signing_out_ends_the_session_everywhere(web: Parts, boss: httpx.AsyncClient) -> None:
    """A copy of the cookie is worth nothing afterwards."""
    async with httpx.AsyncClient(base_url=web.url, headers=ASKED, cookies=boss.cookies) as copy:
        assert (await copy.get("/admin/api/now")).status_code == 200
        await boss.post("/admin/sign-out")
        assert (await boss.get("/admin/api/now")).status_code == 401
        assert (await copy.get("/admin/api/now")).status_code == 401


def test_a_session_ends_by_itself_and_with_the_password() -> None:
    """After half a day, with another password, and when it was forged or belongs to a visitor."""
    door = AdminDoor(secret=b"k" * 32, password="one")
    cookie = door.enter(secure=True)
    header = cookie.partition(";")[0]
    assert "; Secure" in cookie
    assert door.is_open(header)
    assert not AdminDoor(secret=b"k" * 32, password="two").is_open(header)
    assert not AdminDoor(secret=b"x" * 32, password="one").is_open(header)
    assert not door.is_open(f"{header}x")
    assert not door.is_open("")


# The line


async def test_the_line_is_told_in_order(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """What is painted stands first, with its share; then those that wait, with their words."""
    ids = await held(web, visitor, "a fox", "a dog", "a cat")
    web.painter.step(2)
    async with asyncio.timeout(20):
        while True:
            rows = (await boss.get("/admin/api/queue")).json()
            if rows[0]["share"]:
                break
            await asyncio.sleep(0.01)
    assert [row["id"] for row in rows] == ids
    assert [row["position"] for row in rows] == [0, 1, 2]
    assert [row["prompt"] for row in rows] == ["a fox", "a dog", "a cat"]
    assert (0 < rows[0]["share"] < 1, rows[0]["platform"]) == (True, "web")
    now = (await boss.get("/admin/api/now")).json()
    assert (now["painting"], now["waiting"], now["oldest_s"] >= 0) == (True, 2, True)


async def test_a_job_can_be_the_next_or_the_last(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """It moves in the line, people see their new position, and it is written down."""
    ids = await held(web, visitor, "one", "two", "three", "four")

    async def order() -> list[str]:
        rows = (await boss.get("/admin/api/queue")).json()
        return [row["id"] for row in rows]

    assert (await boss.post(f"/admin/api/jobs/{ids[3]}/first")).status_code == 204
    assert await order() == [ids[0], ids[3], ids[1], ids[2]]
    assert (await visitor.get(f"/api/jobs/{ids[3]}")).json()["position"] == 1
    assert (await boss.post(f"/admin/api/jobs/{ids[2]}/first")).status_code == 204
    assert await order() == [ids[0], ids[2], ids[3], ids[1]]
    assert (await boss.post(f"/admin/api/jobs/{ids[2]}/last")).status_code == 204
    assert await order() == [ids[0], ids[3], ids[1], ids[2]]
    assert (await boss.post(f"/admin/api/jobs/{ids[0]}/last")).status_code == 204  # is painted
    web.painter.release()
    async with asyncio.timeout(20):
        while not (await web.jobs.get(ids[2])).state.final:  # noqa: ASYNC110 - a state in SQLite
            await asyncio.sleep(0.01)
    painted_as = [paint.prompt for paint in web.painter.painted]
    assert painted_as == ["one", "four", "two", "three"]
    words = [each["words"] for each in (await boss.get("/admin/api/decisions")).json()]
    assert words[-1] == f"Operator moved job `{ids[3]}` to the front."
    assert len(words) == 3


async def test_jobs_are_cancelled_one_by_one_all_or_those_of_somebody(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """Waiting and painted ones alike; what is over already does no harm; what is not there, 404."""
    one, two, three = await held(web, visitor, "one", "two", "three")
    assert (await boss.post(f"/admin/api/jobs/{two}/cancel")).status_code == 204
    assert (await boss.post(f"/admin/api/jobs/{two}/cancel")).status_code == 204
    assert (await visitor.get(f"/api/jobs/{two}")).json()["state"] == "cancelled"
    person = await number_of(web, one)
    web.painter.release()
    gone = await boss.post(f"/admin/api/people/{person}/cancel")
    assert gone.json() == {"count": 2}
    assert (await web.jobs.get(three)).state == "cancelled"
    assert (await boss.post("/admin/api/queue/cancel")).json() == {"count": 0}
    assert (await boss.post("/admin/api/jobs/nothing/cancel")).status_code == 404
    assert (await boss.post("/admin/api/jobs/nothing/first")).status_code == 404


# People


async def test_people_are_listed_found_and_looked_at(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """Who was here lately with what they used; by number; never with the name of their cookie."""
    job = await painted(web, visitor, "a fox")
    person = await number_of(web, job)
    lately = (await boss.get("/admin/api/people")).json()
    assert [each["id"] for each in lately["people"]] == [person]
    assert lately["more"] is False
    found = (await boss.get("/admin/api/people", params={"words": f"#{person}"})).json()["people"]
    assert [each["id"] for each in found] == [person]
    for words in ("nobody at all", "%", "_"):
        none = (await boss.get("/admin/api/people", params={"words": words})).json()["people"]
        assert person not in [each["id"] for each in none]
    close = (await boss.get(f"/admin/api/people/{person}")).json()
    assert close["row"]["used"] == 1
    assert close["row"]["budget"] == 20
    assert close["pictures"] == 1
    assert [each["id"] for each in close["recent"]] == [job]
    external = (await web.people.get(person)).external
    assert len(external) > 10
    for path in (*SEES, f"people/{person}"):
        assert external not in (await boss.get(f"/admin/api/{path}")).text, path
    assert (await boss.get("/admin/api/people/99999")).status_code == 404
    assert (await boss.get(f"/admin/api/people/{2**70}")).status_code == 422


async def test_bans_hold_at_once_and_are_lifted(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """For a while or for good; the banned are listed; nonsense is refused."""
    person = await number_of(web, await painted(web, visitor, "a fox"))
    for bad in (0, -5, 1e12, "x"):
        nonsense = await boss.post(f"/admin/api/people/{person}/ban", json={"seconds": bad})
        assert nonsense.status_code == 422, bad
    banned = await boss.post(f"/admin/api/people/{person}/ban", json={"seconds": 3600})
    assert banned.json()["row"]["banned"] is True
    assert banned.json()["row"]["banned_until"] is not None
    refused = await visitor.post("/api/jobs", json={"prompt": "a dog"})
    assert (refused.status_code, refused.json()["code"]) == (403, "banned")
    forever = await boss.post(f"/admin/api/people/{person}/ban", json={"seconds": None})
    assert (forever.json()["row"]["banned"], forever.json()["row"]["banned_until"]) == (True, None)
    listed = (await boss.get("/admin/api/people", params={"banned": True})).json()["people"]
    assert [each["id"] for each in listed] == [person]
    lifted = await boss.post(f"/admin/api/people/{person}/unban")
    assert lifted.json()["row"]["banned"] is False
    assert (await visitor.post("/api/jobs", json={"prompt": "a dog"})).status_code == 202
    assert (await boss.get("/admin/api/people", params={"banned": True})).json()["people"] == []


async def test_somebody_of_a_chat_is_decided_about_as_well(
    web: Parts, boss: httpx.AsyncClient
) -> None:
    """The operator of the page decides about people of every platform, and finds them by name."""
    ann = (await web.studio.asker("discord", "4711", place="1", name="Ann_100%")).person
    for words in ("nn_100%", "4711"):
        found = (await boss.get("/admin/api/people", params={"words": words})).json()["people"]
        assert [(each["id"], each["external"]) for each in found] == [(ann.id, "4711")]
    await boss.post(f"/admin/api/people/{ann.id}/ban", json={"seconds": None})
    again = await web.studio.asker("discord", "4711", place="1")
    assert again.person.banned_until == float("inf")
    words = (await boss.get("/admin/api/decisions")).json()[0]["words"]
    assert words == "Operator banned Ann_100% for good."


async def test_credits_and_budgets(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """A gift is on top, a budget of one's own instead, and what was used can be forgotten."""
    person = await number_of(web, await painted(web, visitor, "a fox"))

    async def mine() -> tuple[float, float]:
        told = (await visitor.get("/api/me")).json()
        return told["used"], told["budget"]

    given = await boss.post(f"/admin/api/people/{person}/give", json={"credits": 5})
    assert given.json()["row"]["budget"] == 25
    assert await mine() == (1, 25)
    own = await boss.post(f"/admin/api/people/{person}/budget", json={"credits": 2})
    assert own.json()["row"]["own_budget"] == 2
    assert await mine() == (1, 7)
    await boss.post(f"/admin/api/people/{person}/budget", json={"credits": None})
    await boss.post(f"/admin/api/people/{person}/reset")
    assert await mine() == (0, 25)
    for bad in (0, -1, 1e9, None, "many"):
        nonsense = await boss.post(f"/admin/api/people/{person}/give", json={"credits": bad})
        assert nonsense.status_code == 422, bad


# Models, disk, hours


async def test_models_are_told_with_what_is_wrong(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """The default first, guessed speed until one was measured, broken ones with their reason."""
    before = {each["name"]: each for each in (await boss.get("/admin/api/models")).json()}
    assert next(iter(before)) == "squares"
    assert (before["squares"]["default"], before["squares"]["measured"]) == (True, False)
    assert (before["squares"]["resident"], before["plain"]["resident"]) == (True, False)
    assert before["torn"]["broken"] == "it is torn"
    assert before["worn"]["broken"] == "it is worn"
    assert before["crisp"]["kind"] == "upscaler"
    await painted(web, visitor, "a fox")
    async with asyncio.timeout(20):
        while True:
            rows = {each["name"]: each for each in (await boss.get("/admin/api/models")).json()}
            if rows["squares"]["measured"]:
                break
            await asyncio.sleep(0.01)
    assert rows["squares"]["pictures"] == 1


async def test_the_disk_is_told_and_tidied(
    tmp_path: Path, web: Parts, boss: httpx.AsyncClient
) -> None:
    """What takes how much; a dry look deletes nothing; the real one does, and is written down."""
    folder(tmp_path, "models/big/x.bin", 300_000)
    folder(tmp_path, "atelier.sqlite.before-0001", 50_000)
    disk = (await boss.get("/admin/api/disk")).json()
    rooms = {room["name"]: room for room in disk["rooms"]}
    assert rooms["models"]["bytes"] == 300_000
    assert rooms["copies"]["bytes"] == 50_000
    assert rooms["database"]["bytes"] > 0
    assert rooms["pictures"]["limit"] == 20e9
    assert 0 < disk["free"] <= disk["total"]
    old = tmp_path / "atelier.sqlite.before-0001"
    os.utime(old, (0, 0))
    could = (await boss.post("/admin/api/disk/tidy", params={"dry": True})).json()
    assert {each["kind"]: each["bytes"] for each in could}["copies"] == 50_000
    assert old.exists()
    await boss.post("/admin/api/disk/tidy")
    assert not old.exists()
    words = (await boss.get("/admin/api/decisions")).json()[0]["words"]
    assert "0.1 MB" in words
    rooms = {r["name"]: r for r in (await boss.get("/admin/api/disk")).json()["rooms"]}
    assert rooms["copies"]["bytes"] == 0


async def test_hours_say_how_it_went(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """Pictures, failures and cancelled jobs of this hour, with how long they took."""
    await painted(web, visitor, "a fox")

    def fail(_: object) -> None:
        raise RuntimeError("the brush broke")

    web.painter.fail = fail
    await painted(web, visitor, "a broken one")
    web.painter.fail = lambda _: None
    for span in ("day", "week", "month", "year"):
        told = (await boss.get("/admin/api/hours", params={"span": span})).json()
        assert sum(hour["done"] for hour in told) == 1
        assert sum(hour["failed"] for hour in told) == 1
        assert sum(hour["pictures"] for hour in told) == 1
        assert sum(hour["painted_s"] for hour in told) > 0
        assert {hour["model"] for hour in told} == {"squares"}
    assert (await boss.get("/admin/api/hours", params={"span": "eon"})).status_code == 422


# The log


async def test_refusals_are_written_down(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """The same ones as one, with the limit that was met, without a word of the prompt."""
    for _ in range(3):
        await visitor.post("/api/jobs", json={"prompt": "a secret wish", "steps": 9000})
    await web.diary.write()
    told = (await boss.get("/admin/api/log")).json()["incidents"]
    assert [(each["code"], each["times"], each["platform"]) for each in told] == [
        ("invalid_request", 3, "web")
    ]
    assert "50" in told[0]["detail"]
    assert "secret" not in str(told)
    assert (await boss.get("/admin/api/log", params={"kind": "failed"})).json()["incidents"] == []
    assert (await boss.get("/admin/api/log", params={"kind": "odd"})).status_code == 422


async def test_who_is_forgotten_leaves_the_log(
    web: Parts, visitor: httpx.AsyncClient, boss: httpx.AsyncClient
) -> None:
    """Nothing in it is about them any more."""
    await painted(web, visitor, "a fox")
    await visitor.post("/api/jobs", json={"prompt": "a fox", "steps": 9000})
    await web.diary.write()
    assert (await boss.get("/admin/api/log")).json()["incidents"]
    await visitor.post("/api/forget")
    assert (await boss.get("/admin/api/log")).json()["incidents"] == []


# The words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_there_in_every_language(language: str) -> None:
    """The same keys, each with the same gaps; none of them hides one of the page's."""

    def gaps(messages: dict[str, str]) -> dict[str, set[str]]:
        return {key: set(re.findall(r"\{\w+\}", words)) for key, words in messages.items()}

    mine = dict(admin_messages(language))
    assert gaps(mine) == gaps(dict(admin_messages("en")))
    page = page_messages(language)
    assert {key: words for key, words in mine.items() if key in page} == page


def test_every_word_that_is_asked_for_exists() -> None:
    """In the scripts and pages of the view; and every reason for a refusal has its word."""
    known = admin_messages("en").keys()
    asked = set()
    for file in (STATIC / "admin").glob("*.js"):
        asked |= set(re.findall(r"(?:say|many)\(\s*\"([\w.]+)\"", file.read_text(encoding="utf-8")))
    for file in (STATIC / "admin").glob("*.html"):
        asked |= set(re.findall(r"(?<!\{)\{\{([\w.]+)\}\}", file.read_text(encoding="utf-8")))
    assert len(asked) > 60
    assert asked - {"lang", "problem"} <= known
    never = {"already_running", "newer_database", "old_sqlite"}  # said before anybody is there

    def codes(kind: type[Refusal]) -> set[str]:
        return {kind.code}.union(*(codes(each) for each in kind.__subclasses__()))

    assert {f"why.{code}" for code in codes(Refusal) - never} <= known
