"""A busy group on Telegram: its messages go to pictures, and nobody stays without a word."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from time import monotonic

import pytest

from bot.on_telegram import status
from bot.on_telegram.pace import GROUP_CALLS, GROUP_SHARE, Urgency, _Done
from tests.bot.telegram_desk import TelegramDesk, open_post
from tests.bot.telegram_parts import verbs
from tests.loopback_telegram import Chat, Message, Person, Telegram
from tests.loopback_telegram.limits import Window
from tests.loopback_telegram.server import Call

pytestmark = pytest.mark.slow

MINUTE_S = 1.5
"""A group's minute, for those who have not so much time."""
STRICT_S = 1.0
"""The same as the platform counts it: what is late on its way is not too much at once."""
PEOPLE, EACH = 20, 3


def _counted(telegram: Telegram, chat: Chat) -> list[Call]:
    """The calls that a group's limit counts, in the order in which they came."""
    calls = [
        call
        for call in telegram.server.calls
        if call.values.method.startswith(("send", "edit"))
        and call.values.method != "sendChatAction"
        and call.values.get("chat_id") == chat.id
    ]
    return sorted(calls, key=lambda call: call.at)


def _brings(call: Call) -> bool:
    return call.values.method in ("sendPhoto", "editMessageMedia")


def _crowd(desk: TelegramDesk, chat: Chat, messages: int = GROUP_SHARE[Urgency.STATUS]) -> None:
    """So many messages were said in a group just now."""
    done = desk.bot.limiter.pace._chat(chat.id).done
    done.extend(_Done(monotonic(), 1, Urgency.ANSWER) for _ in range(messages))


def _heard(telegram: Telegram, asked: Message) -> bool:
    """Whether the asker knows that they were heard."""
    return bool(asked.reactions.get(telegram.world.bot.id) or telegram.replies(asked))


async def test_sixty_requests_of_twenty_people(tmp_path: Path) -> None:
    """Pictures get nearly all of a group's messages, in turns; another chat is not slowed."""
    async with open_post(
        tmp_path,
        chat_s=MINUTE_S / 60,
        waiting_per_person=EACH,
        queue_limit=100,
        budget=1000.0,
    ) as desk:
        telegram = desk.telegram
        telegram.limits.enforced = True
        people = [telegram.person(f"P{nth}") for nth in range(PEOPLE)]
        group = telegram.group("Flood", *people)
        desk.desk.painter.hold()
        asked = [
            await each.says(group, f"/imagine a fox {nth} --steps 1")
            for nth in range(EACH)
            for each in people
        ]
        await telegram.until(lambda: all(_heard(telegram, each) for each in asked), "a sign")
        assert len(_counted(telegram, group)) <= GROUP_SHARE[Urgency.STATUS], "no reaction counts"
        greedy = people[1:6]  # one of the first has nothing waiting but two
        for each in greedy:
            await each.says(group, "/imagine one more --steps 1")
        desk.desk.painter.release()
        alone = await desk.ann.says(None, "/imagine the sea --steps 1")
        await telegram.picture(alone)
        await desk.desk.until(lambda: _painted(desk))
        assert len(telegram.pictures(chat=group)) <= GROUP_CALLS, "the other chat did not wait"
        desk.bot.limiter.pace._group_s = MINUTE_S
        telegram.limits.group = Window(most=GROUP_CALLS, seconds=STRICT_S)
        desk.desk.deliverer.wake(back="telegram")
        await telegram.until(lambda: all(telegram.pictures(each) for each in asked), "all")
        assert len(telegram.pictures(chat=group)) == len(asked)
        assert [each for each in telegram.limits.refused if each.chat == group.id] == []

        calls = _counted(telegram, group)
        brought = [call for call in calls if _brings(call)]
        assert len(brought) == len(asked), "one call a picture"
        since = calls[calls.index(brought[0]) :]
        others = [call.values.method for call in since if not _brings(call)]
        assert len(others) <= 0.15 * len(since), Counter(others)
        assert "editMessageText" not in others

        told = [m for m in telegram.by_bot(group) if "waiting" in m.content.text]
        assert told, "those who wanted too much were told so"
        assert {each.user.first_name for each in greedy} == _named(told)
        shown = sorted(
            (m for m in telegram.by_bot(group) if m.content.media), key=lambda m: _since(m, brought)
        )
        first = Counter(m.reply_to.sender.id for m in shown[:PEOPLE] if m.reply_to)
        assert max(first.values()) <= 2, "somebody got everything first"


async def _painted(desk: TelegramDesk) -> bool:
    return not await desk.desk.jobs.unfinished("telegram")


