"""The HTTP API: what is asked and answered, who may see what, what is refused and how."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.bot.web_parts import Parts, open_web

Facts = dict[str, Any]


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Parts]:
    async with open_web(tmp_path) as parts:
        yield parts


@pytest.fixture
async def ann(web: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with web.visitor() as visitor:
        yield visitor


@pytest.fixture
async def bob(web: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with web.visitor() as visitor:
        yield visitor


async def asked(visitor: httpx.AsyncClient, prompt: str = "a fox", **fields: object) -> Facts:
    """A job that was taken on."""
    answer = await visitor.post("/api/jobs", json={"prompt": prompt, **fields})
    assert answer.status_code == 202, answer.text
    facts: Facts = answer.json()
    return facts


async def finished(visitor: httpx.AsyncClient, job: str) -> Facts:
    """The job when it is over, as the last event of its stream tells it."""
    told = await events_of(visitor, job)
    return told[-1][1]


async def events_of(visitor: httpx.AsyncClient, job: str) -> list[tuple[str, Facts]]:
    """All events of a job until its stream ends."""
    async with visitor.stream("GET", f"/api/jobs/{job}/events") as stream:
        assert stream.status_code == 200, stream.status_code
        return [event async for event in events(stream)]


async def events(stream: httpx.Response) -> AsyncIterator[tuple[str, Facts]]:
    name = ""
    async for line in stream.aiter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


# Asking and getting


async def test_a_prompt_becomes_a_picture(web: Parts, ann: httpx.AsyncClient) -> None:
    """202 with id, state, position and estimate; in the end the bytes of a picture."""
    web.painter.hold()
    job = await asked(ann, "a fox", width=48, height=32, seed=5)
    assert job["state"] in ("queued", "running")
    assert {"id", "state", "position", "eta_s", "message", "cost", "notes"} <= job.keys()
    web.painter.release()
    done = await finished(ann, job["id"])
    assert done["state"] == "done"
    (picture,) = done["pictures"]
    answer = await ann.get(picture["url"])
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (48, 32)
    assert (await ann.get(f"/api/jobs/{job['id']}")).json() == done


async def test_what_the_model_cannot_use_is_refused_by_the_api_and_noted_on_the_page(
    ann: httpx.AsyncClient,
) -> None:
    """Programs are exact; people get their picture and hear of it."""
    wanted = {"prompt": "a fox --no clouds", "model": "plain"}
    refused = await ann.post(
        "/api/jobs", json={"prompt": "a fox", "model": "plain", "negative": "clouds"}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "unusable")
    assert refused.json()["field"] == "negative"
    job = await asked(ann, **wanted, flags=True)
    assert [note["code"] for note in job["notes"]] == ["unused"]
    assert job["prompt"] == "a fox"


async def test_only_the_page_reads_flags(ann: httpx.AsyncClient) -> None:
    """Without `flags` the prompt is taken literally."""
    assert (await asked(ann, "a fox --seed 7", flags=True))["seed"] == 7
    assert (await asked(ann, "a fox --seed 7"))["prompt"] == "a fox --seed 7"


async def test_a_repeated_key_makes_no_second_job(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    """The same key and request find the first job; another request with it is refused."""
    key = {"Idempotency-Key": "k1"}
    first = await ann.post("/api/jobs", json={"prompt": "a fox"}, headers=key)
    again = await ann.post("/api/jobs", json={"prompt": "a fox"}, headers=key)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    other = await ann.post("/api/jobs", json={"prompt": "a cat"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    bobs = await bob.post("/api/jobs", json={"prompt": "a fox"}, headers=key)
    assert bobs.json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": " "}, "prompt"),
        ({"prompt": "a fox", "steps": 5000}, "steps"),
        ({"prompt": "a fox", "width": 33, "height": 32}, "size"),
        ({"prompt": "a fox", "count": 9}, "count"),
        ({"prompt": "a fox", "count": "two"}, "count"),
        ({"prompt": "a fox", "step": 4}, "step"),
        ({"negative": "x"}, "prompt"),
        ({"prompt": "a fox", "model": "nobody"}, "model"),
        ({"prompt": "a fox", "seed": True}, "seed"),
        ([], "body"),
    ],
)
async def test_an_impossible_request_is_refused_with_the_field(
    ann: httpx.AsyncClient, body: object, field: str
) -> None:
    """422 in the one form, and nothing is queued."""
    answer = await ann.post("/api/jobs", json=body)
    assert answer.status_code == 422
    assert {"code", "message", "limit", "frees_at", "field"} == answer.json().keys()
    assert answer.json()["field"] == field
    assert answer.json()["message"]
    assert (await ann.get("/api/jobs")).json()["jobs"] == []


async def test_budget_and_line_say_when_and_how_much(tmp_path: Path) -> None:
    """429 with the limit, the time when it frees, and Retry-After; /api/me tells the rest."""
    async with open_web(tmp_path, budget=2.0, waiting_per_person=2) as web, web.visitor() as ann:
        web.painter.hold()
        await asked(ann)
        me = (await ann.get("/api/me")).json()
        assert (me["budget"], me["used"], me["left"]) == (2.0, 1.0, 1.0)
        refused = await ann.post("/api/jobs", json={"prompt": "a fox", "count": 2})
        assert refused.status_code == 429
        assert (refused.json()["code"], refused.json()["limit"]) == ("over_budget", 2.0)
        assert refused.json()["frees_at"].endswith("Z")
        assert int(refused.headers["retry-after"]) > 80_000
        never = await ann.post("/api/jobs", json={"prompt": "a fox", "count": 4})
        assert never.status_code == 429
        assert never.json()["frees_at"] is None


async def test_the_line_has_room_for_so_many_of_one_person_and_of_all(tmp_path: Path) -> None:
    """429 with the number that was met."""
    async with (
        open_web(tmp_path, cold=True, waiting_per_person=2, queue_limit=3) as web,
        web.visitor() as ann,
        web.visitor() as bob,
    ):
        for _ in range(2):
            await asked(ann)
        waiting = await ann.post("/api/jobs", json={"prompt": "a fox"})
        assert waiting.status_code == 429
        assert (waiting.json()["code"], waiting.json()["limit"]) == ("too_many_waiting", 2)
        assert (await asked(bob))["position"] in (2, 3)
        full = await bob.post("/api/jobs", json={"prompt": "a fox"})
        assert (full.status_code, full.json()["code"]) == (429, "queue_full")


async def test_refusals_speak_the_language_of_the_visitor(web: Parts) -> None:
    """By Accept-Language; a time is told in the zone the page names."""
    async with web.visitor(**{"accept-language": "fr, de-AT;q=0.8, en;q=0.5"}) as visitor:
        answer = await visitor.get("/api/jobs/nothing")
        assert answer.status_code == 404
        assert "gibt" in answer.json()["message"]
        missing = await visitor.get("/api/nothing")
        assert missing.json()["code"] == "not_found"


async def test_history_is_mine_newest_first_and_in_pages(
    web: Parts, ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    """Each page says whether there are more, and goes on below the last id."""
    made = [(await asked(ann, f"fox {number}"))["id"] for number in range(3)]
    await asked(bob, "a cat")
    page = (await ann.get("/api/jobs", params={"limit": 2})).json()
    assert ([job["id"] for job in page["jobs"]], page["more"]) == ([made[2], made[1]], True)
    rest = (await ann.get("/api/jobs", params={"limit": 2, "before": made[1]})).json()
    assert ([job["id"] for job in rest["jobs"]], rest["more"]) == ([made[0]], False)


async def test_cancelling_takes_a_job_out_of_the_line(tmp_path: Path) -> None:
    """It costs nothing while it waits, and cancelling twice is harmless."""
    async with open_web(tmp_path, cold=True) as web, web.visitor() as ann:
        job = await asked(ann)
        assert job["warming"]
        assert "first in line" in job["message"]
        for _ in range(2):
            answer = await ann.post(f"/api/jobs/{job['id']}/cancel")
            assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert (await ann.get("/api/me")).json()["used"] == 0.0


async def test_cancelling_stops_the_painting(web: Parts, ann: httpx.AsyncClient) -> None:
    """Within a step; the share that was painted stays charged."""
    web.painter.hold()
    job = await asked(ann)
    async with ann.stream("GET", f"/api/jobs/{job['id']}/events") as stream:
        told = events(stream)
        web.painter.step(2)
        async for _, facts in told:
            if facts.get("step") == 2:
                break
        cancelling = asyncio.create_task(ann.post(f"/api/jobs/{job['id']}/cancel"))
        await asyncio.sleep(0.05)
        web.painter.step()
        assert (await cancelling).json()["state"] == "cancelled"
        last = [event async for event in told][-1]
    assert last[0] == "cancelled"
    assert 0 < last[1]["charge"] < last[1]["cost"]


async def test_a_failure_is_told_with_an_apology(web: Parts, ann: httpx.AsyncClient) -> None:
    """The job fails, costs nothing, and names itself so that it can be found in the log."""

    def fail(_: object) -> None:
        raise RuntimeError("the brush broke")

    web.painter.fail = fail
    job = await asked(ann)
    told = await events_of(ann, job["id"])
    assert told[-1][0] == "failed"
    assert told[-1][1]["charge"] == 0
    assert job["id"] in told[-1][1]["message"]
    assert "brush" not in told[-1][1]["message"]


# Pictures


async def test_a_picture_is_cached_downloaded_and_deleted(
    web: Parts, ann: httpx.AsyncClient
) -> None:
    """ETag and 304, a file name on request, and gone for good after DELETE."""
    done = await finished(ann, (await asked(ann))["id"])
    url = done["pictures"][0]["url"]
    first = await ann.get(url)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    same = await ann.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert "content-disposition" not in first.headers
    kept = await ann.get(url, params={"download": 1})
    assert kept.headers["content-disposition"].startswith("attachment; filename=")
    assert (await ann.delete(url)).status_code == 204
    assert (await ann.get(url)).status_code == 404
    assert (await ann.delete(url)).status_code == 404
    assert (await ann.get(f"/api/jobs/{done['id']}")).json()["pictures"] == []


async def test_an_id_grants_nothing(
    web: Parts, ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    """Another visitor's job and picture answer exactly as if they did not exist."""
    done = await finished(ann, (await asked(ann))["id"])
    job, picture = done["id"], done["pictures"][0]["url"]
    for method, real, invented in (
        ("GET", f"/api/jobs/{job}", "/api/jobs/000000000000"),
        ("GET", f"/api/jobs/{job}/events", "/api/jobs/000000000000/events"),
        ("POST", f"/api/jobs/{job}/cancel", "/api/jobs/000000000000/cancel"),
        ("GET", picture, "/api/pictures/000000000000"),
        ("DELETE", picture, "/api/pictures/000000000000"),
        ("GET", f"/api/jobs?before={job}", "/api/jobs?before=000000000000"),
    ):
        theirs, nobodys = await bob.request(method, real), await bob.request(method, invented)
        assert theirs.status_code == nobodys.status_code == 404, real
        assert theirs.json() == nobodys.json()
    source = await bob.post(
        "/api/jobs", json={"prompt": "x", "source": f"picture:{picture.rpartition('/')[2]}"}
    )
    assert source.status_code == 404
    assert (await ann.get(picture)).status_code == 200


