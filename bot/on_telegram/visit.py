"""Owns `Visit`: who speaks to the bot, where, with which rights, and how they are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telegram import Bot, ChatMember, Message, ReplyParameters, User
from telegram.constants import ChatType
from telegram.error import TelegramError

from bot.desk import texts
from bot.desk.errors import ChannelNotAllowed
from bot.desk.texts import on_telegram as words
from bot.on_telegram.topics import topics_line
from bot.on_telegram.where import Where
from bot.on_telegram.wording import Said, lines

if TYPE_CHECKING:
    from telegram import CallbackQuery, Chat, ForceReply, InlineKeyboardMarkup
    from telegram.ext import ExtBot

    from bot.desk.answers import Asker
    from bot.on_telegram.parts import Parts

PLATFORM = "telegram"
RIGHTS_S = 60.0
"""Seconds for which somebody's rights in a chat are remembered."""
RIGHTS_KEPT = 5000
RULERS = (ChatMember.OWNER, ChatMember.ADMINISTRATOR)


class Rights:
    """Answers who administers a chat, asking Telegram once a minute at most."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[tuple[int, int], tuple[float, bool]] = {}

    async def rules(self, bot: Bot, chat: int, person: int) -> bool:
        """Whether `person` is an administrator of the group `chat`; no, if nobody can say."""
        if person == chat:  # an administrator who speaks as the group itself
            return chat < 0
        if chat > 0 or person < 0:
            return False
        until, known = self._kept.get((chat, person), (0.0, False))
        if until > self._clock():
            return known
        try:
            found = (await bot.get_chat_member(chat, person)).status in RULERS
        except TelegramError:
            return False
        if len(self._kept) >= RIGHTS_KEPT:
            self._kept.clear()
        self._kept[chat, person] = (self._clock() + RIGHTS_S, found)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody wants something: by a message, or by pressing a button under one of ours.

    `person` is negative where a group or a channel speaks for itself. `key` makes it harmless to
    hear the same twice.
    """

    parts: Parts
    rights: Rights
    bot: ExtBot[Any]
    chat: Chat
    person: int
    name: str
    lang: str
    key: str
    thread: int | None = None
    message: Message | None = None
    """The message that speaks; None for a press."""
    answers: int | None = None
    """The message that our answers belong to."""
    words: str = ""
    """What followed the command."""

    @property
    def private(self) -> bool:
        """Whether this is the chat of one person with the bot."""
        return self.chat.type == ChatType.PRIVATE

    async def asker(self, *, ruling: bool = False) -> Asker:
        """The desk's idea of who asks; with `ruling`, their rights in the chat are looked up."""
        channel = str(self.thread or 0)
        ruler = ruling and await self.rights.rules(self.bot, self.chat.id, self.person)
        return await self.parts.studio.asker(
            PLATFORM,
            str(self.person),
            place=str(self.chat.id),
            name=self.name,
            place_name=self.chat.title or "",
            channel=channel,
            channels=frozenset({channel}),
            admin=ruler,
            moderator=ruler,
        )

    def where(self, *, spoiler: bool = False) -> Where:
        """What the courier has to know to answer here."""
        return Where(
            chat=self.chat.id,
            asker=self.person,
            asker_name=self.name,
            thread=self.thread,
            asked=None if self.message is None else self.answers,
            about=self.answers if self.message is None else None,
            spoiler=spoiler,
            lang=self.lang,
        )

    async def reply(
        self,
        said: Said | str,
        keyboard: InlineKeyboardMarkup | ForceReply | None = None,
        *,
        quote: bool = False,
    ) -> None:
        """Say something; in groups, or with `quote`, as a reply to the message that asked.

        Where a group has no room for it, it is said with what others are told; what has buttons
        or wants an answer cannot be, and has to be asked for again.
        """
        said = lines(said) if isinstance(said, str) else said
        notices = self.parts.notices
        if not self.private and notices.needed(self.chat.id):
            crowded = lines(words.crowded(self.lang))
            await notices.say(self.where(), said if keyboard is None else crowded)
        else:
            await self.bot.send_message(
                **self.to(quote=quote), reply_markup=keyboard, **said.as_text
            )

    async def refuse(self, error: BaseException) -> None:
        """Say why it does not work."""
        await self.reply(self.why(error), quote=True)

    def why(self, error: BaseException) -> Said:
        """Why it does not work; where topics are closed, the open ones can be tapped."""
        if isinstance(error, ChannelNotAllowed):
            return lines(topics_line(self.chat.id, error.allowed, self.lang))
        return lines(texts.explain(error, self.lang, now=self.parts.clock()))

    def to(self, *, quote: bool = True) -> dict[str, Any]:
        """The arguments that send something here; `quote` as in `reply`."""
        answer = None
        if self.answers is not None and (quote or not self.private):
            answer = ReplyParameters(self.answers, allow_sending_without_reply=True)
        return {
            "chat_id": self.chat.id,
            "message_thread_id": self.thread,
            "reply_parameters": answer,
        }


def visit_by_message(
    message: Message, *, parts: Parts, rights: Rights, bot: ExtBot[Any], words: str = ""
) -> Visit | None:
    """The visit that a message is; None where nobody speaks, as in a channel's posts."""
    speaker: Chat | User | None = message.sender_chat or message.from_user
    if speaker is None or message.is_automatic_forward:
        return None
    if message.sender_chat is None and message.from_user is not None and message.from_user.is_bot:
        return None
    code = None if message.from_user is None else message.from_user.language_code
    return Visit(
        parts=parts,
        rights=rights,
        bot=bot,
        chat=message.chat,
        person=speaker.id,
        name=(speaker.full_name if isinstance(speaker, User) else speaker.effective_name) or "",
        lang=texts.pick_language(code),
        key=f"{PLATFORM}:{message.chat.id}:{message.message_id}",
        thread=message.message_thread_id if message.is_topic_message else None,
        message=message,
        answers=message.message_id,
        words=words,
    )


def visit_by_press(
    query: CallbackQuery, *, parts: Parts, rights: Rights, bot: ExtBot[Any]
) -> Visit | None:
    """The visit that a press is; None if the button stands where we cannot answer."""
    message = query.message
    if message is None:
        return None
    topic = isinstance(message, Message) and message.is_topic_message
    return Visit(
        parts=parts,
        rights=rights,
        bot=bot,
        chat=message.chat,
        person=query.from_user.id,
        name=query.from_user.full_name,
        lang=texts.pick_language(query.from_user.language_code),
        key=f"{PLATFORM}:{query.id}",
        thread=message.message_thread_id if isinstance(message, Message) and topic else None,
        answers=message.message_id,
    )


def replied(message: Message) -> Message | None:
    """The message that somebody replied to; in a topic, not the one that only opened it."""
    answered = message.reply_to_message
    if answered is None or answered.forum_topic_created is not None:
        return None
    return answered
