"""Whatever comes in by the API, by buttons or as words: an answer, no crash, no traceback."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.desk.actions import Verb
from bot.on_discord.commands import admin_knobs
from bot.on_web import admin_api
from bot.on_web.admin_door import COOKIE
from tests.bot.admin_parts import ASKED, PASSWORD, operator, painted
from tests.bot.discord_desk import open_discord
from tests.bot.telegram_desk import open_post
from tests.bot.web_parts import open_web
from tests.loopback_discord import Message as DiscordMessage
from tests.loopback_discord.people import COMPONENT
from tests.loopback_telegram.people import Press

pytestmark = pytest.mark.slow

FEW = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
HANGS_S = 30
SOME = ("k3v9x2ma", "0", "0.n", "1.2.3", "a.b.c", "none", "x" * 40, "9" * 40)
WORDS = st.text(max_size=300) | st.lists(
    st.sampled_from(
        [
            "a",
            "fox",
            "--ar",
            "--steps",
            "--seed",
            "--no",
            "--count",
            "--style",
            "--upscale",
            "--model",
            "3:2",
            "7",
            "none",
            "-",
            "--",
            "—no",
            "“",
            "”",
            "\\--ar",
            "--size=1x1",
            "--upscale=16",
            "((fox:1.3))",
            "[x]",
            "\\(",
            "<lora:x:1>",
            "🦊",
            "مرحبا",
            "\u202e",
        ]
    ),
    max_size=12,
).map(" ".join)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=4,
)
FIELDS = st.sampled_from(
    [
        "prompt",
        "negative",
        "model",
        "width",
        "height",
        "aspect",
        "steps",
        "guidance",
        "seed",
        "count",
        "source",
        "strength",
        "style",
        "upscale",
        "upscaler",
        "creative",
        "flags",
        "scheduler",
        "mask",
    ]
)


def buttons(*known: str) -> st.SearchStrategy[str]:
    """Texts of buttons: ours with targets that exist or do not, those of forms, and others."""
    target = st.sampled_from((*known, *SOME)) | st.from_regex(r"[a-z0-9][a-z0-9.]{0,39}\Z")
    ours = st.builds(lambda verb, of: f"a:{verb}:{of}"[:64], st.sampled_from(Verb), target)
    strange = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)
    return ours | strange.map(lambda text: f"a:{text}"[:15])


async def fuzzed(check: Callable[..., Awaitable[None]], **drawn: st.SearchStrategy[Any]) -> None:
    """Run `check` with many drawn arguments, in this loop, while Hypothesis waits in a thread."""
    loop = asyncio.get_running_loop()

    @FEW
    @given(**drawn)
    def one(**chosen: Any) -> None:
        asyncio.run_coroutine_threadsafe(_check(check, chosen), loop).result(2 * HANGS_S)

    await asyncio.to_thread(one)


async def _check(check: Callable[..., Awaitable[None]], chosen: dict[str, Any]) -> None:
    async with asyncio.timeout(HANGS_S):
        await check(**chosen)


async def test_every_request_of_the_api_is_answered_as_described(tmp_path: Path) -> None:
    """Schemathesis makes them of our own description: no 5xx, no hang, nothing undescribed."""
    bounds: dict[str, Any] = {"budget": 1_000_000, "waiting_per_person": 1000, "queue_limit": 1000}
    with capture_logs() as lines:
        async with open_web(tmp_path / "data", **bounds) as web:
            async with web.visitor() as visitor:
                await visitor.get("/api/me")
                cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
            done = await _schemathesis(
                tmp_path, f"{web.url}/openapi.json", "--header", f"Cookie: {cookie}"
            )
    _nothing_found(done, lines)


async def test_every_request_of_the_operator_is_answered_as_described(tmp_path: Path) -> None:
    """The admin view's routes, from inside its door: no 5xx, no hang, nothing undescribed."""
    with capture_logs() as lines:
        async with (
            open_web(tmp_path / "data", admin_password=PASSWORD) as web,
            operator(web) as inside,
        ):
            async with web.visitor() as visitor:
                done = [await painted(web, visitor, prompt) for prompt in ("a fox", "a crow")]
                web.painter.hold()
                waits = (await visitor.post("/api/jobs", json={"prompt": "a boat"})).json()["id"]
            file = tmp_path / "operator.json"
            file.write_text(json.dumps(_of_operator(*done, waits)), encoding="utf-8")
            cookie = f"{COOKIE}={inside.cookies[COOKIE]}"
            found = await _schemathesis(
                tmp_path,
                f"{file}",
                *("--url", web.url, "--header", f"Cookie: {cookie}"),
                *(
                    part
                    for name, value in ASKED.items()
                    for part in ("--header", f"{name}:{value}")
                ),
            )
    _nothing_found(found, lines)