async def test_an_upload_becomes_a_source(web: Parts, ann: httpx.AsyncClient) -> None:
    """The body is the file; what is no picture is refused before anything is kept."""
    file = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(file, "PNG")
    answer = await ann.post("/api/sources", content=file.getvalue())
    assert answer.status_code == 201
    job = await asked(ann, source=answer.json()["source"], strength=0.5)
    assert (await finished(ann, job["id"]))["state"] == "done"
    bad = await ann.post("/api/sources", content=b"GIF89a" + bytes(100))
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_source")


# Events


async def test_events_come_in_order_and_end(tmp_path: Path) -> None:
    """queued, then steps and previews that only go forward, then done, then the stream ends."""
    async with open_web(tmp_path, cold=True) as web, web.visitor() as ann:
        web.painter.hold()
        job = await asked(ann, count=2)
        watching = asyncio.create_task(events_of(ann, job["id"]))
        await asyncio.sleep(0.1)
        web.painter.warm_up.set()
        for _ in range(8):
            await asyncio.sleep(0.03)
            web.painter.step()
        told = await asyncio.wait_for(watching, 20)
    names = [name for name, _ in told]
    assert names[0] == "queued"
    assert names[-1] == "done"
    assert {"step", "preview"} <= set(names[1:-1]) <= {"queued", "step", "preview"}
    shares = [facts["share"] for name, facts in told if name == "step"]
    assert shares == sorted(shares)
    assert all(facts["id"] == job["id"] for _, facts in told)
    preview = next(facts for name, facts in told if name == "preview")
    assert preview["image"].startswith("data:image/webp;base64,")


