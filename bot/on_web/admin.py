"""The pages of the admin view: its door, and the one page whose scripts ask `admin_api`."""

import json
import math
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.desk.texts.page import admin_messages
from bot.on_web.admin_door import PATH, AdminDoor
from bot.on_web.pages import rendered
from bot.on_web.visit import web_of
from bot.on_web.words import Ear

router = APIRouter(prefix=PATH, include_in_schema=False)


@router.get("")
@router.get("/")
async def page(request: Request) -> Response:
    """The view, or its door."""
    door = web_of(request).door
    if door is None:
        return _closed(request)
    if not door.is_open(request.headers.get("cookie", "")):
        return RedirectResponse(f"{PATH}/sign-in", 303)
    language = Ear.of(request.headers).language
    told = {"lang": language, "messages": dict(admin_messages(language)), "examples": []}
    # "</script>" within a sentence would end the block that holds it
    texts = json.dumps(told).replace("<", "\\u003c")
    return _page(request, "admin/index.html", texts=texts)


@router.get("/sign-in")
async def ask(request: Request) -> Response:
    """Ask for the password."""
    door = web_of(request).door
    if door is None:
        return _closed(request)
    if door.is_open(request.headers.get("cookie", "")):
        return RedirectResponse(PATH, 303)
    return _page(request, "admin/sign-in.html", problem="")


@router.post("/sign-in")
async def enter(request: Request) -> Response:
    """Check the password; too many wrong ones from one address have to wait."""
    web = web_of(request)
    door = web.door
    if door is None:
        return _closed(request)
    # First all of it, slow as it may come: between looking and counting nobody shall slip in.
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    say, host = Ear.of(request.headers).say, request.client.host if request.client else None
    until = door.frees_at(host)
    if until is not None:
        waits = max(1.0, until - web.clock())
        problem = say("door.wait", minutes=math.ceil(waits / 60))
        answer = _page(request, "admin/sign-in.html", 429, problem=problem)
        answer.headers["Retry-After"] = str(math.ceil(waits))
        return answer
    if not door.admits(form.get("password", [""])[0], host):
        return _page(request, "admin/sign-in.html", 401, problem=say("door.wrong"))
    inside = RedirectResponse(PATH, 303)
    inside.headers.append("Set-Cookie", door.enter(secure=_secure(request)))
    return inside


@router.post("/sign-out")
async def leave(request: Request) -> Response:
    """Close the door behind oneself."""
    door: AdminDoor | None = web_of(request).door
    if door is None:
        return _closed(request)
    outside = RedirectResponse(f"{PATH}/sign-in", 303)
    cookies = request.headers.get("cookie", "")
    outside.headers.append("Set-Cookie", door.leave(cookies, secure=_secure(request)))
    return outside


def _closed(request: Request) -> HTMLResponse:
    """Without a password of its own there is no admin view."""
    return _page(request, "admin/closed.html", 404)


def _page(request: Request, name: str, status: int = 200, **facts: str) -> HTMLResponse:
    language = Ear.of(request.headers).language
    return rendered(name, language, status, None, words=admin_messages(language), **facts)


def _secure(request: Request) -> bool:
    return request.scope.get("scheme") == "https"
