"""What is said to several people of a busy group at once, and that nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.on_telegram.limiter import Limiter
from bot.on_telegram.notices import Notices
from bot.on_telegram.owing import KEPT_S, MANY, Owing
from bot.on_telegram.pace import Urgency
from bot.on_telegram.where import Where
from bot.on_telegram.wording import Said, lines

GROUP = -100


class Telegram:
    """Takes messages; what it was told last stands in `said`."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    async def send_message(self, **given: Any) -> None:
        """Heard."""
        self.said.append(given)


def _of(asker: int, name: str) -> Where:
    return Where(chat=GROUP, asker=asker, asker_name=name, asked=7)


async def _told(*answers: tuple[Where, Said]) -> tuple[Telegram, list[BaseException | None]]:
    """Say all these while the group has no room, then give it."""
    telegram, limiter = Telegram(), Limiter()
    notices = Notices(bot=telegram, limiter=limiter)  # type: ignore[arg-type]
    try:
        async with limiter.turn(GROUP, Urgency.ANSWER):
            saying = [asyncio.create_task(notices.say(where, said)) for where, said in answers]
            await asyncio.sleep(0)
        limiter.pace._chats.clear()
        limiter._advance()
        async with asyncio.timeout(5):
            return telegram, await asyncio.gather(*saying, return_exceptions=True)
    finally:
        await notices.close()


async def test_who_speaks_for_a_group_is_named_like_the_others() -> None:
    """Names stand between commas; a chat without a name is left out."""
    said = lines("Not now.")
    telegram, _ = await _told(
        (_of(GROUP, "The Foxes"), said), (_of(11, "Bob"), said), (_of(-5, ""), said)
    )
    assert [each["text"] for each in telegram.said] == ["The Foxes, Bob: Not now."]


async def test_words_that_cannot_be_put_together_end_the_waiting() -> None:
    """A mistake of ours is told to whoever waits, as ever."""
    torn = Said("Not now.", (None,))  # type: ignore[arg-type]
    telegram, ends = await _told((_of(11, "Bob"), torn), (_of(12, "Cy"), torn))
    assert all(isinstance(each, AttributeError) for each in ends)
    assert telegram.said == []


@pytest.mark.parametrize("settled", [True, False])
def test_a_chat_that_is_owed_nothing_is_forgotten(settled: bool) -> None:
    """Even if nobody came back for a picture: there may be many chats in the course of time."""
    now = 0.0
    owing = Owing(lambda: now)
    for chat in range(1, MANY + 3):
        owing.note(chat, "job", 11)
    now = 2 * KEPT_S
    if settled:
        owing.settle(1, "job")
        owing.settle(2, "another")
        assert set(owing._chats) == set(range(3, MANY + 3))
    owing.note(-1, "job", 11)
    assert list(owing._chats) == [-1]
    assert owing.count(-1) == 1
