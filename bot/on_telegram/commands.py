"""Hears what is said to the bot and does it: commands, plain words, pictures, answers, presses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from telegram import Message, MessageEntity, Update
from telegram.error import BadRequest, TelegramError
from telegram.ext import CallbackQueryHandler, InlineQueryHandler, MessageHandler, filters

from bot.desk.errors import NotServed
from bot.desk.texts import on_telegram as words
from bot.on_telegram import admin, asking, captions, inline, members, presses
from bot.on_telegram.door import Door
from bot.on_telegram.menus import menus
from bot.on_telegram.posting import Fate, fate, summary
from bot.on_telegram.sources import picture_in
from bot.on_telegram.visit import (
    PLATFORM,
    Rights,
    Visit,
    replied,
    visit_by_message,
    visit_by_press,
)
from bot.on_telegram.wording import say
from engine.errors import Refusal

if TYPE_CHECKING:
    from telegram import CallbackQuery
    from telegram.ext import Application, ExtBot

    from bot.on_telegram.parts import Parts

__all__ = ["install", "menus"]

COMMANDS: Mapping[str, Callable[[Visit], Awaitable[None]]] = {
    **members.COMMANDS,
    **admin.COMMANDS,
}

PAUSES_S = (1.0, 3.0, 10.0, 30.0)
"""How long to wait before an answer that did not get through is tried again."""
NOBODY_THERE = (Fate.AGAIN, Fate.HELD, Fate.NO_ENTRY)
"""When an answer did not arrive for these reasons, nobody made a mistake."""

log = structlog.get_logger(__name__)


def install(application: Application[Any, Any, Any, Any, Any, Any], parts: Parts) -> Counter:
    """Have the application hear with `parts` behind it; returns who serves."""
    counter = Counter(parts, application.bot)
    heard = filters.UpdateType.MESSAGE & (filters.TEXT | filters.PHOTO | filters.Document.ALL)
    application.add_handler(MessageHandler(heard, counter.hear))
    application.add_handler(CallbackQueryHandler(counter.press))
    application.add_handler(InlineQueryHandler(counter.look))
    application.add_error_handler(counter.stumble)
    return counter


class Counter:
    """What every update comes to: who it is, whether they are served, and who serves them."""

    def __init__(self, parts: Parts, bot: ExtBot[Any]) -> None:
        self._parts = parts
        self._bot = bot
        self._rights = Rights(parts.clock)
        self._door = Door(parts.clock)

    async def hear(self, update: Update, context: Any) -> None:
        """A message: a command, words or a picture in a private chat, an answer to a question."""
        message = update.message
        assert message is not None
        what = meaning(message, context.bot)
        if what is None:
            return
        do, said = what
        visit = visit_by_message(
            message, parts=self._parts, rights=self._rights, bot=context.bot, words=said
        )
        if visit is None:
            return
        await insisting(lambda: self._hear(visit, do))

    async def _hear(self, visit: Visit, do: Callable[[Visit], Awaitable[None]]) -> None:
        try:
            self._serve(visit)
            await do(visit)
        except NotServed as error:
            if self._door.tells(visit.chat.id):
                await visit.refuse(error)
        except Refusal as error:
            await visit.refuse(error)

    async def press(self, update: Update, context: Any) -> None:
        """A button under one of our messages."""
        query = update.callback_query
        assert query is not None
        visit = visit_by_press(query, parts=self._parts, rights=self._rights, bot=context.bot)
        if visit is None:
            await query.answer()
            return
        await insisting(lambda: presses.press(visit, query, self._serve))

    async def look(self, update: Update, context: Any) -> None:
        """Words after the bot's name, in whatever chat: pictures of one's own to share."""
        query = update.inline_query
        assert query is not None
        person = query.from_user.id
        served = self._parts.works_for(person, person) or self._operates(person)
        await inline.look(query, self._parts, served=served)

    async def stumble(self, update: object, context: Any) -> None:
        """Something went wrong that nobody expected: into the log, and a kind word to the asker.

        That Telegram was away for too long, or that somebody does not want to hear from us, is no
        mistake of ours: it is a line in the log, and there is nobody to tell.
        """
        if isinstance(context.error, TelegramError) and fate(context.error) in NOBODY_THERE:
            log.warning("an answer did not arrive", error=summary(context.error))
            return
        log.error("an update was not served", exc_info=context.error)
        visit, query = self._waiting(update) if isinstance(update, Update) else (None, None)
        if visit is not None and query is None and context.error is not None:
            with suppress(TelegramError):
                await visit.refuse(context.error)

    async def give_up(self, update: Update) -> None:
        """A kind word about what is not tried any more: it may be what the process died of.

        Whoever's job was taken on all the same hears of that.
        """
        visit, query = self._waiting(update)
        if visit is None or not self._served(visit):
            return
        person = await self._parts.people.known(PLATFORM, str(visit.person), visit.name)
        if await self._parts.jobs.by_key(person.id, visit.key) is not None:
            return
        said = words.given_up(visit.lang)
        try:
            if query is not None:
                await query.answer(said, show_alert=True)
                return
        except BadRequest as error:  # Telegram does not remember that press
            log.info("a press is too old to be answered", error=summary(error))
        called = [] if visit.private else captions.named(visit.where())
        try:
            await insisting(lambda: visit.reply(say([*called, said]), quote=True))
        except TelegramError as error:
            log.warning("an answer did not arrive", error=summary(error))

    def _waiting(self, update: Update) -> tuple[Visit | None, CallbackQuery | None]:
        """Who waits for what an update brings, and the press if it is one."""
        message, query = update.message, update.callback_query
        visit = None
        if query is not None:
            visit = visit_by_press(query, parts=self._parts, rights=self._rights, bot=self._bot)
        elif message is not None and meaning(message, self._bot) is not None:
            visit = visit_by_message(message, parts=self._parts, rights=self._rights, bot=self._bot)
        return visit, query

    def _serve(self, visit: Visit) -> None:
        """Raises `NotServed` where the operator does not want us."""
        if not self._served(visit):
            raise NotServed()

    def _served(self, visit: Visit) -> bool:
        served = self._parts.works_for(visit.chat.id, visit.person)
        return served or self._operates(visit.person)

    def _operates(self, person: int) -> bool:
        return ("telegram", str(person)) in self._parts.settings.operators


async def insisting(do: Callable[[], Awaitable[None]]) -> None:
    """Do it again while the network or Telegram fails: to hear an update twice is harmless.

    Whatever else Telegram says is raised, and so is what still fails after the last pause.
    """
    for pause in PAUSES_S:
        try:
            await do()
        except TelegramError as error:
            if fate(error) is not Fate.AGAIN:
                raise
            log.info("an answer is tried again", again_in_s=pause, error=summary(error))
            await asyncio.sleep(pause)
        else:
            return
    await do()


Does = tuple[Callable[[Visit], Awaitable[None]], str]


def meaning(message: Message, bot: Any) -> Does | None:
    """What a message wants of us, and the words that go with it; None if it wants nothing."""
    text = message.text or message.caption or ""
    private = message.chat.id > 0
    if (found := command(message, bot.username)) is not None:
        name, said, named = found
        if name in COMMANDS:
            return COMMANDS[name], said
        return (unknown, "") if private or named else None
    answered = replied(message)
    given = None if answered is None else asking.Open.of(answered, bot.id)
    if given is not None:
        return (lambda visit: asking.paint(visit, visit.words, given)), text
    if not private or message.via_bot is not None:
        return None
    if message.document is not None and picture_in(message) is None:
        return members.no_picture, ""
    if not text and message.media_group_id is not None:
        return None  # the rest of an album, whose words stand under its first picture
    return members.imagine, text


def command(message: Message, username: str) -> tuple[str, str, bool] | None:
    """The command a message begins with, the words after it, and whether it names this bot.

    None if there is none, or if it is meant for another bot. `/show_k3v9` is `/show k3v9`.
    """
    text = message.text or message.caption or ""
    entities = message.entities or message.caption_entities or ()
    first = next((each for each in entities if each.offset == 0), None)
    if first is None or first.type != MessageEntity.BOT_COMMAND:
        return None
    typed, _, addressee = text[1 : first.length].partition("@")
    if addressee and addressee.lower() != username.lower():
        return None
    name, _, more = typed.lower().partition("_")
    said = f"{more} {text[first.length :]}".strip()
    return name, said, bool(addressee)


async def unknown(visit: Visit) -> None:
    """A command that nobody knows."""
    await visit.reply(words.unknown_command(visit.lang), quote=True)
