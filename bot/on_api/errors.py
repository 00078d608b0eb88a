"""The "no"s that only callers hear who wait for their pictures within one request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Unserved(Exception):
    """A request that ends without pictures; `code` names the sentence, `facts` fill it.

    `retry_s` is when it is worth trying again, None if that changes nothing.
    """

    status: int
    code: str
    facts: dict[str, object]
    retry_s: float | None = None


def line_too_long(eta_s: float, limit_s: float) -> Unserved:
    """It would take longer than a request may live; nothing was taken on."""
    facts: dict[str, object] = {"seconds": round(eta_s), "limit": round(limit_s)}
    return Unserved(503, "line_too_long", facts, max(1.0, eta_s - limit_s))


def not_in_time(limit_s: float) -> Unserved:
    """It took longer than a request may live."""
    return Unserved(504, "not_in_time", {"limit": round(limit_s)}, 10.0)


def stopping() -> Unserved:
    """The server is on its way out."""
    return Unserved(503, "stopping", {}, 5.0)


def stopped(public: str) -> Unserved:
    """Somebody cancelled the job."""
    return Unserved(409, "job_cancelled", {"job": public})


def failed(public: str, code: str | None) -> Unserved:
    """The job could not be painted; it has cost nothing."""
    return Unserved(500, "job_failed", {"job": public, "reason": code or "unknown"})


def withheld() -> Unserved:
    """All its pictures were taken for harmful, and are shown to nobody."""
    return Unserved(400, "withheld", {})


def pictures_gone() -> Unserved:
    """It was done, and its pictures were deleted since."""
    return Unserved(410, "pictures_gone", {})


def hung_up() -> Unserved:
    """Nobody listens any more; the status is what others write into their logs for it."""
    return Unserved(499, "hung_up", {})
