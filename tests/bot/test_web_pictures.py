"""The routes of pictures: the gallery, small pictures, keeping, enlarging, being forgotten."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.bot.web_parts import Parts, open_web
from tests.browsing import png

Facts = dict[str, Any]


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Parts]:
    async with open_web(tmp_path, pins=2) as parts:
        yield parts


@pytest.fixture
async def ann(web: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with web.visitor() as visitor:
        yield visitor


@pytest.fixture
async def bob(web: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with web.visitor() as visitor:
        yield visitor


async def over(visitor: httpx.AsyncClient, answer: httpx.Response) -> Facts:
    """The job of an answer, when it is over."""
    assert answer.status_code == 202, answer.text
    job = answer.json()["id"]
    async with visitor.stream("GET", f"/api/jobs/{job}/events") as stream:
        async for _ in stream.aiter_lines():
            pass
    facts: Facts = (await visitor.get(f"/api/jobs/{job}")).json()
    assert facts["state"] == "done", facts
    return facts


async def painted(visitor: httpx.AsyncClient, prompt: str = "a fox", **fields: object) -> Facts:
    """A finished job."""
    order = {"prompt": prompt, "flags": True, **fields}
    return await over(visitor, await visitor.post("/api/jobs", json=order))


async def test_the_gallery_is_mine_newest_first_and_in_pages(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    """Each page goes on below the last picture; what others paint is not in it."""
    await painted(bob, "bobs")
    for number in range(3):
        await painted(ann, f"fox {number}", count=2)
    first = (await ann.get("/api/pictures", params={"limit": 4})).json()
    assert first["more"] is True
    rest = (await ann.get("/api/pictures", params={"before": first["pictures"][-1]["id"]})).json()
    assert rest["more"] is False
    prompts = [picture["prompt"] for picture in first["pictures"] + rest["pictures"]]
    assert prompts == ["fox 2", "fox 2", "fox 1", "fox 1", "fox 0", "fox 0"]
    assert first["pictures"][0]["request"]["prompt"] == "fox 2"


async def test_a_search_goes_through_own_prompts(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    """All words must be there, in any order, each at least as a beginning."""
    for prompt in ("a red fox in snow", "a red boat", "snow"):
        await painted(ann, prompt)
    await painted(bob, "a red fox of bob")

    async def found(search: str) -> list[str]:
        answer = await ann.get("/api/pictures", params={"search": search})
        return [picture["prompt"] for picture in answer.json()["pictures"]]

    assert await found("red") == ["a red boat", "a red fox in snow"]
    assert await found("sno RED") == ["a red fox in snow"]
    assert await found("bob") == []
    assert await found('"; --') in ([], await found(""))
    assert len(await found("  ")) == 3
    assert (await ann.get("/api/pictures", params={"search": "x" * 300})).status_code == 422


async def test_keeping_is_limited_and_can_be_undone(ann: httpx.AsyncClient) -> None:
    """What is kept is found apart; beyond the operator's number comes a kind refusal."""
    job = await painted(ann, count=3)
    one, two, three = (picture["url"] for picture in job["pictures"])
    for url in (one, two, two):
        assert (await ann.put(f"{url}/pin")).status_code == 204
    refused = await ann.put(f"{three}/pin")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_pins")
    assert refused.json()["limit"] == 2
    kept = (await ann.get("/api/pictures", params={"pinned": True})).json()["pictures"]
    assert {picture["url"] for picture in kept} == {one, two}
    assert (await ann.delete(f"{one}/pin")).status_code == 204
    assert (await ann.put(f"{three}/pin")).status_code == 204


async def test_a_small_picture_is_cached_for_good(ann: httpx.AsyncClient) -> None:
    """A WebP of the same shape; whoever has it is told so."""
    (picture,) = (await painted(ann, "a fox --ar 3:2 --upscale 16"))["pictures"]
    answer = await ann.get(picture["thumb"])
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert "private" in answer.headers["cache-control"]
    assert Image.open(io.BytesIO(answer.content)).size == (384, 256)
    tag = {"If-None-Match": answer.headers["etag"]}
    assert (await ann.get(picture["thumb"], headers=tag)).status_code == 304
    whole = await ann.get(picture["url"], headers=tag)
    assert whole.status_code == 200  # the mark of the small one is not that of the whole


async def test_variations_and_enlargements_are_jobs(web: Parts, ann: httpx.AsyncClient) -> None:
    """With a key that makes repeating harmless, the parent named, and the size that comes out."""
    (picture,) = (job := await painted(ann, seed=5))["pictures"]
    assert picture["scales"] == [2, 4]
    key = {"Idempotency-Key": "k"}
    vary = f"{picture['url']}/vary"
    one = await over(ann, await ann.post(vary, json={"strong": True}, headers=key))
    other = await ann.post(vary, json={"strong": True}, headers=key)
    assert one["id"] == other.json()["id"]
    assert (one["parent"], one["source"]) == (job["id"], f"picture:{picture['id']}")
    order = {"source": f"picture:{picture['id']}", "scale": 4, "upscaler": "mend"}
    large = await over(ann, await ann.post("/api/upscales", json=order))
    assert (large["final_width"], large["final_height"], large["parent"]) == (128, 128, job["id"])
    assert large["upscale"] == {
        "scale": 4,
        "network": "mend",
        "of": order["source"],
        "creative": None,
    }
    assert large["request"]["prompt"] == "a fox"
    assert (large["pictures"][0]["width"], large["pictures"][0]["seed"]) == (128, 5)


