"""Decides when somebody who waits is told something new: often near the front, rarely far back.

A chat's status message asks it what is worth an edit; it knows no chat and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.desk.announcer import Event, EventName

BRIEF_S = 3.0
"""What is painted within this is not worth an edit on the way."""
ENDING_S = 1.0
"""Nor is a painting that ends this soon."""


def rung(position: int) -> int:
    """The first of 1–7, 9, 11, 14, 18, 23, 29 … from `position` on; news only if it changes."""
    if position <= 7:
        return position
    reached, stride = 9, 2
    while reached < position:
        reached, stride = reached + stride, stride + 1
    return reached


@dataclass(slots=True, kw_only=True)
class Telling:
    """What one person was told about their job, and what there is to tell them next.

    `event` is the newest state, to be told when `news`; `preview` the newest small picture.
    """

    event: Event | None = None
    news: bool = False
    preview: bytes | None = None
    whole_s: float = 0.0
    """The seconds that the painting was said to take when it began."""
    _rung: int = 0
    _warming: bool | None = None
    _began: bool = False

    def absorb(self, event: Event) -> bool:
        """Take in what happened; whether it is worth telling."""
        if event.name is EventName.queued:
            place = (rung(event.position), event.warming)
            worth = place != (self._rung, self._warming)
            self._rung, self._warming = place
            self._began, self.preview = False, None
        elif event.name is EventName.step:
            if not self._began:
                self._began, self.whole_s = True, event.eta_s or 0.0
            self._rung = 0
            eta_s = self.whole_s if event.eta_s is None else event.eta_s
            worth = max(self.whole_s, eta_s) >= BRIEF_S and eta_s >= ENDING_S
        else:
            if event.progress is not None:
                self.preview = event.progress.preview
            return False
        if worth or self.news:
            self.event = event
        self.news = self.news or worth
        return worth

    def know(self, position: int, warming: bool = False) -> None:
        """This much was told in the first answer."""
        self._rung, self._warming = rung(position), warming

    def take(self) -> Event:
        """What is to be told now; there is no news afterwards."""
        assert self.event is not None
        self.news = False
        return self.event
