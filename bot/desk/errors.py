"""The expected "no"s that only the desk knows; the engine and the storage have their own."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import InvalidRequest, Refusal


@dataclass(slots=True, eq=False)
class SourceGone(Refusal):
    """The picture to start from is not stored any more."""

    source: str
    code = "source_gone"

    def __str__(self) -> str:
        return f"the source {self.source!r} is not there any more"


class UnknownFlag(InvalidRequest):
    """A flag nobody knows: `value` is what was typed, `allowed` the closest one or all of them."""


class RepeatedFlag(InvalidRequest):
    """A flag that was given twice with one meaning: `value` is its second value."""


class MissingValue(InvalidRequest):
    """A flag without its value: `value` is the flag, `allowed` what may follow."""


class UnreadableValue(InvalidRequest):
    """A flag whose value has the wrong form: `value` was typed, `allowed` is an example."""
