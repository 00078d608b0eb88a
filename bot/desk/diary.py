"""Owns what an operator should hear of later: refusals, failures, trouble. Kept over restarts.

Refusals are told by the meter, the rest is overheard: whatever the log says as a warning or worse.
It is written down in batches, the same things as one, so that a flood of them costs little.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidRequest, Refusal, UnknownModel, Unusable
from storage.errors import OverBudget, QueueFull, TooManyWaiting
from storage.incidents import Kind, NewIncident

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from storage.incidents import Incidents

WRITES_S = 2.0
MOST = 100
"""So many different things are written down at once; what comes beyond them is only counted."""
LONGEST = 300
"""Characters of a detail that are kept."""
CROWDED = "and_more"
"""The code of what there was no room for."""

REFUSED_LATE = "refused while painting"
"""What the easel says, no louder than a warning, when a job fails for an expected reason."""
_OURS = frozenset({"event", "level", "logger", "timestamp", "exc_info", "stack_info", "person"})


@dataclass(frozen=True, slots=True)
class _Same:
    """What makes two things the same."""

    kind: Kind
    code: str
    platform: str
    person: int | None
    job: str | None
    detail: str


class Diary:
    """Takes notes from anywhere, any thread; `run` is a task that writes them down."""

    def __init__(
        self,
        incidents: Incidents,
        *,
        clock: Callable[[], float] = time.time,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._incidents = incidents
        self._clock = clock
        self._secrets = tuple(each for each in secrets if each)
        self._lock = threading.Lock()
        self._noted: dict[_Same, NewIncident] = {}

    def refused(self, refusal: Refusal, asker: Asker) -> None:
        """Somebody was told "no"; what they wrote is not kept."""
        self._note(
            NewIncident(
                kind=Kind.REFUSED,
                code=refusal.code,
                at=self._clock(),
                platform=asker.place.platform,
                person=asker.person.id,
                detail=_facts(refusal),
            )
        )

    def overheard(self, record: logging.LogRecord) -> None:
        """The log said something; an error that speaks of a job is a failure of that job."""
        said: Mapping[str, Any] = record.msg if isinstance(record.msg, dict) else {}
        event = str(said.get("event") or record.getMessage())
        details = [f"{key}: {value}" for key, value in said.items() if _told(key)]
        error = _error(said.get("exc_info") or record.exc_info)
        job, person = said.get("job"), said.get("person")
        failed = job is not None and (record.levelno >= logging.ERROR or event == REFUSED_LATE)
        self._note(
            NewIncident(
                kind=Kind.FAILED if failed else Kind.TROUBLE,
                code=self._safe(event)[:LONGEST],
                at=self._clock(),
                person=person if isinstance(person, int) else None,
                job=None if job is None else str(job),
                detail=self._safe(", ".join(filter(None, (*details, error))))[:LONGEST],
            )
        )

    async def run(self) -> None:
        """Write down what was noted, until cancelled."""
        while True:
            await asyncio.sleep(WRITES_S)
            await self.write()

    async def write(self) -> None:
        """Write down what was noted until now."""
        with self._lock:
            noted, self._noted = self._noted, {}
        if not noted:
            return
        with suppress(Exception):  # saying so in the log would end up here again
            await self._incidents.add(list(noted.values()))

    def _note(self, new: NewIncident) -> None:
        same = _Same(new.kind, new.code, new.platform, new.person, new.job, new.detail)
        with self._lock:
            if same not in self._noted and len(self._noted) >= MOST:
                new = NewIncident(kind=new.kind, code=CROWDED, at=new.at)
                same = _Same(new.kind, CROWDED, "", None, None, "")
            before = self._noted.get(same)
            self._noted[same] = new if before is None else replace(new, times=before.times + 1)

    def _safe(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "•••")
        return text


class Overhearing(logging.Handler):
    """Hands what the log says as a warning or worse to a diary."""

    def __init__(self, diary: Diary) -> None:
        super().__init__(logging.WARNING)
        self._diary = diary

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises: nobody's work ends because it could not be noted."""
        try:
            self._diary.overheard(record)
        except Exception:
            self.handleError(record)


def _told(key: str) -> bool:
    return key not in _OURS and key != "job" and not key.startswith("_")


def _error(exc_info: Any) -> str:
    """The name of an exception and its first line."""
    if exc_info is True:  # structlog's way to say "the one that is being handled"
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if not isinstance(error, BaseException):
        return ""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _facts(refusal: Refusal) -> str:
    """The limit that was met, in neutral notation, without anything that somebody wrote."""
    match refusal:
        case OverBudget():
            return f"{refusal.used:g} / {refusal.budget:g}"
        case QueueFull() | TooManyWaiting():
            return f"{refusal.limit}"
        case Unusable():
            return f"{refusal.field}: {refusal.model}"
        case UnknownModel():
            return ", ".join(refusal.known)
        case InvalidRequest():
            return f"{refusal.field}: {refusal.allowed}"
    return ""
