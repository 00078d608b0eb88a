"""Owns `Where`: what the courier keeps of a job's place on Telegram, so that a restart finds it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.pictures import PictureRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a job was asked for, which message tells of it, and what was posted already."""

    chat: int
    """A private chat's id is that of the person; groups have negative ones."""
    asker: int
    asker_name: str = ""
    thread: int | None = None
    """The forum topic, in a group that has topics."""
    asked: int | None = None
    """The message that asked."""
    about: int | None = None
    """The picture of ours under which a button was pressed, where no message asked."""
    message: int | None = None
    """Our status message, once it is known."""
    shown: bool = False
    """The picture, or the word that there is none, stands where it belongs."""
    spoiler: bool = False
    lang: str = "en"
    sending: bool = False
    """A new message is on its way: nobody knows whether it arrived."""
    posting: bool = False
    """The picture itself is on its way as a new message: nobody knows whether it arrived."""
    sent: tuple[int, ...] = ()
    """The new messages that are known to stand; the first becomes the picture."""
    file: str | None = None
    """Telegram's id of the picture or grid that was sent: with it, it is shown again at once."""
    as_file: bool = False
    """That is the id of a document, since Telegram shows no picture of this form."""
    singles: tuple[str, ...] = ()
    """Telegram's ids of the pictures, each for itself, once they were asked for."""

    def to_json(self) -> str:
        """The text that is kept with the job; what has its default is left out."""
        defaults = {each.name: each.default for each in fields(self)}
        kept = {name: value for name, value in asdict(self).items() if value != defaults[name]}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back, passing over what a later version wrote. Raises `ValueError`."""
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"not a place on Telegram: {text[:80]!r}")
        names = {each.name for each in fields(cls)}
        known = {name: value for name, value in found.items() if name in names}
        try:
            lists = {name: tuple(known.get(name, ())) for name in ("sent", "singles")}
            return cls(**{**known, **lists})
        except TypeError as error:
            raise ValueError(f"not a place on Telegram: {text[:80]!r}") from error

    @property
    def private(self) -> bool:
        """Whether this is the chat of one person with the bot."""
        return self.chat > 0

    @property
    def lost_track(self) -> bool:
        """Whether an answer in a group reaches the asker only if it names them."""
        return self.asked is None and not self.private

    def veiled(self, pictures: Sequence[PictureRow]) -> Self:
        """The same, behind a veil if one of the pictures is to be shown so."""
        return replace(self, spoiler=True) if any(each.veil for each in pictures) else self

    def moved(self, chat: int) -> Self:
        """The same job after its group became the supergroup `chat`, where no old message is."""
        return replace(
            self,
            chat=chat,
            asked=None,
            about=None,
            message=None,
            sending=False,
            posting=False,
            sent=(),
        )
