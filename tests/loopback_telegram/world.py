"""Who and what there is: people, chats, topics, messages, and the bot's own place among them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.loopback_telegram.errors import ApiError, Json, bad, forbidden
from tests.loopback_telegram.files import Files
from tests.loopback_telegram.messages import Content, Message

ANONYMOUS = 1087968824  # the id of @GroupAnonymousBot, the same everywhere
IN = ("creator", "administrator", "member", "restricted")


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """Somebody, or the bot."""

    id: int
    first_name: str
    is_bot: bool = False
    username: str | None = None
    language: str | None = None

    @property
    def json(self) -> Json:
        told: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        if self.username:
            told["username"] = self.username
        if self.language:
            told["language_code"] = self.language
        return told


@dataclass(slots=True, kw_only=True, eq=False)
class Chat:
    """A private chat, a group or a supergroup, with all that was said in it."""

    id: int
    type: str  # "private", "group" or "supergroup"
    title: str
    person: User | None = None  # of a private chat
    members: dict[int, str] = field(default_factory=dict)  # user id -> status
    messages: dict[int, Message] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)  # thread id -> name
    closed_topics: set[int] = field(default_factory=set)
    forum: bool = False
    started: bool = False
    blocked: bool = False
    migrated_to: int | None = None

    @property
    def json(self) -> Json:
        if self.person is not None:
            told = {"id": self.id, "type": "private", "first_name": self.person.first_name}
            return told | ({"username": self.person.username} if self.person.username else {})
        told = {"id": self.id, "type": self.type, "title": self.title}
        return told | ({"is_forum": True} if self.forum else {})

    @property
    def private(self) -> bool:
        return self.type == "private"


@dataclass(slots=True, kw_only=True)
class World:
    """The state of this Telegram; changes are announced through `changed`."""

    bot: User
    changed: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.time
    users: dict[int, User] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    posts: list[Message] = field(default_factory=list)  # every message the bot ever made
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    common_ids: itertools.count[int] = field(default_factory=lambda: itertools.count(101))

    def add_user(self, user: User) -> User:
        self.users[user.id] = user
        return user

    def add_chat(self, chat: Chat) -> Chat:
        self.chats[chat.id] = chat
        return chat

    def chat(self, chat_id: int | str) -> Chat:
        """Any chat the bot may look at; 400 if there is none or it has moved."""
        found = self.chats.get(chat_id) if isinstance(chat_id, int) else None
        if found is None:
            raise bad("chat not found")
        if found.migrated_to is not None:
            raise bad(
                "group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=found.migrated_to,
            )
        return found

    def open_chat(self, chat_id: int | str) -> Chat:
        """A chat the bot may write to; 403 where it was blocked, kicked, or never asked in."""
        chat = self.chat(chat_id)
        if chat.private:
            if chat.blocked:
                raise forbidden("bot was blocked by the user")
            if not chat.started:
                raise forbidden("bot can't initiate conversation with a user")
        elif chat.members.get(self.bot.id, "left") not in IN:
            raise self.thrown_out(chat)
        return chat

    def thrown_out(self, chat: Chat) -> ApiError:
        if chat.members.get(self.bot.id) == "kicked":
            return forbidden(f"bot was kicked from the {chat.type} chat")
        return forbidden(f"bot is not a member of the {chat.type} chat")

    def message(self, chat: Chat, message_id: int, why: str) -> Message:
        """A message that still exists; 400 `why` otherwise."""
        found = chat.messages.get(message_id)
        if found is None or found.deleted:
            raise bad(why)
        return found

    def put(
        self,
        chat: Chat,
        sender: User,
        content: Content,
        *,
        reply_to: Message | None = None,
        thread: int | None = None,
        album: str | None = None,
        service: Json | None = None,
        anonymous: bool = False,
        number: int | None = None,
    ) -> Message:
        """A new message; in supergroups they are numbered per chat, elsewhere all together."""
        if number is None:
            number = (
                max(chat.messages, default=0) + 1
                if chat.type == "supergroup"
                else next(self.common_ids)
            )
        in_topic = chat.forum and thread is not None
        if chat.type == "supergroup" and not chat.forum and reply_to is not None:
            thread = reply_to.thread or reply_to.id  # threads of replies, which are no topics
        if in_topic and reply_to is None and thread in chat.messages:
            reply_to = chat.messages[thread]  # a topic's messages hang on its first one
        message = Message(
            id=number,
            chat=chat,
            sender=sender,
            at=self.clock(),
            versions=[content],
            reply_to=reply_to,
            thread=thread,
            in_topic=in_topic,
            album=album,
            service=service,
            anonymous=anonymous,
        )
        chat.messages[number] = message
        if sender is self.bot and service is None:
            self.posts.append(message)
        self.changed()
        return message