async def test_a_late_watcher_gets_the_present_state_at_once(
    web: Parts, ann: httpx.AsyncClient
) -> None:
    """In the middle of a painting, and after its end."""
    web.painter.hold()
    job = await asked(ann)
    web.painter.step(2)
    async with ann.stream("GET", f"/api/jobs/{job['id']}/events") as stream:
        await anext(step async for step in events(stream) if step[1].get("step") == 2)
    async with ann.stream("GET", f"/api/jobs/{job['id']}/events") as stream:
        name, facts = await anext(events(stream))
    assert (name, facts["step"], facts["steps"]) == ("step", 2, 4)
    web.painter.release()
    assert (await finished(ann, job["id"]))["state"] == "done"
    late = await events_of(ann, job["id"])
    assert [name for name, _ in late] == ["done"]


async def test_reconnecting_after_the_end_is_told_to_stay_away(
    web: Parts, ann: httpx.AsyncClient
) -> None:
    """Browsers reconnect when a stream ends; 204 stops them."""
    job = await asked(ann)
    async with ann.stream("GET", f"/api/jobs/{job['id']}/events") as stream:
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line async for line in stream.aiter_lines()]
    last = next(line.partition(": ")[2] for line in reversed(lines) if line.startswith("id: "))
    url = f"/api/jobs/{job['id']}/events"
    assert (await ann.get(url, headers={"Last-Event-ID": last})).status_code == 204
    assert (await ann.get(url, headers={"Last-Event-ID": "older"})).status_code == 200


