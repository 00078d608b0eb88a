"""Owns how a "no" looks in HTTP: one status and one JSON form for every reason."""

import math
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Scope

from bot.desk.errors import BlockedWord, ModelNotAllowed, SourceGone, UnknownStyle
from bot.on_api import shapes
from bot.on_api.errors import Unserved
from bot.on_web.schemas import RefusedOut, maybe_moment
from bot.on_web.visit import web_of
from bot.on_web.words import Ear
from engine.errors import BadSource, BrokenModel, InvalidRequest, Refusal, UnknownModel, Unusable
from storage.errors import Banned, OverBudget, QueueFull, TooManyPins, TooManyWaiting

log = structlog.get_logger(__name__)

UNPROCESSABLE = 422
STATUS: Mapping[str, int] = {
    "over_budget": 429,
    "too_many_waiting": 429,
    "queue_full": 429,
    "too_many_uploads": 429,
    "paused": 429,
    "not_found": 404,
    "not_yours": 404,
    "banned": 403,
    "not_allowed": 403,
    "channel_not_allowed": 403,
    "role_not_allowed": 403,
    "key_reused": 409,
    "too_many_pins": 409,
    "disk_full": 507,
}
"""By code; everything else is a request that cannot be worked on: 422."""

OF_STATUS: Mapping[int, str] = {
    400: "bad_form",
    401: "sign_in_needed",
    403: "other_site",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}
"""The code where only a status is known."""
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Atelier", charset="UTF-8"'}
"""For tools that ask for a name and a password when they are told to."""


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the API's description: these statuses bring the one form of a refusal."""
    return {status: {"model": RefusedOut} for status in statuses}


DOCUMENTED = documented(400, 401, 403, 404, 422, 429)
"""What any route may answer."""


def answer_refusals(app: FastAPI) -> None:
    """Let every kind of failure of `app` answer in the one form."""
    app.exception_handler(Refusal)(_refused)
    app.exception_handler(Unserved)(_unserved)
    app.exception_handler(StarletteHTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(ClientDisconnect)(_gone)
    app.exception_handler(Exception)(_broken)


def refused_out(ear: Ear, refusal: Refusal, now: float) -> RefusedOut:
    """The facts of a refusal, and its sentence."""
    out = RefusedOut(code=refusal.code, message=ear.explain(refusal, now))
    match refusal:
        case OverBudget():
            return out.model_copy(
                update={"limit": refusal.budget, "frees_at": maybe_moment(refusal.frees_at)}
            )
        case QueueFull() | TooManyWaiting() | TooManyPins():
            return out.model_copy(update={"limit": refusal.limit})
        case Banned():
            return out.model_copy(update={"frees_at": maybe_moment(refusal.until)})
        case InvalidRequest():
            return out.model_copy(update={"field": refusal.field, "limit": refusal.allowed})
        case BadSource():
            return out.model_copy(update={"field": "source", "limit": refusal.allowed})
        case SourceGone():
            return out.model_copy(update={"field": "source"})
        case Unusable():
            return out.model_copy(update={"field": refusal.field})
        case UnknownModel():
            return out.model_copy(update={"field": "model", "limit": ", ".join(refusal.known)})
        case UnknownStyle():
            return out.model_copy(update={"field": "style", "limit": ", ".join(refusal.known)})
        case ModelNotAllowed():
            return out.model_copy(update={"field": "model", "limit": ", ".join(refusal.allowed)})
        case BlockedWord():
            return out.model_copy(update={"field": refusal.field})
        case BrokenModel():
            return out.model_copy(update={"field": "model"})
    return out


def refusing_app(scope: Scope, status: int, code: str) -> ASGIApp:
    """The answer of the guard, before there is a request to speak of."""
    headers = CHALLENGE if status == 401 and scope["path"].startswith(shapes.A1111) else None
    return _json(scope["path"], status, _coded(Ear.of(Headers(scope=scope)), code), headers)


async def _unserved(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Unserved)
    message = Ear.of(request.headers).say(f"http.{error.code}", **error.facts)
    headers = {}
    if error.retry_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_s)))
    out = RefusedOut(code=error.code, message=message)
    return _json(request.url.path, error.status, out, headers)


async def _refused(request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    now = web_of(request).clock()
    out = refused_out(Ear.of(request.headers), refusal, now)
    status = STATUS.get(out.code, UNPROCESSABLE)
    headers = {}
    if status == 429 and out.frees_at is not None:
        waits = out.frees_at.timestamp() - now
        headers["Retry-After"] = str(max(1, math.ceil(waits)))
    return _json(request.url.path, status, out, headers)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    ear = Ear.of(request.headers)
    usual = OF_STATUS.get(error.status_code, "refused")
    key = ear.first_known((f"http.{error.detail}", f"http.{usual}"))
    out = _coded(ear, key.removeprefix("http."))
    return _json(request.url.path, error.status_code, out, error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    message = Ear.of(request.headers).say("http.invalid_request", field=field, problem=first["msg"])
    out = RefusedOut(code="invalid_request", message=message, field=field)
    return _json(request.url.path, UNPROCESSABLE, out)


async def _gone(request: Request, error: Exception) -> JSONResponse:
    """Whoever left in the middle of an upload hears nothing, and is nothing to log."""
    return _json(request.url.path, 400, _coded(Ear.of(request.headers), "refused"))


async def _broken(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return _json(request.url.path, 500, _coded(Ear.of(request.headers), "internal"))


def _coded(ear: Ear, code: str) -> RefusedOut:
    return RefusedOut(code=code, message=ear.say(f"http.{code}"))


def _json(
    path: str, status: int, out: RefusedOut, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """In our own form, or in that which programs know that speak other APIs."""
    status, content = shapes.shaped(path, status, out) or (status, out.model_dump(mode="json"))
    return JSONResponse(content, status_code=status, headers=headers)
