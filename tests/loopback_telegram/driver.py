"""What a test holds in its hands: a Telegram with people, groups, and all that the bot did."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.loopback_telegram.asking import Queries
from tests.loopback_telegram.errors import Json
from tests.loopback_telegram.faults import Faults
from tests.loopback_telegram.limits import Limits
from tests.loopback_telegram.messages import Content, Message
from tests.loopback_telegram.people import Person
from tests.loopback_telegram.server import Call, Server
from tests.loopback_telegram.updates import Updates
from tests.loopback_telegram.world import ANONYMOUS, IN, Chat, User, World

TOKEN = "700700700:AAHloopbackLoopbackLoopbackLoopback0"
BOT = User(id=700700700, first_name="Atelier", is_bot=True, username="atelier_bot")


class Telegram:
    """The server, its world, and short ways to what tests ask for."""

    def __init__(self, token: str = TOKEN) -> None:
        self._later_s = 0.0
        self._news = asyncio.Event()
        clock = self._clock
        bot = User(id=BOT.id, first_name=BOT.first_name, is_bot=True, username=BOT.username)
        self.world = World(bot=bot, changed=self._changed, clock=clock)
        self.world.add_user(bot)
        self.world.add_user(
            User(id=ANONYMOUS, first_name="Group", is_bot=True, username="GroupAnonymousBot")
        )
        self.hosts: dict[str, str] = {}  # public host -> http://127.0.0.1:port, for webhooks
        self.updates = Updates(local=self._local)
        self.server = Server(
            token=token, world=self.world, updates=self.updates, queries=Queries(clock)
        )
        self._ids = itertools.count(1)

    @property
    def url(self) -> str:
        """For ATELIER_TELEGRAM_API_URL."""
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def faults(self) -> Faults:
        return self.server.faults

    @property
    def limits(self) -> Limits:
        return self.server.limits

    @property
    def failures(self) -> list[str]:
        """What the bot did that the real API would not know."""
        return self.server.failures

    @property
    def refusals(self) -> list[str]:
        """Every 400 that the bot was given, with its method."""
        return self.server.refusals

    # --- people and places

    def person(self, name: str, *, language: str | None = "en") -> Person:
        """Somebody new, with a private chat in which nothing was said yet."""
        number = 100_000 + next(self._ids)
        user = User(id=number, first_name=name, username=f"{name.lower()}_x", language=language)
        self.world.add_user(user)
        chat = Chat(id=number, type="private", title=name, person=user)
        return Person(self, user, self.world.add_chat(chat))

    def group(
        self,
        title: str,
        *people: Person,
        kind: str = "supergroup",
        forum: bool = False,
        admins: Iterable[Person] = (),
        bot: str = "member",
    ) -> Chat:
        """A group that the bot was just added to by its first member, its creator."""
        number = next(self._ids)
        chat = self.world.add_chat(
            Chat(
                id=-(1_001_000_000_000 + number) if kind == "supergroup" else -(5_000_000 + number),
                type=kind,
                title=title,
                forum=forum,
            )
        )
        chat.members = {person.id: "member" for person in people}
        chat.members |= {person.id: "administrator" for person in admins}
        chat.members[people[0].id] = "creator"
        chat.members[self.world.bot.id] = bot
        self.tell_member(chat, people[0].user, "left", bot)
        joined: Json = {"new_chat_members": [self.world.bot.json]}
        self._serve(chat, people[0].user, joined)
        return chat

    def topic(self, chat: Chat, name: str, by: Person) -> int:
        """A new topic of a forum; its id is that of its first message."""
        assert chat.forum
        made: Json = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        number = max(chat.messages, default=0) + 1
        chat.topics[number] = name
        self.world.put(chat, by.user, Content(), service=made, thread=number, number=number)
        message = chat.messages[number]
        message.reply_to = None
        self.updates.add("message", message.json())
        return number

    def migrate(self, chat: Chat) -> Chat:
        """The group becomes a supergroup: another id, another numbering, no old messages."""
        assert chat.type == "group"
        owner = next(user for user, status in chat.members.items() if status == "creator")
        new = self.world.add_chat(
            Chat(
                id=-(1_002_000_000_000 + next(self._ids)),
                type="supergroup",
                title=chat.title,
                members=dict(chat.members),
            )
        )
        sender = self.world.users[owner]
        self._serve(chat, sender, {"migrate_to_chat_id": new.id})
        self._serve(new, self.world.users[ANONYMOUS], {"migrate_from_chat_id": chat.id})
        chat.migrated_to = new.id
        return new

    def kick(self, chat: Chat, by: Person) -> None:
        """The bot is thrown out of a group."""
        old = chat.members[self.world.bot.id]
        chat.members[self.world.bot.id] = "kicked"
        self.tell_member(chat, by.user, old, "kicked")

    def tell_member(self, chat: Chat, by: User, old: str, new: str) -> None:
        """The bot's own place in a chat has changed."""
        bot = self.world.bot.json
        self.updates.add(
            "my_chat_member",
            {
                "chat": chat.json,
                "from": by.json,
                "date": int(self.world.clock()),
                "old_chat_member": _standing(old, bot),
                "new_chat_member": _standing(new, bot),
            },
        )

    def hears(self, message: Message) -> bool:
        """Privacy mode: in groups only commands for this bot, and replies to it."""
        chat, bot = message.chat, self.world.bot
        if chat.private or chat.members.get(bot.id) == "administrator":
            return True
        if chat.members.get(bot.id) not in IN:
            return False
        if message.reply_to is not None and message.reply_to.sender is bot:
            return True
        command = re.match(r"/\w{1,64}(?:@(\w+))?", message.content.text)
        return bool(command and (command[1] or bot.username) == bot.username)

    # --- what the bot did

    def called(self, method: str) -> list[Call]:
        """All calls of methods whose names begin so."""
        return [call for call in self.server.calls if call.values.method.startswith(method)]

    def by_bot(self, chat: Chat | None = None) -> list[Message]:
        """What the bot has posted and is still there."""
        posts = self.world.posts
        return [m for m in posts if not m.deleted and (chat is None or m.chat is chat)]

    def replies(self, asked: Message) -> list[Message]:
        """The bot's messages that reply to this one and are still there."""
        return [m for m in self.by_bot(asked.chat) if m.reply_to is asked]

    def pictures(self, asked: Message | None = None, chat: Chat | None = None) -> list[Message]:
        """Visible pictures: all, those of one chat, or those that reply to a message."""
        found = self.by_bot(chat) if asked is None else self.replies(asked)
        return [m for m in found if m.content.media and m.content.media.kind == "photo"]

    def ever_pictured(self, asked: Message) -> list[Message]:
        """Every message in answer that showed a picture at any time, deleted ones too."""
        posts = [m for m in self.world.posts if m.reply_to is asked]
        return [m for m in posts if any(v.media is not None for v in m.versions)]

    def mentioning(self, word: str) -> list[Message]:
        """Visible messages with that word in text, caption, or the data of a button."""
        return [m for m in self.by_bot() if word in m.content.text or word in str(m.markup)]

    async def answer(self, asked: Message, within: float = 30.0) -> Message:
        """The bot's first message in reply."""
        await self.until(lambda: self.replies(asked), f"a reply to {asked.content.text!r}", within)
        return self.replies(asked)[0]

    async def picture(self, asked: Message, within: float = 90.0) -> Message:
        """The picture that was asked for, wherever it appears among the replies."""
        what = f"a picture for {asked.content.text!r}"
        await self.until(lambda: self.pictures(asked), what, within)
        return self.pictures(asked)[-1]

    async def until(self, holds: Callable[[], object], what: str, within: float = 30.0) -> None:
        """Wait until it holds; the bot doing anything strange ends the wait at once."""
        until = time.monotonic() + within
        while not holds():
            assert not self.failures, self.failures
            left = until - time.monotonic()
            assert left > 0, f"{what} did not come: {self.told()}"
            self._news.clear()
            try:
                async with asyncio.timeout(min(left, 0.25)):
                    await self._news.wait()
            except TimeoutError:
                continue

    def told(self) -> str:
        """The bot's last messages, for whoever reads a failure."""
        lines = [
            f"{m.chat.id}/{m.id}{' (deleted)' if m.deleted else ''}: {m.content.text[:80]!r}"
            for m in self.world.posts[-8:]
        ]
        recent = [f"{call.values.method}={call.code}" for call in self.server.calls[-8:]]
        return "\n".join(["", *lines, "last calls: " + ", ".join(recent)])

    # --- time and network

    def later(self, seconds: float) -> None:
        """Time passes for message ages and queries (not for limits)."""
        self._later_s += seconds

    async def go_away(self) -> None:
        await self.server.go_away()

    async def come_back(self) -> None:
        await self.server.come_back()

    def _clock(self) -> float:
        return time.time() + self._later_s

    def _changed(self) -> None:
        self._news.set()

    def _local(self, url: str) -> str | None:
        parts = urlsplit(url)
        base = self.hosts.get(parts.netloc)
        return None if base is None else base + parts.path

    def _serve(self, chat: Chat, sender: User, service: Json) -> None:
        message = self.world.put(chat, sender, Content(), service=service)
        self.updates.add("message", message.json())


def _standing(status: str, user: Json) -> Json:
    told: Json = {"status": status, "user": user}
    if status == "kicked":
        told["until_date"] = 0
    if status == "administrator":
        rights = (
            "can_be_edited is_anonymous can_manage_chat can_delete_messages"
            " can_manage_video_chats can_restrict_members can_promote_members can_change_info"
            " can_invite_users can_post_stories can_edit_stories can_delete_stories"
        )
        told |= dict.fromkeys(rights.split(), True)
    return told


@asynccontextmanager
async def open_telegram(token: str = TOKEN, *, strict: bool = True) -> AsyncIterator[Telegram]:
    """A Telegram that runs; at the end, nothing strange may have been asked of it."""
    telegram = Telegram(token)
    await telegram.server.start()
    try:
        yield telegram
        if strict:
            assert telegram.failures == [], telegram.failures
    finally:
        await telegram.server.close()