@pytest.mark.parametrize(
    ("order", "status", "field"),
    [
        ({"source": "picture:nothing"}, 404, None),
        ({"source": "upload:" + "0" * 32}, 422, "source"),
        ({"source": "nonsense"}, 422, "source"),
        ({"scale": 5}, 422, "upscale"),
        ({"scale": 2.5}, 422, "scale"),
        ({"upscaler": "nobody"}, 422, "model"),
        ({"creative": 3.0}, 422, "creative"),
        ({"scale": 16, "mistake": 1}, 422, "mistake"),
    ],
)
async def test_what_cannot_be_enlarged_is_refused(
    ann: httpx.AsyncClient, order: Facts, status: int, field: str | None
) -> None:
    """With the field, before any work."""
    (picture,) = (await painted(ann))["pictures"]
    before = len((await ann.get("/api/jobs")).json()["jobs"])
    given = {"source": f"picture:{picture['id']}", **order}
    answer = await ann.post("/api/upscales", json=given)
    assert answer.status_code == status, answer.text
    assert answer.json()["field"] == field
    assert answer.json()["message"]
    assert len((await ann.get("/api/jobs")).json()["jobs"]) == before


async def test_an_id_grants_nothing(ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    """Somebody else's picture is not there, whatever one wants to do with it."""
    (picture,) = (await painted(ann))["pictures"]
    url, source = picture["url"], f"picture:{picture['id']}"
    for answer in (
        await bob.get(picture["thumb"]),
        await bob.put(f"{url}/pin"),
        await bob.delete(f"{url}/pin"),
        await bob.post(f"{url}/vary", json={}),
        await bob.post(f"{url}/second-look"),
        await bob.post("/api/upscales", json={"source": source}),
    ):
        assert answer.status_code == 404, answer.request.url


async def test_an_upload_tells_how_it_was_made(ann: httpx.AsyncClient) -> None:
    """One of ours gives its request back; somebody else's picture gives none."""
    job = await painted(ann, "a fox --ar 3:2 --seed 7 --steps 9 --no clouds")
    file = (await ann.get(job["pictures"][0]["url"])).content
    request = (await ann.post("/api/sources", content=file)).json()["request"]
    assert (request["prompt"], request["negative"]) == ("a fox", "clouds")
    assert (request["width"], request["height"], request["seed"]) == (48, 32, 7)
    assert request["steps"] == 9
    assert (await ann.post("/api/sources", content=png())).json()["request"] is None


async def test_flags_ask_for_the_same_picture(web: Parts, ann: httpx.AsyncClient) -> None:
    """Each picture has the text that paints just it again."""
    job = await painted(ann, "a fox --ar 3:2 --count 2 --seed 5 --style poster --no clouds")
    flags = job["pictures"][1]["flags"]
    assert "--seed 6" in flags
    await painted(ann, flags)
    one, other = web.painter.painted
    assert other == one.alone(1)


async def test_the_networks_on_offer(ann: httpx.AsyncClient) -> None:
    """The default one first, with what it costs."""
    offer = (await ann.get("/api/upscalers")).json()
    assert [each["name"] for each in offer["upscalers"]] == ["crisp", "mend"]
    assert [each["default"] for each in offer["upscalers"]] == [True, False]
    assert 4 in offer["scales"]


async def test_forgetting_deletes_mine_alone(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    """Pictures, prompts and history are gone; the budget still counts what was used."""
    job = await painted(ann, "a secret")
    await painted(bob, "bobs")
    gone = await ann.post("/api/forget")
    assert gone.status_code == 200
    assert gone.json() == {"jobs": 1, "pictures": 1, "uploads": 0}
    assert (await ann.get("/api/jobs")).json()["jobs"] == []
    assert (await ann.get("/api/pictures")).json()["pictures"] == []
    assert (await ann.get(f"/api/jobs/{job['id']}")).status_code == 404
    assert (await ann.get(job["pictures"][0]["url"])).status_code == 404
    assert (await ann.get("/api/me")).json()["used"] == 1.0
    assert len((await bob.get("/api/pictures")).json()["pictures"]) == 1


async def test_other_sites_can_neither_forget_nor_keep(ann: httpx.AsyncClient) -> None:
    """What changes something comes from our own page, or from no page at all."""
    (picture,) = (await painted(ann))["pictures"]
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    for method, path in (
        ("POST", "/api/forget"),
        ("PUT", f"{picture['url']}/pin"),
        ("POST", f"{picture['url']}/vary"),
        ("POST", "/api/upscales"),
        ("POST", "/sign-out"),
    ):
        answer = await ann.request(method, path, headers=elsewhere)
        assert (answer.status_code, answer.json()["code"]) == (403, "other_site"), path