def _since(message: Message, brought: list[Call]) -> int:
    """Which of these calls made a message a picture."""
    for nth, call in enumerate(brought):
        if call.values.get("message_id") == message.id:
            return nth
        parameters = call.values.get("reply_parameters")
        if message.reply_to and parameters and parameters["message_id"] == message.reply_to.id:
            return nth
    raise AssertionError("nobody made it a picture")


def _named(messages: list[Message]) -> set[str]:
    """Whom these messages name, or answer."""
    found = {m.reply_to.sender.first_name for m in messages if m.reply_to is not None}
    for each in messages:
        found |= {e["user"]["first_name"] for e in each.content.entities if "user" in e}
    return found


async def _crowded_job(desk: TelegramDesk) -> tuple[Chat, Message]:
    """A request in a group that has no room for a status message; it is on the easel."""
    group = desk.telegram.group("Busy", desk.ann)
    _crowd(desk, group)
    desk.desk.painter.hold()
    asked = await desk.ann.says(group, "/imagine a fox --steps 1")
    await desk.telegram.until(lambda: _heard(desk.telegram, asked), "a sign")
    return group, asked


async def _settled(desk: TelegramDesk) -> None:
    async def all_told() -> bool:
        return not await desk.desk.jobs.undelivered("telegram")

    await desk.desk.until(all_told)


@pytest.mark.parametrize("committed", [False, True], ids=["undone", "done"])
@pytest.mark.parametrize("code", [502, None, 429], ids=["502", "dropped", "429"])
async def test_a_picture_that_may_have_arrived_is_not_sent_again(
    tmp_path: Path, code: int | None, committed: bool
) -> None:
    """Where it is the new message itself; a line says where it is if nobody knows."""
    async with open_post(tmp_path) as desk:
        _, asked = await _crowded_job(desk)
        if code == 429:
            desk.telegram.faults.answer("sendPhoto", 429, retry_after=1)
        elif code is None:
            desk.telegram.faults.drop("sendPhoto", committed=committed)
        else:
            desk.telegram.faults.answer("sendPhoto", code, committed=committed)
        desk.desk.painter.release()
        await desk.telegram.until(lambda: desk.telegram.replies(asked), "an answer")
        await desk.desk.until(lambda: not desk.telegram.faults.waiting)
        await _settled(desk)
        replies = desk.telegram.replies(asked)
        known = code == 429
        assert len(desk.telegram.pictures(asked)) == (known or committed)
        words = [m for m in replies if m.content.media is None]
        assert [verbs(m) for m in words] == ([] if known else [{"show"}])


async def test_a_death_while_a_picture_is_the_new_message(tmp_path: Path) -> None:
    """It is there once, and the line that says where it is beside it."""
    async with open_post(tmp_path) as desk:
        _, asked = await _crowded_job(desk)
        fault = desk.telegram.faults.slow("sendPhoto", 600)
        desk.desk.painter.release()
        await desk.desk.until(lambda: fault.seen)
        await desk.telegram.until(lambda: desk.telegram.pictures(asked), "the picture")
        await desk.die()
        await desk.start()
        await _settled(desk)
        assert len(desk.telegram.pictures(asked)) == 1
        (word,) = (m for m in desk.telegram.replies(asked) if m.content.media is None)
        assert verbs(word) == {"show"}


async def test_a_death_while_a_picture_waits_for_its_turn(tmp_path: Path) -> None:
    """Nothing was sent yet: it is brought as if nothing had happened."""
    async with open_post(tmp_path) as desk:
        group, asked = await _crowded_job(desk)
        limiter = desk.bot.limiter
        async with limiter.turn(group.id, Urgency.FINAL):
            desk.desk.painter.release()
            await desk.desk.until(lambda: limiter.pace._waiting[Urgency.FINAL])
            await desk.die()
        await desk.start()
        await _settled(desk)
        (shown,) = desk.telegram.pictures(asked)
        assert desk.telegram.replies(asked) == [shown]


async def test_a_button_whose_waiting_is_not_ended_paints_all_the_same(tmp_path: Path) -> None:
    """The status message comes and becomes the picture, though the press was not answered."""
    async with open_post(tmp_path) as desk:
        shown = await desk.telegram.picture(await desk.ann.says(None, "/imagine a fox --steps 1"))
        await _settled(desk)
        desk.desk.painter.hold()
        desk.telegram.faults.drop("answerCallbackQuery")
        await desk.ann.presses(shown, "a:again:")
        newest = desk.telegram.by_bot
        await desk.telegram.until(lambda: newest(shown.chat)[-1] is not shown, "a status message")
        told = newest(shown.chat)[-1]
        assert verbs(told) == {"cancel"}
        desk.desk.painter.release()
        await desk.telegram.until(lambda: len(desk.telegram.pictures(chat=shown.chat)) == 2, "both")
        assert newest(shown.chat)[-1] is told


