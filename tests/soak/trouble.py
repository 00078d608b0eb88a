"""What goes wrong in a soak: answers that fail or come late, cut wires, kills, a full disk."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.loopback_discord import Fault, Hold, LoopbackDiscord
from tests.loopback_discord import errors as say
from tests.loopback_telegram import Telegram
from tests.loopback_telegram.relay import Relay
from tests.soak.journal import Journal, pick
from tests.soak.lives import Lives

ROUTES = ("answer", "edit_message", "create_message", "edit_original", "follow_up")
METHODS = ("sendMessage", "editMessageText", "editMessageMedia", "sendPhoto", "answerCallbackQuery")
DEADLY = {"kill": 5.0, "kill at the start": 2.0, "stop": 3.0, "full disk": 2.0}
HARMFUL = {
    "discord answers with an error": 14.0,
    "discord is slow": 4.0,
    "discord drops the gateway": 3.0,
    "discord asks to reconnect": 1.0,
    "discord forgets the session": 1.0,
    "discord is cut off": 2.0,
    "telegram answers with an error": 14.0,
    "telegram is slow": 4.0,
    "telegram wants quiet": 3.0,
    "telegram is away": 2.0,
    "telegram is silent": 1.0,
    "the machine stands still": 1.0,
}

Act = Callable[[], Coroutine[None, None, None]]


class Slow(Hold):
    """A response that is held back for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def wait(self) -> None:
        """The server's side of it."""
        self.reached.set()
        await asyncio.sleep(self._seconds)


@dataclass(slots=True, kw_only=True)
class Troublemaker:
    """Does all of that, in an order that chance decides."""

    lives: Lives
    discord: LoopbackDiscord
    wire: Relay
    telegram: Telegram
    chats: tuple[int, ...]
    """Telegram's chats, to be flooded."""
    journal: Journal
    chance: random.Random
    small_disk: Path | None
    """A folder on a disk that can be filled without harm to others."""
    deadly: bool = False
    """Whether the process itself is ended now and then; else only its surroundings suffer."""
    pace_s: float = 6.0
    _late: set[asyncio.Task[None]] = field(default_factory=set)

    async def live(self) -> None:
        """Go on until cancelled; whatever was broken is whole again afterwards."""
        acts: dict[str, Act] = {
            "kill": self._kill,
            "kill at the start": self._kill_at_start,
            "stop": self._stop,
            "full disk": self._full_disk,
            "discord answers with an error": self._discord_error,
            "discord is slow": self._discord_slow,
            "discord drops the gateway": self._discord_drops,
            "discord asks to reconnect": self._discord_reconnect,
            "discord forgets the session": self._discord_forgets,
            "discord is cut off": self._discord_cut,
            "telegram answers with an error": self._telegram_error,
            "telegram is slow": self._telegram_slow,
            "telegram wants quiet": self._telegram_quiet,
            "telegram is away": self._telegram_away,
            "telegram is silent": self._telegram_silent,
            "the machine stands still": self._stand_still,
        }
        next_death = 0.0
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / self.pace_s))
            now = time.monotonic()
            name = pick(self.chance, HARMFUL)
            if self.deadly and now >= next_death:
                name = pick(self.chance, DEADLY)
                if name == "full disk" and self.small_disk is None:
                    name = "kill"
                next_death = now + self.chance.uniform(3.0, 8.0) * self.pace_s
            with self.journal.trouble(name):
                task = asyncio.create_task(acts[name](), name=name)
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                await asyncio.shield(task)  # what was broken is mended, although the soak may end

    async def calm(self) -> None:
        """Wait for what is still going on, then take all plans back."""
        await asyncio.gather(*self._late)
        self.discord.faults.planned.clear()
        self.telegram.faults.clear()

    # -- the process

    async def _kill(self) -> None:
        await self.lives.kill()
        await asyncio.sleep(self.chance.uniform(0.0, 3.0))
        await self._begin()

    async def _kill_at_start(self) -> None:
        await self.lives.kill()
        await asyncio.to_thread(self.lives.server.start, answer=False)
        await asyncio.sleep(self.chance.uniform(0.0, 6.0))
        await asyncio.to_thread(self.lives.server.kill)
        await self._begin()

    async def _stop(self) -> None:
        await self.lives.stop()
        await self._begin()

    async def _begin(self) -> None:
        gateway = self.discord.gateway
        for session in [s for s in gateway.sessions.values() if s.link is None]:
            del gateway.sessions[session.id]  # nobody comes back for it
        await self.lives.begin()

    async def _full_disk(self) -> None:
        assert self.small_disk is not None
        with taken(self.small_disk):
            await asyncio.sleep(self.chance.uniform(3.0, 12.0))

    async def _stand_still(self) -> None:
        life = self.lives.now
        os.kill(life.pid, signal.SIGSTOP)
        await asyncio.sleep(self.chance.uniform(0.5, 4.0))
        os.kill(life.pid, signal.SIGCONT)

    # -- Discord

    async def _discord_error(self) -> None:
        error = self.chance.choice(
            [say.rate_limited(1.0), say.server_error(500), say.server_error(502), None]
        )
        committed = error is None or error.status != 429
        self.discord.fault(
            Fault(
                route=self.chance.choice(ROUTES),
                error=error,
                reset=error is None,
                committed=committed and self.chance.random() < 0.5,
                times=self.chance.randint(1, 2),
            )
        )

    async def _discord_slow(self) -> None:
        slow = Slow(self.chance.uniform(1.0, 5.0))
        route = self.chance.choice(ROUTES[1:])
        self.discord.fault(Fault(route=route, hold=slow, committed=self.chance.random() < 0.5))

    async def _discord_drops(self) -> None:
        await self.discord.gateway.drop(self.chance.choice([None, 1001, 4000]))

    async def _discord_reconnect(self) -> None:
        await self.discord.gateway.ask_to_reconnect()

    async def _discord_forgets(self) -> None:
        await self.discord.gateway.invalidate()

    async def _discord_cut(self) -> None:
        await self.wire.cut()
        await asyncio.sleep(self.chance.uniform(1.0, 8.0))
        await self.wire.join()

    # -- Telegram

    async def _telegram_error(self) -> None:
        method, faults = self.chance.choice(METHODS), self.telegram.faults
        committed, times = self.chance.random() < 0.5, self.chance.randint(1, 2)
        match self.chance.choice(["drop", "429", "500", "502"]):
            case "drop":
                faults.drop(method, committed=committed, times=times)
            case "429":
                faults.answer(method, 429, retry_after=self.chance.randint(1, 3))
            case code:
                faults.answer(method, int(code), committed=committed, times=times)

    async def _telegram_slow(self) -> None:
        self.telegram.faults.slow(self.chance.choice(METHODS), self.chance.uniform(1.0, 6.0))

    async def _telegram_quiet(self) -> None:
        self.telegram.limits.flood(self.chance.choice(self.chats), self.chance.randint(2, 8))

    async def _telegram_away(self) -> None:
        await self.telegram.go_away()
        await asyncio.sleep(self.chance.uniform(1.0, 8.0))
        await self.telegram.come_back()

    async def _telegram_silent(self) -> None:
        self.telegram.server.fall_silent()
        await asyncio.sleep(self.chance.uniform(1.0, 6.0))
        self.telegram.server.speak()


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Somebody else has used up the disk of that folder."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        size, at = 1 << 30, 0
        while size >= 4096:
            try:
                os.posix_fallocate(file.fileno(), at, size)
                at += size
            except OSError:
                size //= 2
    try:
        yield
    finally:
        ballast.unlink()
