"""Owns how a "no" looks to programs that speak other APIs: the form they know, with our facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.on_web.schemas import RefusedOut

OPENAI = "/v1/"
A1111 = "/sdapi/"

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    409: "conflict_error",
    429: "rate_limit_error",
}
CODES = {
    "key_needed": "invalid_api_key",
    "wrong_key": "invalid_api_key",
    "unknown_model": "model_not_found",
    "over_budget": "insufficient_quota",
    "too_many_waiting": "rate_limit_exceeded",
    "queue_full": "rate_limit_exceeded",
    "blocked_word": "content_policy_violation",
    "withheld": "content_policy_violation",
}
"""What OpenAI calls some of our reasons."""
PARAMS = {"count": "n", "negative": "negative_prompt", "source": "image"}
"""Fields by the names they have there."""


def shaped(path: str, status: int, out: RefusedOut) -> tuple[int, dict[str, Any]] | None:
    """Status and JSON of a refusal below `path`; None where our own form is the right one."""
    if path.startswith(OPENAI):
        return _openai(status, out)
    if path.startswith(A1111):
        return status, {"error": out.code, "detail": out.message, "body": "", "errors": out.message}
    return None


def _openai(status: int, out: RefusedOut) -> tuple[int, dict[str, Any]]:
    if out.code == "unknown_model":
        status = 404
    elif status == 422:  # which that API does not know
        status = 400
    usual = "server_error" if status >= 500 else "invalid_request_error"
    kind = "insufficient_quota" if out.code == "over_budget" else TYPES.get(status, usual)
    error = {
        "message": out.message,
        "type": kind,
        "param": None if out.field is None else PARAMS.get(out.field, out.field),
        "code": CODES.get(out.code, out.code),
    }
    return status, {"error": error}