async def test_a_status_message_comes_when_there_is_room(tmp_path: Path) -> None:
    """Until then there is the reaction; then it moves, and becomes the picture."""
    async with open_post(tmp_path, group_s=1.5) as desk:
        _, asked = await _crowded_job(desk)
        assert desk.telegram.replies(asked) == []
        told = await desk.telegram.answer(asked)
        assert verbs(told) == {"cancel"}
        desk.desk.painter.release()
        shown = await desk.telegram.picture(asked)
        assert shown is told
        await _settled(desk)
        assert desk.telegram.replies(asked) == [shown]


async def test_a_status_message_that_is_slow_does_not_stay_beside_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture does not wait for it for long; once it is known it goes again."""
    monkeypatch.setattr(status, "CUT_S", 0.05)
    async with open_post(tmp_path, group_s=0.5) as desk:
        fault = desk.telegram.faults.slow("sendMessage", 1.0)
        _, asked = await _crowded_job(desk)
        await desk.desk.until(lambda: fault.seen)
        await desk.telegram.until(lambda: desk.telegram.replies(asked), "the status message")
        desk.desk.painter.release()
        await desk.telegram.until(lambda: desk.telegram.pictures(asked), "the picture")
        only = desk.telegram.pictures(asked)
        await desk.telegram.until(lambda: desk.telegram.replies(asked) == only, "nothing else")
        await desk.desk.until(lambda: not desk.bot.status._follows)


async def test_where_reactions_are_forbidden_words_come(tmp_path: Path) -> None:
    """Nobody is left without one; what several are told is one message that names them."""
    async with open_post(tmp_path, group_s=3.0) as desk:
        bob = desk.telegram.person("Bob")
        group = desk.telegram.group("Busy", desk.ann, bob)
        _crowd(desk, group, GROUP_CALLS)
        desk.telegram.faults.answer(
            "setMessageReaction", 400, says="Bad Request: REACTION_INVALID", times=2
        )
        desk.desk.painter.hold()
        await desk.ann.says(group, "/imagine a fox --steps 1")
        await bob.says(group, "/imagine a cat --steps 1")
        await bob.says(group, "/imagine a cat --steps 1000")
        await desk.telegram.until(lambda: desk.telegram.by_bot(group), "words")
        (told,) = desk.telegram.by_bot(group)
        assert _named([told]) == {"Ann", "Bob"}
        assert "1000" in told.content.text
        desk.desk.painter.release()
        await desk.telegram.until(lambda: len(desk.telegram.pictures(chat=group)) == 2, "both")


async def test_buttons_in_a_busy_group(tmp_path: Path) -> None:
    """What paints is taken on, and its place in line pops up; what only talks has to wait."""
    async with open_post(tmp_path) as desk:
        group = desk.telegram.group("Busy", desk.ann)
        shown = await desk.telegram.picture(await desk.ann.says(group, "/imagine a fox --steps 1"))
        await _settled(desk)
        _crowd(desk, group, GROUP_SHARE[Urgency.ANSWER])
        assert await _popup(desk.ann, shown, "a:tune:") == (
            "There is a lot going on here just now."
            " Please try again in a minute, or in a chat with me."
        )
        calls = len(_counted(desk.telegram, group))
        assert await _popup(desk.ann, shown, "a:again:")
        again = desk.telegram.pictures
        await desk.telegram.until(lambda: len(again(chat=group)) == 2, "the second picture")
        assert len(_counted(desk.telegram, group)) == calls + 1


async def _popup(person: Person, message: Message, button: str) -> str:
    answer = await (await person.presses(message, button)).answered()
    return str(answer.get("text") or "")


async def test_what_has_buttons_is_not_said_in_a_busy_group(tmp_path: Path) -> None:
    """Who asks for it hears that they may ask again; once, however often they ask."""
    async with open_post(tmp_path, group_s=2.0) as desk:
        group = desk.telegram.group("Busy", desk.ann)
        _crowd(desk, group, GROUP_CALLS)
        for wanted in ("/settings", "/settings", "/imagine"):
            await desk.ann.says(group, wanted)
        await desk.telegram.until(lambda: desk.telegram.by_bot(group), "words")
        await desk.desk.until(lambda: not desk.bot.inbox._open)
        (told,) = desk.telegram.by_bot(group)
        assert told.content.text.count("a lot going on") == 1
