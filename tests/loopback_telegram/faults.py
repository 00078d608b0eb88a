"""What goes wrong on demand: errors, dropped connections, silence, before or after the deed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.loopback_telegram.fields import Values


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong for the next `times` calls that it fits."""

    method: str  # a prefix: "send" fits every sending
    code: int | None = None  # answered; None: the connection is dropped
    committed: bool = False  # the call has taken effect all the same
    retry_after: int = 0
    says: str = "Internal Server Error"
    delay_s: float = 0.0
    chat: int | None = None
    fits: Callable[[Values], bool] = lambda values: True
    times: int = 1
    seen: int = 0

    @property
    def only_slow(self) -> bool:
        return self.delay_s > 0 and self.code == 200


@dataclass(slots=True)
class Faults:
    """The faults that wait for their call."""

    waiting: list[Fault] = field(default_factory=list)

    def answer(
        self,
        method: str,
        code: int,
        *,
        committed: bool = False,
        retry_after: int = 0,
        says: str = "Internal Server Error",
        chat: int | None = None,
        times: int = 1,
        fits: Callable[[Values], bool] = lambda values: True,
    ) -> Fault:
        """An HTTP error instead of the answer."""
        return self._add(
            Fault(
                method=method,
                code=code,
                committed=committed,
                retry_after=retry_after,
                says=says,
                chat=chat,
                times=times,
                fits=fits,
            )
        )

    def drop(
        self,
        method: str,
        *,
        committed: bool = False,
        chat: int | None = None,
        times: int = 1,
        fits: Callable[[Values], bool] = lambda values: True,
    ) -> Fault:
        """The connection ends without an answer."""
        return self._add(
            Fault(method=method, committed=committed, chat=chat, times=times, fits=fits)
        )

    def slow(
        self, method: str, seconds: float, *, chat: int | None = None, times: int = 1
    ) -> Fault:
        """The deed is done at once, and answered late."""
        return self._add(
            Fault(method=method, code=200, delay_s=seconds, chat=chat, times=times, committed=True)
        )

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, values: Values) -> Fault | None:
        """What goes wrong with this call, if anything."""
        for fault in self.waiting:
            if not values.method.startswith(fault.method) or not fault.fits(values):
                continue
            if fault.chat is not None and values.get("chat_id") != fault.chat:
                continue
            fault.seen += 1
            fault.times -= 1
            if not fault.times:
                self.waiting.remove(fault)
            return fault
        return None

    def _add(self, fault: Fault) -> Fault:
        self.waiting.append(fault)
        return fault
