"""The expected "no"s that only the desk knows; the engine and the storage have their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


@dataclass(slots=True, eq=False)
class MissingPermissions(Refusal):
    """The bot may not do here what a picture needs; `names` as the platform calls them."""

    names: tuple[str, ...]
    code = "missing_permissions"

    def __str__(self) -> str:
        return f"missing here: {', '.join(self.names)}"


@dataclass(slots=True, eq=False)
class Unreachable(Refusal):
    """The picture would be ready too late to be shown there, and direct messages are closed."""

    eta_s: float
    code = "unreachable"

    def __str__(self) -> str:
        return f"ready in {self.eta_s:.0f} s, when nothing can be posted any more"


@dataclass(slots=True, eq=False)
class NotServed(Refusal):
    """The operator lets the bot work in other places only."""

    code = "not_served"

    def __str__(self) -> str:
        return "the bot does not work in this place"


@dataclass(slots=True, eq=False)
class NoPicture(Refusal):
    """There is no picture in what somebody pointed at."""

    code = "no_picture"

    def __str__(self) -> str:
        return "there is no picture"


@dataclass(slots=True, eq=False)
class UnknownStyle(Refusal):
    """No style is called that; `known` are those that sound alike, or all of them."""

    name: str
    known: tuple[str, ...]
    code = "unknown_style"

    def __str__(self) -> str:
        return f"no style is called {self.name!r} (there are: {', '.join(self.known) or 'none'})"


@dataclass(slots=True, eq=False)
class NotAllowed(Refusal):
    """Only somebody with more rights may do this: `needed` is who could."""

    needed: Literal["moderator", "admin", "operator"]
    code = "not_allowed"

    def __str__(self) -> str:
        return f"this is for a {self.needed}"


@dataclass(slots=True, eq=False)
class ChannelNotAllowed(Refusal):
    """The place takes jobs in these channels only: `allowed` are their ids on the platform."""

    allowed: tuple[str, ...]
    platform: str
    code = "channel_not_allowed"

    def __str__(self) -> str:
        return f"not in this channel, but in {', '.join(self.allowed)}"


@dataclass(slots=True, eq=False)
class RoleNotAllowed(Refusal):
    """The place takes jobs from people with one of these roles only, as ids on the platform."""

    allowed: tuple[str, ...]
    platform: str
    code = "role_not_allowed"

    def __str__(self) -> str:
        return f"only with one of the roles {', '.join(self.allowed)}"


@dataclass(slots=True, eq=False)
class ModelNotAllowed(Refusal):
    """The model is there, but not for this place; `allowed` are those that are."""

    name: str
    allowed: tuple[str, ...]
    code = "model_not_allowed"

    def __str__(self) -> str:
        return f"{self.name!r} is not used here (there are: {', '.join(self.allowed) or 'none'})"


@dataclass(slots=True, eq=False)
class BlockedWord(Refusal):
    """`field` has something that may not be asked for in this place: `found`, as it was written."""

    field: str
    found: str
    code = "blocked_word"

    def __str__(self) -> str:
        return f"{self.field}: {self.found!r} is not painted here"


@dataclass(slots=True, eq=False)
class BadPattern(Refusal):
    """A word or pattern that cannot be kept: `reason` is "length", "count", "everything" or what
    re2 has to say; `allowed` is the limit where there is one."""

    pattern: str
    reason: str
    allowed: int | None = None
    code = "bad_pattern"

    def __str__(self) -> str:
        return f"the pattern {self.pattern!r} cannot be used: {self.reason}"


@dataclass(slots=True, eq=False)
class NoBudgetHere(Refusal):
    """People have no budget of this place's own, so that nothing can be given or reset here.

    `budget` is what everybody has in all places together, in credits a day: the operator's.
    """

    budget: float
    code = "no_budget_here"

    def __str__(self) -> str:
        return "this place has no budget per person"


@dataclass(slots=True, eq=False)
class SeveralPictures(Refusal):
    """Somebody pointed at `count` pictures at once where one is needed."""

    count: int
    code = "several_pictures"

    def __str__(self) -> str:
        return f"{self.count} pictures, and one is needed"


@dataclass(slots=True, eq=False)
class TooManyReports(Refusal):
    """Somebody reported `limit` pictures within an hour; the next is taken at `again_at`."""

    limit: int
    again_at: float
    code = "too_many_reports"

    def __str__(self) -> str:
        return f"{self.limit} reports an hour are made"
