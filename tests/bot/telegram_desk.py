"""A desk with the Telegram bot on it, against the loopback Telegram: real sockets, real PTB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, time
from typing import Any

from PIL import Image
from telegram import ReplyParameters

from bot.desk.parcel import Parcels
from bot.on_telegram import captions, keyboards
from bot.on_telegram.bot import TelegramBot
from bot.on_telegram.connection import BotState
from bot.on_telegram.limiter import Limiter
from bot.on_telegram.pace import GROUP_S, Pace
from bot.on_telegram.where import Where
from engine.request import Ask
from storage.jobs import Job
from storage.pictures import PictureRow
from tests.bot.desk import Desk, open_desk
from tests.fakes import GivenSettings, SquarePainter
from tests.loopback_telegram import TOKEN, Chat, Message, Person, Telegram, open_telegram
from tests.loopback_telegram.messages import Content


class Clock:
    """The time of jobs and courier; a test may let it pass."""

    def __init__(self) -> None:
        self._later_s = 0.0

    def __call__(self) -> float:
        return time() + self._later_s

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self._later_s += seconds


@dataclass(slots=True)
class Door:
    """The courier of the bot that is there at the moment; a death takes its deliveries along."""

    platform: str = "telegram"
    bot: TelegramBot | None = None
    underway: set[asyncio.Task[None]] = field(default_factory=set)
    tries: int = 0

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Hand over to whoever is there."""
        self.tries += 1
        if self.bot is None:
            raise ConnectionError("nobody is there")
        task = asyncio.create_task(self.bot.courier.deliver(job, pictures))
        self.underway.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if self.bot is None:
                raise ConnectionError("the bot has died") from None
            raise
        finally:
            self.underway.discard(task)


@dataclass(slots=True, kw_only=True)
class Asked:
    """A job, and how it was asked for."""

    job: Job
    where: Where
    message: Message
    status: Message | None = None


@dataclass(slots=True, kw_only=True)
class TelegramDesk:
    """The desk, the bot on it, and the Telegram it talks to."""

    desk: Desk
    telegram: Telegram
    door: Door
    clock: Clock
    ann: Person
    make: Callable[[], TelegramBot]
    bot: TelegramBot
    running: asyncio.Task[None]

    async def ask(
        self,
        prompt: str = "a fox",
        *,
        person: Person | None = None,
        chat: Chat | None = None,
        topic: int | None = None,
        answered: bool = True,
        spoiler: bool = False,
        **ask: Any,
    ) -> Asked:
        """Ask as a command does, without its update; `answered`: with a status message."""
        person = person or self.ann
        room = chat or person.private
        person.private.started = True
        said = self.telegram.world.put(
            room, person.user, Content(text=f"/imagine {prompt}"), thread=topic
        )
        where = Where(
            chat=room.id,
            asker=person.id,
            asker_name=person.user.first_name,
            thread=topic,
            asked=said.id,
            spoiler=spoiler,
        )
        asker = await self.desk.studio.asker("telegram", str(person.id), place=str(room.id))
        ticket = await self.desk.studio.paint(
            asker,
            Ask(prompt=prompt, **ask),
            key=f"telegram:{room.id}:{said.id}",
            message=where.to_json(),
        )
        asked = Asked(job=ticket.job, where=where, message=said)
        if answered:
            await self.answer(asked)
        return asked

    async def answer(self, asked: Asked) -> Message:
        """Post the status message, and have it followed."""
        where = asked.where
        said = captions.waiting(where, position=1, eta_s=5.0, warming=False)
        posted = await self.bot.application.bot.send_message(
            where.chat,
            **said.as_text,
            message_thread_id=where.thread,
            reply_markup=keyboards.under_way(asked.job, where),
            reply_parameters=ReplyParameters(where.asked or 0, allow_sending_without_reply=True),
        )
        asked.where = replace(where, message=posted.message_id)
        asked.status = self.telegram.world.chats[where.chat].messages[posted.message_id]
        await self.bot.status.follow(asked.job, asked.where)
        return asked.status

    async def delivered(self, asked: Asked) -> Job:
        """The job once nobody has to be told about it any more."""
        found: Job = await self.desk.until(lambda: self._delivered(asked.job))
        return found

    async def kept(self, asked: Asked) -> Where:
        """What is kept with the job now."""
        job = await self.desk.jobs.by_id(asked.job.id)
        assert job.message is not None
        return Where.from_json(job.message)

    async def die(self) -> None:
        """End the bot at once, with its deliveries: nothing is written down any more."""
        bot, self.door.bot = self.bot, None
        tasks = {*self.door.underway, *bot.inbox._tasks, *bot._tasks, self.running}
        if bot.inbox._flushing is not None:
            tasks.add(bot.inbox._flushing)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await bot.status.close()
        await bot.application.bot.shutdown()

    async def start(self) -> None:
        """Start another bot, as the next process would."""
        self.bot = self.make()
        self.running = asyncio.create_task(self.bot.run())
        self.desk.deliverer.wake(back="telegram")

    async def connected(self) -> None:
        """Wait until the bot is there."""
        await self.desk.until(lambda: self.bot.state is BotState.connected)

    async def _delivered(self, job: Job) -> Job | None:
        now = await self.desk.jobs.by_id(job.id)
        return now if now.delivered_at is not None else None


@asynccontextmanager
async def open_post(
    data: Path,
    *,
    painter: SquarePainter | None = None,
    token: str = TOKEN,
    connected: bool = True,
    chat_s: float = 0.02,
    group_s: float = GROUP_S,
    sleep: Callable[[float], Any] = asyncio.sleep,
    judge: Callable[[Image.Image], float] | None = None,
    **settings: Any,
) -> AsyncIterator[TelegramDesk]:
    """The whole thing, with ann in it; the bot is connected. A chat takes messages fast here."""
    async with open_telegram(token) as telegram:
        door, clock, files = Door(), Clock(), ThreadPoolExecutor(2)
        given = {"telegram_token": TOKEN, "telegram_api_url": telegram.url, **settings}
        chosen = GivenSettings(data=data, model="squares", **given)
        async with open_desk(
            data, painter=painter, couriers=(door,), clock=clock, judge=judge, **given
        ) as desk:

            def make() -> TelegramBot:
                door.bot = TelegramBot(
                    settings=chosen,
                    studio=desk.studio,
                    office=desk.office,
                    jobs=desk.jobs,
                    people=desk.people,
                    places=desk.places,
                    pictures=desk.pictures,
                    facts=desk.facts,
                    announcer=desk.announcer,
                    parcels=Parcels(pictures=desk.pictures, files=files, fitting=files),
                    came_back=lambda: desk.deliverer.wake(back="telegram"),
                    limiter=Limiter(Pace(monotonic, chat_s=chat_s, group_s=group_s)),
                    clock=clock,
                    sleep=sleep,
                )
                return door.bot

            bot = make()
            opened = TelegramDesk(
                desk=desk,
                telegram=telegram,
                door=door,
                clock=clock,
                ann=telegram.person("Ann"),
                make=make,
                bot=bot,
                running=asyncio.create_task(bot.run()),
            )
            try:
                if connected:
                    await opened.connected()
                yield opened
            finally:
                await opened.bot.close()
                opened.running.cancel()
                ended = await asyncio.gather(opened.running, return_exceptions=True)
                files.shutdown()
        for result in ended:
            assert result is None or isinstance(result, asyncio.CancelledError), result
