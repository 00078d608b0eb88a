"""One message and everything it ever showed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.loopback_telegram.errors import Json
from tests.loopback_telegram.files import Media

if TYPE_CHECKING:
    from tests.loopback_telegram.world import Chat, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a message shows at one time."""

    text: str = ""  # or the caption
    entities: tuple[Json, ...] = ()
    media: Media | None = None
    spoiler: bool = False
    keyboard: Json | None = None
    preview: bool = True


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """A message of anybody; `versions` has its edits, the latest last."""

    id: int
    chat: Chat
    sender: User
    at: float
    versions: list[Content]
    reply_to: Message | None = None
    thread: int | None = None
    in_topic: bool = False
    album: str | None = None
    service: Json | None = None
    anonymous: bool = False
    edited_at: float | None = None
    deleted: bool = False
    reactions: dict[int, list[Json]] = field(default_factory=dict)

    @property
    def content(self) -> Content:
        return self.versions[-1]

    @property
    def markup(self) -> Json | None:
        return self.content.keyboard

    def json(self, *, deep: bool = True) -> Json:
        """As the API shows it; of what it replies to, one level."""
        told: Json = {
            "message_id": self.id,
            "date": int(self.at),
            "chat": self.chat.json,
            "from": self.sender.json,
        }
        if self.anonymous:
            told["sender_chat"] = self.chat.json
        if self.thread is not None:
            told["message_thread_id"] = self.thread
        if self.in_topic:
            told["is_topic_message"] = True
        if deep and self.reply_to is not None:
            told["reply_to_message"] = self.reply_to.json(deep=False)
        if self.album:
            told["media_group_id"] = self.album
        if self.edited_at is not None:
            told["edit_date"] = int(self.edited_at)
        return told | (self.service or {}) | self._shown()

    def _shown(self) -> Json:
        content = self.content
        told: Json = dict(content.media.json) if content.media else {}
        prefix = "caption" if content.media else "text"
        if content.text:
            told[prefix] = content.text
        if content.entities:
            told["caption_entities" if content.media else "entities"] = list(content.entities)
        if content.spoiler:
            told["has_media_spoiler"] = True
        if content.keyboard and "inline_keyboard" in content.keyboard:
            told["reply_markup"] = content.keyboard
        return told
