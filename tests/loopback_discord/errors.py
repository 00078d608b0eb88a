"""What Discord answers when it says no: status, its own code, and where in the form it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FORM = 50035


@dataclass(eq=False)
class ApiError(Exception):
    """One refusal; `where` is a path in the form such as "components.0.custom_id"."""

    status: int
    code: int
    message: str
    where: str = ""
    reason: str = ""
    detail: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status}/{self.code} {self.message} {self.where} {self.reason} {self.detail}"

    def body(self) -> dict[str, Any]:
        """The JSON that the client gets."""
        made: dict[str, Any] = {"message": self.message, "code": self.code, **self.extra}
        if self.reason:
            errors: dict[str, Any] = {"_errors": [{"code": self.reason, "message": self.detail}]}
            for part in reversed([part for part in self.where.split(".") if part]):
                errors = {part: errors}
            made["errors"] = errors
        return made


def form(where: str, reason: str, detail: str) -> ApiError:
    """400: the body is not what the route takes."""
    return ApiError(400, FORM, "Invalid Form Body", where, reason, detail)


def unknown_field(where: str) -> ApiError:
    """400: a field that nobody documented. The real one overlooks it; a test should not."""
    return form(where, "UNKNOWN_FIELD", "This field is not known here.")


def unauthorized() -> ApiError:
    return ApiError(401, 0, "401: Unauthorized")


def expired_token() -> ApiError:
    return ApiError(401, 50027, "Invalid Webhook Token")


def missing_access() -> ApiError:
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    return ApiError(403, 50013, "Missing Permissions")


def closed_dm() -> ApiError:
    return ApiError(403, 50007, "Cannot send messages to this user")


def someone_elses() -> ApiError:
    return ApiError(403, 50005, "Cannot edit a message authored by another user")


def reply_without_history() -> ApiError:
    return ApiError(403, 160002, "Cannot reply without permission to read message history")


def unknown_channel() -> ApiError:
    return ApiError(404, 10003, "Unknown Channel")


def unknown_guild() -> ApiError:
    return ApiError(404, 10004, "Unknown Guild")


def unknown_member() -> ApiError:
    return ApiError(404, 10007, "Unknown Member")


def unknown_message() -> ApiError:
    return ApiError(404, 10008, "Unknown Message")


def unknown_user() -> ApiError:
    return ApiError(404, 10013, "Unknown User")


def unknown_webhook() -> ApiError:
    return ApiError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> ApiError:
    return ApiError(404, 10062, "Unknown interaction")


def already_acknowledged() -> ApiError:
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def too_many_followups() -> ApiError:
    return ApiError(400, 40094, "This interaction has reached the maximum number of follow ups")


def too_large() -> ApiError:
    return ApiError(413, 40005, "Request entity too large")


def empty_message() -> ApiError:
    return ApiError(400, 50006, "Cannot send an empty message")


def rate_limited(seconds: float, scope: str = "user") -> ApiError:
    """429 as a client believes it: with `Via`, the seconds as a header and in the body."""
    return ApiError(
        429,
        0,
        "You are being rate limited.",
        headers={
            "Via": "1.1 google",
            "Retry-After": str(max(1, round(seconds))),
            "X-RateLimit-Scope": scope,
            **({"X-RateLimit-Global": "true"} if scope == "global" else {}),
        },
        extra={"retry_after": seconds, "global": scope == "global"},
    )


def server_error(status: int = 502) -> ApiError:
    return ApiError(status, 0, f"{status}: Server Error")
