"""The pages themselves: the chat of pictures, the door with its password, the API reference."""

import html
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.desk.texts import LANGUAGES
from bot.desk.texts.page import EXAMPLES, page_messages
from bot.on_web.session import KEPT_S
from bot.on_web.visit import visitor_of, web_of
from bot.on_web.words import LANGUAGE_COOKIE, Ear

router = APIRouter(include_in_schema=False)

STATIC = Path(__file__).parent / "static"
PAGES = frozenset({"/", "/sign-in", "/docs", "/admin", "/admin/sign-in"})
_GAP = re.compile(r"\{\{(\{?)([\w.]+)\}?\}\}")


@router.get("/")
async def page(request: Request) -> Response:
    """The page, or the door where there is a password."""
    if not visitor_of(request).inside:
        return RedirectResponse("/sign-in", 303)
    language = Ear.of(request.headers).language
    told = {
        "lang": language,
        "messages": dict(page_messages(language)),
        "examples": EXAMPLES,
        "languages": dict(LANGUAGES),
    }
    # "</script>" within a sentence would end the block that holds it
    texts = json.dumps(told).replace("<", "\\u003c")
    door = "data-door" if web_of(request).sessions.has_door else ""
    return rendered("index.html", language, texts=texts, door=door)


@router.get("/sign-in")
async def door(request: Request) -> Response:
    """Ask for the password."""
    if visitor_of(request).inside:
        return RedirectResponse("/", 303)
    return rendered("sign-in.html", Ear.of(request.headers).language, problem="")


@router.post("/sign-in")
async def enter(request: Request) -> Response:
    """Check the password; too many wrong ones from one address have to wait."""
    web, visitor, ear = web_of(request), visitor_of(request), Ear.of(request.headers)
    # First all of it, slow as it may come: between looking and counting nobody shall slip in.
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    until = web.sessions.tries.frees_at(visitor.address)
    if until is not None:
        waits = until - web.clock()
        problem = ear.say("door.wait", minutes=max(1, math.ceil(waits / 60)))
        retry = {"Retry-After": str(max(1, math.ceil(waits)))}
        return rendered("sign-in.html", ear.language, 429, retry, problem=problem)
    admitted = web.sessions.admit(visitor, form.get("password", [""])[0])
    if admitted is None:
        return rendered("sign-in.html", ear.language, 401, problem=ear.say("door.wrong"))
    request.state.visitor = admitted
    return RedirectResponse("/", 303)


@router.post("/sign-out")
async def leave(request: Request) -> Response:
    """Close the door behind oneself; the pictures stay, for whoever comes back in with them."""
    request.state.visitor = replace(visitor_of(request), inside=False, fresh=True)
    return RedirectResponse("/sign-in", 303)


@router.get("/language/{language}")
async def speak(request: Request, language: str, to: str = "/") -> Response:
    """Speak that language from now on, whatever the browser says; then on `to` one of our pages."""
    answer = RedirectResponse(to if to in PAGES else "/", 303)
    if language in LANGUAGES:
        only = "; Secure" if request.scope.get("scheme") == "https" else ""
        answer.headers.append(
            "Set-Cookie",
            f"{LANGUAGE_COOKIE}={language}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax{only}",
        )
    return answer


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The API reference; it reads /openapi.json."""
    return rendered("docs.html", Ear.of(request.headers).language)


def rendered(
    name: str,
    language: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    words: Mapping[str, str] | None = None,
    **raw: str,
) -> HTMLResponse:
    """A page with its {{sentences}} filled in (of `words`, too); {{{this}}} goes in as it is."""
    facts = {**page_messages(language), **(words or {}), **raw, "lang": language}

    def fill(gap: re.Match[str]) -> str:
        words = facts[gap[2]]
        return words if gap[1] else html.escape(words)

    content = _GAP.sub(fill, _template(name))
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language, Cookie", **(headers or {})}
    return HTMLResponse(content, status, headers)


@cache
def _template(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
