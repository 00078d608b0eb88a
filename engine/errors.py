"""Every expected "no" of the engine, as facts; the sentences people read are made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass


class Refusal(Exception):
    """An expected "no". `code` names the reason in the JSON API and in translations."""

    code = "refused"


@dataclass(slots=True, eq=False)
class InvalidRequest(Refusal):
    """A value that cannot be painted.

    `field` is the request's field, `value` what was given, `allowed` the range or the choices in
    neutral notation: "1–30", "256×256, 320×192".
    """

    field: str
    value: str
    allowed: str
    code = "invalid_request"

    def __str__(self) -> str:
        return f"{self.field}: {self.value!r} is not possible (allowed: {self.allowed})"


@dataclass(slots=True, eq=False)
class Unusable(Refusal):
    """A value the chosen model has no use for, refused where callers must be exact (JSON API)."""

    field: str
    model: str
    code = "unusable"

    def __str__(self) -> str:
        return f"{self.model} takes no {self.field}"


@dataclass(slots=True, eq=False)
class UnknownModel(Refusal):
    """No model of that name is on offer; `known` lists those that are."""

    name: str
    known: tuple[str, ...]
    code = "unknown_model"

    def __str__(self) -> str:
        return f"no model is called {self.name!r} (there are: {', '.join(self.known) or 'none'})"


@dataclass(slots=True, eq=False)
class BrokenModel(Refusal):
    """A model folder that cannot be used, with the reason in one line."""

    name: str
    reason: str
    code = "broken_model"

    def __str__(self) -> str:
        return f"the model {self.name!r} cannot be used: {self.reason}"


@dataclass(slots=True, eq=False)
class BadSource(Refusal):
    """A source picture that is too large, of an unknown form, or not a picture at all.

    `reason` is "empty", "bytes", "pixels", "form" or "damaged"; `given` is its size where that is
    the reason.
    """

    reason: str
    allowed: str
    given: str = ""
    code = "bad_source"

    def __str__(self) -> str:
        facts = ", ".join(filter(None, (self.reason, self.given)))
        return f"the source picture cannot be used: {facts} (allowed: {self.allowed})"


class NothingMasked(Refusal):
    """A mask that leaves everything as it is: nothing would be painted."""

    code = "nothing_masked"

    def __str__(self) -> str:
        return "the mask marks nothing to be painted anew"


class Stopped(Exception):
    """Raised inside a step when somebody asked the painting to stop; not an error."""