async def test_one_stream_shows_all_jobs_also_new_ones(
    web: Parts, ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    """The page needs one connection however many jobs there are; others' jobs stay out of it."""
    web.painter.hold()
    first = await asked(ann)
    async with ann.stream("GET", "/api/events") as stream:
        told = events(stream)
        assert (await anext(told))[1]["id"] == first["id"]
        await asked(bob)
        second = await asked(ann)
        web.painter.release()
        over: set[str] = set()
        async for name, facts in told:
            assert facts["id"] in (first["id"], second["id"])
            if name == "done":
                over.add(facts["id"])
            if len(over) == 2:
                break


async def test_a_quiet_stream_is_kept_alive(tmp_path: Path) -> None:
    """A comment now and then, so that no proxy between takes it for dead."""
    async with (
        open_web(tmp_path, keep_alive_s=0.05) as web,
        web.visitor() as ann,
        ann.stream("GET", "/api/events") as stream,
    ):
        assert ":" in [line[:1] async for line in _first(8, stream.aiter_lines())]


async def _first(count: int, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        count -= 1
        if not count:
            return


# About the server


async def test_models_say_what_they_take(ann: httpx.AsyncClient) -> None:
    """The default one first, with its sizes."""
    models = (await ann.get("/api/models")).json()["models"]
    assert [(model["name"], model["default"]) for model in models] == [
        ("squares", True),
        ("plain", False),
    ]
    assert models[0]["sizes"][0] == [32, 32]


async def test_a_style_is_put_around_the_words(ann: httpx.AsyncClient) -> None:
    """Those on offer are listed; one that is not is refused with those that sound alike."""
    styles = (await ann.get("/api/styles")).json()["styles"]
    assert "watercolor" in [style["name"] for style in styles]
    job = await asked(ann, "a fox", style="watercolor")
    assert job["prompt"] == "a fox, watercolor"
    refused = await ann.post("/api/jobs", json={"prompt": "a fox", "style": "watercolour"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_style")
    assert (refused.json()["field"], refused.json()["limit"]) == ("style", "watercolor")


async def test_again_is_the_same_with_a_new_seed(web: Parts, ann: httpx.AsyncClient) -> None:
    """A style is put around the words once, a repeated key makes one job, strangers find none."""
    first = await asked(ann, "a fox", style="watercolor", steps=3, negative="fog")
    path, key = f"/api/jobs/{first['id']}/again", {"Idempotency-Key": "once"}
    answer = await ann.post(path, headers=key)
    assert answer.status_code == 202
    second = answer.json()
    assert second["id"] != first["id"]
    assert second["seed"] != first["seed"]
    kept = ("prompt", "negative", "steps", "model", "width", "height", "count", "guidance")
    assert [second[name] for name in kept] == [first[name] for name in kept]
    assert (await ann.post(path, headers=key)).json()["id"] == second["id"]
    async with web.visitor() as bob:
        assert (await bob.post(path)).status_code == 404


async def test_health_needs_no_person(web: Parts, ann: httpx.AsyncClient) -> None:
    """For probes: no cookie, and how far the engine is."""
    answer = await ann.get("/healthz")
    assert answer.json()["ok"] is True
    assert "set-cookie" not in answer.headers
    assert (await ann.head("/healthz")).status_code == 200


async def test_health_tells_how_the_chats_stand(tmp_path: Path) -> None:
    """Only of those that have a token; a refused one does not make the page sick."""
    async with open_web(tmp_path, chats={"discord": "refused"}) as web, web.visitor() as ann:
        said = (await ann.get("/healthz")).json()
    assert (said["ok"], said["discord"]) == (True, "refused")
    assert "telegram" not in said


async def test_the_reference_needs_nothing_from_elsewhere(ann: httpx.AsyncClient) -> None:
    """/docs is a page of ours over /openapi.json, which knows every route that stays."""
    docs = await ann.get("/docs")
    assert "://" not in docs.text
    paths = (await ann.get("/openapi.json")).json()["paths"]
    assert {
        "/api/jobs",
        "/api/jobs/{job}",
        "/api/jobs/{job}/cancel",
        "/api/jobs/{job}/events",
        "/api/pictures/{picture}",
        "/api/models",
        "/api/me",
        "/healthz",
    } <= paths.keys()


@pytest.mark.parametrize(
    ("zone", "when"),
    [("Europe/Berlin", r"at \d\d:\d\d\."), ("Nowhere/Land", "in 24 hours"), ("../etc", "in 24")],
)
async def test_times_are_told_in_the_visitors_zone(tmp_path: Path, zone: str, when: str) -> None:
    """Where the page names one that exists; else as a span, never as a foreign clock."""
    headers = {"x-time-zone": zone}
    async with open_web(tmp_path, budget=1.0) as web, web.visitor(**headers) as ann:
        await asked(ann)
        refused = await ann.post("/api/jobs", json={"prompt": "a fox"})
    assert re.search(when, refused.json()["message"]), refused.json()["message"]
