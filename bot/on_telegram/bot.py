"""The Telegram bot: what it is made of, how it begins, and how it ends."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from telegram.error import BadRequest, TelegramError
from telegram.ext import ApplicationBuilder, MessageHandler, filters
from telegram.request import HTTPXRequest

from bot.on_telegram import commands
from bot.on_telegram.connection import BotState, Connection
from bot.on_telegram.courier import TelegramCourier
from bot.on_telegram.hearing import Hearing
from bot.on_telegram.inbox import Inbox
from bot.on_telegram.limiter import Limiter
from bot.on_telegram.moving import Moving
from bot.on_telegram.notices import Notices
from bot.on_telegram.parcel import Packer
from bot.on_telegram.parts import Menu, Parts
from bot.on_telegram.posting import Post, summary
from bot.on_telegram.status import Status
from bot.on_telegram.whereabouts import Whereabouts
from storage.errors import DiskFull

if TYPE_CHECKING:
    from telegram import Update

    from bot.desk.announcer import Announcer
    from bot.desk.office import Office
    from bot.desk.parcel import Parcels
    from bot.desk.studio import Studio
    from bot.settings import Settings
    from storage.facts import Facts
    from storage.jobs import Jobs
    from storage.people import People
    from storage.pictures import Pictures
    from storage.places import Places

log = structlog.get_logger(__name__)

GRACE_S = 5.0
"""At the end, what is being answered has this long."""
CONNECTIONS = 64
"""More than the pace ever lets go at once."""
MENUS = "telegram:menus"


class TelegramBot:
    """Everything of Telegram: `run` it as a task, `close` it at the end."""

    def __init__(
        self,
        *,
        settings: Settings,
        studio: Studio,
        office: Office,
        jobs: Jobs,
        people: People,
        places: Places,
        pictures: Pictures,
        facts: Facts,
        announcer: Announcer,
        parcels: Parcels,
        came_back: Callable[[], None] = lambda: None,
        limiter: Limiter | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        assert settings.telegram_token is not None
        self._settings = settings
        self._token = settings.telegram_token.get_secret_value().strip()
        self._facts = facts
        self._tasks: list[asyncio.Task[None]] = []
        """What `run` waits for, at the beginning and then."""
        self._introduced = False
        """Telegram has accepted the token: calls are worth a try, whatever the polling does."""
        self._connection = Connection(came_back=came_back, sleep=sleep)
        self.limiter = limiter or Limiter()
        self.application = self._build()
        bot, whereabouts = self.application.bot, Whereabouts(jobs)
        post = Post(bot)
        self.moving = Moving(jobs=jobs, places=places, whereabouts=whereabouts)
        self.status = Status(
            bot=bot,
            limiter=self.limiter,
            post=post,
            jobs=jobs,
            whereabouts=whereabouts,
            announcer=announcer,
            clock=clock,
        )
        self.notices = Notices(bot=bot, limiter=self.limiter)
        self.courier = TelegramCourier(
            post=post,
            packer=Packer(parcels),
            status=self.status,
            limiter=self.limiter,
            whereabouts=whereabouts,
            moving=self.moving,
            ready=lambda: self._introduced,
            model_title=lambda name: next(
                (model.title for model in studio.models() if model.name == name), name
            ),
            clock=clock,
        )
        moves = MessageHandler(filters.StatusUpdate.MIGRATE, self._on_move)
        self.application.add_handler(moves, group=-1)
        parts = Parts(
            studio=studio,
            office=office,
            status=self.status,
            notices=self.notices,
            jobs=jobs,
            people=people,
            pictures=pictures,
            settings=settings,
            parcels=parcels,
            keep=whereabouts.change,
            works_for=self.works_for,
            clock=clock,
        )
        counter = commands.install(self.application, parts)
        self.inbox = Inbox(facts, self.application.process_update, counter.give_up)
        self._hearing = Hearing(
            bot=bot,
            token=self._token,
            inbox=self.inbox,
            connection=self._connection,
            url=settings.telegram_webhook_url,
        )

    @property
    def state(self) -> BotState:
        """How the bot stands with Telegram."""
        return self._connection.state

    def works_for(self, chat: int, user: int | None) -> bool:
        """Whether the operator lets the bot work in this chat or for this person."""
        allowed = self._settings.telegram_chats
        return not allowed or chat in allowed or user in allowed

    async def run(self) -> None:
        """Be there until `close`; whatever goes wrong, the rest of Atelier goes on."""
        await self.limiter.initialize()
        async with asyncio.TaskGroup() as group:  # `close` may come before we are there
            beginning = group.create_task(self._begin(), name="telegram begins")
            self._tasks = [beginning]
        if beginning.cancelled() or not self._introduced:
            return
        async with asyncio.TaskGroup() as group:
            self._tasks = [
                group.create_task(self._hearing.run(), name="telegram hears"),
                group.create_task(self._show_menus(), name="telegram's menus"),
            ]

    async def close(self) -> None:
        """Leave Telegram; what was not answered or delivered is after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._introduced:
            await self.inbox.close(GRACE_S)
        await self.notices.close()
        await self.status.close()
        if self.application.running:
            await self.application.stop()
        with suppress(TelegramError):
            await self.application.shutdown()
            await self.application.bot.shutdown()  # the application has not, if it was refused
        await self.limiter.shutdown()

    @property
    def hook(self) -> str:
        """The path on our page that Telegram calls."""
        return self._hearing.hook

    async def receive(self, path: str, secret: str | None, body: bytes) -> int:
        """An update brought to `path` with Telegram's header; the HTTP status to answer."""
        return await self._hearing.receive(path, secret, body, ready=self.inbox.ready)

    def _build(self) -> Any:
        builder = (
            ApplicationBuilder()
            .token(self._token)
            .rate_limiter(self.limiter)
            .updater(None)
            .concurrent_updates(True)
            .request(_request(CONNECTIONS))
            .get_updates_request(_request(2))
        )
        root = (self._settings.telegram_api_url or "").rstrip("/")
        if root:
            builder = builder.base_url(f"{root}/bot").base_file_url(f"{root}/file/bot")
        return builder.build()

    async def _begin(self) -> None:
        """Introduce ourselves to Telegram, and take up what an earlier process left."""
        if not await self._connection.persist(self.application.initialize):
            log.error(
                "Telegram does not accept ATELIER_TELEGRAM_TOKEN; Atelier goes on without Telegram"
            )
            return
        self._introduced = True
        self._connection.stands()
        await self.application.start()
        await self.status.resume()
        await self.inbox.begin(self.application.bot)

    async def _show_menus(self) -> None:
        """Tell Telegram the commands, if they are not those it was told last."""
        menus = commands.menus()
        bot = self.application.bot
        shown = json.dumps([bot.id, *map(_menu_text, menus)], sort_keys=True)
        digest = hashlib.sha256(shown.encode()).hexdigest()
        if await self._facts.get(MENUS) == digest:
            return

        async def tell() -> None:
            for each in menus:
                await bot.set_my_commands(each.commands, scope=each.scope, language_code=each.lang)

        try:
            if await self._connection.persist(tell):
                await self._facts.put(MENUS, digest)
        except BadRequest as error:
            log.error("the menu of commands was refused", error=summary(error))
        except DiskFull as full:  # it is told once more after the next start
            log.warning("it could not be noted that the menus were told", error=str(full))

    async def _on_move(self, update: Update, _: Any) -> None:
        message = update.effective_message
        if message is None:
            return
        if message.migrate_to_chat_id is not None:
            await self.moving.follow(message.chat.id, message.migrate_to_chat_id)
        elif message.migrate_from_chat_id is not None:
            await self.moving.follow(message.migrate_from_chat_id, message.chat.id)


def _request(connections: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        connect_timeout=10.0,
        read_timeout=20.0,
        write_timeout=20.0,
        media_write_timeout=60.0,
        pool_timeout=10.0,
    )


def _menu_text(menu: Menu) -> list[Any]:
    return [
        menu.scope.to_dict(),
        menu.lang,
        [[each.command, each.description] for each in menu.commands],
    ]
