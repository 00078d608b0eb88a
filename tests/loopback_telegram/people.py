"""The people of a test: they write, press, block, ask inline; their chats and groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.loopback_telegram.asking import Query
from tests.loopback_telegram.entities import seen
from tests.loopback_telegram.errors import Json
from tests.loopback_telegram.fields import Upload
from tests.loopback_telegram.messages import Content, Message
from tests.loopback_telegram.posting import MOST_CAPTION, MOST_TEXT
from tests.loopback_telegram.utf16 import units
from tests.loopback_telegram.world import ANONYMOUS, IN, Chat, User

if TYPE_CHECKING:
    from tests.loopback_telegram.driver import Telegram


@dataclass(slots=True, eq=False)
class Person:
    """Somebody with a phone; `language` is what their Telegram speaks."""

    telegram: Telegram
    user: User
    private: Chat

    @property
    def id(self) -> int:
        return self.user.id

    async def says(
        self,
        where: Chat | None,
        text: str = "",
        *,
        topic: int | None = None,
        reply_to: Message | None = None,
        photo: bytes | None = None,
        document: tuple[str, bytes, str] | None = None,
        anonymous: bool = False,
    ) -> Message:
        """Write, in one's private chat with the bot (None) or in a group; with a photo or a file.

        `document` is its name, its bytes and its media type.
        """
        chat = self.private if where is None else where
        assert units(text) <= (MOST_TEXT if photo is None else MOST_CAPTION), "the app splits it"
        if chat.private:
            assert chat is self.private
            if chat.blocked:
                await self.unblocks()
            chat.started = True
        else:
            assert chat.members.get(self.id) in IN, f"{self.user.first_name} is not in that group"
        assert topic is None or topic in chat.topics
        media = None
        files = self.telegram.world.files
        if photo is not None:
            media = files.photo(Upload(name="photo.jpg", data=photo, mime="image/jpeg"))
        if document is not None:
            name, data, mime = document
            media = files.document(Upload(name=name, data=data, mime=mime))
        text = text.strip()
        content = Content(text=text, entities=tuple(seen(text)), media=media)
        sender = self.telegram.world.users[ANONYMOUS] if anonymous else self.user
        said = self.telegram.world.put(
            chat, sender, content, reply_to=reply_to, thread=topic, anonymous=anonymous
        )
        if self.telegram.hears(said):
            self.telegram.updates.add("message", said.json())
        return said

    async def edits(self, message: Message, text: str) -> None:
        """Change what one has said."""
        assert message.sender is self.user
        message.versions.append(Content(text=text, entities=tuple(seen(text))))
        message.edited_at = self.telegram.world.clock()
        if self.telegram.hears(message):
            self.telegram.updates.add("edited_message", message.json())

    async def deletes(self, message: Message) -> None:
        """Take back what one has said; the bot is told nothing."""
        message.deleted = True

    async def presses(self, message: Message, button: str) -> Press:
        """Press the button with that label, or whose label or data begin with or hold it."""
        assert not message.deleted, "that message is gone"
        rows = (message.markup or {}).get("inline_keyboard", [])
        buttons = [each for row in rows for each in row if "callback_data" in each]
        chosen = _chosen(buttons, button)
        queries = self.telegram.server.queries
        query = queries.put(next(self.telegram.world.numbers))
        self.telegram.updates.add(
            "callback_query",
            {
                "id": query.id,
                "from": self.user.json,
                "chat_instance": str(message.chat.id),
                "message": message.json(),
                "data": chosen["callback_data"],
            },
        )
        return Press(telegram=self.telegram, query=query)

    async def asks_inline(self, words: str, *, offset: str = "") -> Press:
        """Type `@bot words` somewhere."""
        query = self.telegram.server.queries.put(next(self.telegram.world.numbers))
        told = {"id": query.id, "from": self.user.json, "query": words, "offset": offset}
        self.telegram.updates.add("inline_query", told | {"chat_type": "private"})
        return Press(telegram=self.telegram, query=query)

    async def starts(self) -> Message:
        """Press Start in the private chat."""
        return await self.says(None, "/start")

    async def blocks(self) -> None:
        """Block the bot."""
        self.private.blocked = True
        self.telegram.tell_member(self.private, self.user, "member", "kicked")

    async def unblocks(self) -> None:
        """Let it write again."""
        self.private.blocked = False
        self.telegram.tell_member(self.private, self.user, "kicked", "member")


@dataclass(slots=True, kw_only=True, eq=False)
class Press:
    """A press or an inline question that the bot has to answer."""

    telegram: Telegram
    query: Query

    async def answered(self, within: float = 30.0) -> Json:
        """What the bot answered: `text` and `show_alert`, or `results`."""
        await self.telegram.until(lambda: self.query.answer is not None, "an answer", within)
        assert self.query.answer is not None
        return self.query.answer


def _chosen(buttons: list[Json], wanted: str) -> Json:
    tests: tuple[Callable[[Json], bool], ...] = (
        lambda b: b["text"] == wanted,
        lambda b: b["callback_data"] == wanted,
        lambda b: b["callback_data"].startswith(wanted),
        lambda b: wanted in b["text"],
    )
    for fits in tests:
        for button in buttons:
            if fits(button):
                return button
    raise AssertionError(f"no button {wanted!r} among {[b['text'] for b in buttons]}")
