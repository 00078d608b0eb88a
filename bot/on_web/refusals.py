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
from starlette.types import ASGIApp, Scope

from bot.on_web.schemas import RefusedOut, maybe_moment
from bot.on_web.visit import web_of
from bot.on_web.words import Ear
from engine.errors import BadSource, BrokenModel, InvalidRequest, Refusal, UnknownModel, Unusable
from storage.errors import Banned, OverBudget, QueueFull, TooManyWaiting

log = structlog.get_logger(__name__)

UNPROCESSABLE = 422
STATUS: Mapping[str, int] = {
    "over_budget": 429,
    "too_many_waiting": 429,
    "queue_full": 429,
    "paused": 429,
    "not_found": 404,
    "not_yours": 404,
    "banned": 403,
    "key_reused": 409,
}
"""By code; everything else is a request that cannot be worked on: 422."""

OF_STATUS: Mapping[int, str] = {
    401: "sign_in_needed",
    403: "other_site",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}
"""The code where only a status is known."""

DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": RefusedOut} for status in (401, 404, 422, 429)
}


def answer_refusals(app: FastAPI) -> None:
    """Let every kind of failure of `app` answer in the one form."""
    app.exception_handler(Refusal)(_refused)
    app.exception_handler(StarletteHTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_broken)


def refused_out(ear: Ear, refusal: Refusal, now: float) -> RefusedOut:
    """The facts of a refusal, and its sentence."""
    out = RefusedOut(code=refusal.code, message=ear.explain(refusal, now))
    match refusal:
        case OverBudget():
            return out.model_copy(
                update={"limit": refusal.budget, "frees_at": maybe_moment(refusal.frees_at)}
            )
        case QueueFull() | TooManyWaiting():
            return out.model_copy(update={"limit": refusal.limit})
        case Banned():
            return out.model_copy(update={"frees_at": maybe_moment(refusal.until)})
        case InvalidRequest():
            return out.model_copy(update={"field": refusal.field, "limit": refusal.allowed})
        case BadSource():
            return out.model_copy(update={"field": "source", "limit": refusal.allowed})
        case Unusable():
            return out.model_copy(update={"field": refusal.field})
        case UnknownModel():
            return out.model_copy(update={"field": "model", "limit": ", ".join(refusal.known)})
        case BrokenModel():
            return out.model_copy(update={"field": "model"})
    return out


def refusing_app(scope: Scope, status: int, code: str) -> ASGIApp:
    """The answer of the guard, before there is a request to speak of."""
    return _json(status, _coded(Ear.of(Headers(scope=scope)), code))


async def _refused(request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    now = web_of(request).clock()
    out = refused_out(Ear.of(request.headers), refusal, now)
    status = STATUS.get(out.code, UNPROCESSABLE)
    headers = {}
    if status == 429 and out.frees_at is not None:
        waits = out.frees_at.timestamp() - now
        headers["Retry-After"] = str(max(1, math.ceil(waits)))
    return _json(status, out, headers)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    ear = Ear.of(request.headers)
    usual = OF_STATUS.get(error.status_code, "refused")
    key = ear.first_known((f"http.{error.detail}", f"http.{usual}"))
    return _json(error.status_code, _coded(ear, key.removeprefix("http.")), error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    message = Ear.of(request.headers).say("http.invalid_request", field=field, problem=first["msg"])
    return _json(UNPROCESSABLE, RefusedOut(code="invalid_request", message=message, field=field))


async def _broken(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return _json(500, _coded(Ear.of(request.headers), "internal"))


def _coded(ear: Ear, code: str) -> RefusedOut:
    return RefusedOut(code=code, message=ear.say(f"http.{code}"))


def _json(status: int, out: RefusedOut, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(out.model_dump(mode="json"), status_code=status, headers=headers)