def _of_operator(*jobs: str) -> dict[str, Any]:
    """The description of what no description shows; some jobs and people in it are real ones."""
    shown = []
    for route in admin_api.router.routes:
        route = copy(route)
        assert isinstance(route, APIRoute)
        route.include_in_schema = True
        shown.append(route)
    described = get_openapi(title="Operator", version="1", routes=shown)
    for path in described["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "job":
                    parameter["schema"] = {"type": "string", "enum": [*jobs, "nobody's"]}
                elif parameter["name"] == "number":
                    parameter["schema"]["maximum"] = 3
    return described


async def _schemathesis(
    folder: Path, described: str, *options: str
) -> subprocess.CompletedProcess[str]:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", described),
        *("--exclude-path-regex", "events$"),  # these do not end
        *("--phases", "examples,fuzzing", "--max-examples", "6", "--seed", "7"),
        *("--checks", CHECKS, "--request-timeout", f"{HANGS_S}", "--workers", "2"),
        *("--no-color", "--warnings", "off", *options),
    ]
    return await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=280,
    )


def _nothing_found(
    done: subprocess.CompletedProcess[str], lines: Sequence[Mapping[str, Any]]
) -> None:
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout, done.stdout[-3000:]
    assert "error" not in {line["log_level"] for line in lines}


async def test_any_json_is_answered(tmp_path: Path) -> None:
    """Right fields with wrong values, wrong fields, and flags in words: a job or a sentence."""
    bounds: dict[str, Any] = {"budget": 1_000_000, "waiting_per_person": 1000, "queue_limit": 1000}
    async with open_web(tmp_path, **bounds) as web, web.visitor() as visitor:

        async def ask(body: Any, words: str) -> None:
            _worded(await visitor.post("/api/jobs", content=json.dumps(body)))
            _worded(await visitor.post("/api/upscales", content=json.dumps(body)))
            typed = await visitor.post("/api/jobs", json={"prompt": words, "flags": True})
            _worded(typed)
            _worded(await visitor.get("/api/jobs", params={"search": words[:200]}))

        await fuzzed(ask, body=st.dictionaries(FIELDS, VALUES) | VALUES, words=WORDS)


async def test_every_button_is_answered_on_telegram(tmp_path: Path) -> None:
    """Whatever a press carries, it ends, and no traceback is left behind."""
    with capture_logs() as lines:
        async with open_post(tmp_path, budget=100_000, waiting_per_person=1000) as desk:
            asked = await desk.ask("a fox")
            job = await desk.delivered(asked)
            (picture,) = await desk.desk.pictures.of_job(job.id)
            (message,) = desk.telegram.pictures(asked.message)
            known = (job.public, picture.id, str(desk.ann.id), f"{desk.ann.id}.steps.4")

            async def press(data: str) -> None:
                query = desk.telegram.server.queries.put(next(desk.telegram.world.numbers))
                told = {
                    "id": query.id,
                    "from": desk.ann.user.json,
                    "chat_instance": "1",
                    "message": message.json(),
                    "data": data,
                }
                desk.telegram.updates.add("callback_query", told)
                await Press(telegram=desk.telegram, query=query).answered(HANGS_S)

            await fuzzed(press, data=buttons(*known))
            assert desk.telegram.failures == []
    assert "error" not in {line["log_level"] for line in lines}


async def test_every_button_is_answered_on_discord(tmp_path: Path) -> None:
    """Whatever a press carries, it is answered in time, and no traceback is left behind."""
    with capture_logs() as lines:
        async with open_discord(tmp_path, budget=100_000, waiting_per_person=1000) as desk:
            asked = await desk.ask("a fox")
            job = await desk.painted(asked)
            (picture,) = await desk.desk.pictures.of_job(job.id)
            known = (job.public, picture.id, f"{job.public}.0.{asked.message.id}", f"{desk.ann.id}")
            knobs = st.sampled_from(("", "x", "budget", "0", f"{desk.ann.id}")).flatmap(
                lambda of: st.from_regex(r"[a-z-]{1,20}\Z").map(
                    lambda verb: f"{admin_knobs.PREFIX}:{verb}:{of}"
                )
            )

            async def press(custom: str) -> None:
                await _press(desk, asked.message, custom)

            await fuzzed(press, custom=buttons(*known) | knobs)
    assert "error" not in {line["log_level"] for line in lines}


async def _press(desk: Any, message: DiscordMessage, custom: str) -> None:
    data = {"custom_id": custom, "component_type": 2, "id": 1}
    made = await desk.ann._send(COMPONENT, data, message.channel, source=message)
    assert made.type is not None


async def test_any_words_are_answered_on_telegram(tmp_path: Path) -> None:
    """A picture or a sentence, whatever somebody types."""
    with capture_logs() as lines:
        async with open_post(tmp_path, budget=100_000, waiting_per_person=1000) as desk:

            async def say(words: str) -> None:
                said = await desk.ann.says(None, f"/imagine {words}"[:1000])
                posts = desk.telegram.by_bot
                await desk.telegram.until(
                    lambda: any(m.id > said.id for m in posts(desk.ann.private)), repr(words)
                )

            await fuzzed(say, words=WORDS.filter(str.strip))
    assert "error" not in {line["log_level"] for line in lines}


def _worded(answer: httpx.Response) -> None:
    """An answer of the API's own: done, or no with a sentence."""
    assert answer.status_code < 500, answer.text
    if answer.is_error:
        assert answer.json()["message"], answer.text
