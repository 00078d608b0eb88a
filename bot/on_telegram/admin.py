"""What those who administer a group may say to the bot: its rules, its people, its jobs.

Everything goes through the desk's office, which asks for the right and keeps a record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from telegram import InlineKeyboardMarkup, MessageEntity

from bot.desk.actions import Verb
from bot.desk.errors import UnreadableValue
from bot.desk.spans import read_amount, read_span
from bot.desk.texts import office as texts
from bot.desk.texts import on_telegram as words
from bot.desk.texts.changes import change as change_of
from bot.desk.veils import FLAGGED
from bot.on_telegram import keyboards, people
from bot.on_telegram.captions import title as title_of
from bot.on_telegram.topics import topics_line
from bot.on_telegram.wording import Piece, cut, lines, plain

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from bot.on_telegram.visit import Visit
    from bot.on_telegram.wording import Said
    from storage.places import Place

OFF = frozenset({"off", "none", "aus", "keine"})
ALL = frozenset({"all", "everybody", "everyone", "alle"})
LISTED = 20


async def rules(visit: Visit) -> None:
    """What holds here."""
    place = await visit.parts.office.place(await visit.asker(ruling=True))
    await visit.reply(holding(visit, place))


async def pause(visit: Visit) -> None:
    """Take no jobs from here for now."""
    place = await visit.parts.office.pause(await visit.asker(ruling=True), True)
    await visit.reply(texts.painting_holds(place, visit.lang))


async def resume(visit: Visit) -> None:
    """Take jobs again."""
    place = await visit.parts.office.pause(await visit.asker(ruling=True), False)
    await visit.reply(texts.painting_holds(place, visit.lang))


async def ban(visit: Visit) -> None:
    """Take no jobs from somebody, for a while or for good; an operator in private: anywhere."""
    asker = await visit.asker(ruling=True)
    whom = await people.meant(visit, asker)
    if whom is None:
        await visit.reply(words.whom("/ban", "2d", visit.lang))
        return
    span = read_span(whom.rest)
    now = visit.parts.clock()
    until = None if span is None else now + span
    everywhere = visit.private
    await visit.parts.office.ban(asker, whom.external, until=until, everywhere=everywhere)
    await visit.reply(texts.banned(whom.name, until, visit.lang, now=now, everywhere=everywhere))


async def unban(visit: Visit) -> None:
    """Take somebody's jobs again."""
    asker = await visit.asker(ruling=True)
    whom = await people.meant(visit, asker)
    if whom is None:
        await visit.reply(words.whom("/unban", "", visit.lang))
        return
    await visit.parts.office.unban(asker, whom.external, everywhere=visit.private)
    await visit.reply(await standing(visit, asker, whom))


async def budget(visit: Visit) -> None:
    """Credits a day: `/budget 20` each, `/budget all 200` together, in reply: for one person."""
    office, asker = visit.parts.office, await visit.asker(ruling=True)
    await office.place(asker)
    whom = await people.meant(visit, asker)
    if whom is not None:
        await _set_own(visit, asker, whom)
        await visit.reply(await standing(visit, asker, whom))
        return
    first, _, rest = visit.words.partition(" ")
    together = first.lower() in ALL
    typed = (rest if together else visit.words).strip()
    if not typed:
        place = await office.place(asker)
        await visit.reply(
            lines(texts.budgets_hold(place, visit.lang), words.budget_hint(visit.lang))
        )
        return
    credits = None if typed.lower() in OFF else read_amount(typed)
    place = await office.change(asker, **{"place_budget" if together else "budget": credits})
    await visit.reply(texts.budgets_hold(place, visit.lang))


async def topics(visit: Visit) -> None:
    """In which topics pictures may be asked for: `here` adds this one, `not here`, `all`."""
    office, asker = visit.parts.office, await visit.asker(ruling=True)
    place = await office.place(asker)
    here, allowed = str(visit.thread or 0), place.rules.channels
    typed = visit.words.lower()
    if typed in ALL or typed in OFF:
        place = await office.change(asker, channels=frozenset())
    elif typed in ("here", "hier"):
        place = await office.change(asker, channels=allowed | {here})
    elif typed in ("not here", "nicht hier"):
        place = await office.change(asker, channels=allowed - {here})
    hint = None if typed else words.topics_hint(visit.lang)
    await visit.reply(lines(topics_line(visit.chat.id, place.rules.channels, visit.lang), hint))


async def forbidden(visit: Visit) -> None:
    """Words that may not be asked for: `add`, `remove`, `none`; several stand in several lines."""
    office, asker = visit.parts.office, await visit.asker(ruling=True)
    place = await office.place(asker)
    do, _, rest = visit.words.partition(" ")
    given = tuple(each.strip() for each in rest.splitlines() if each.strip())
    kept = place.rules.words
    if do.lower() in ("add", "dazu") and given:
        place = await office.change(asker, words=tuple(dict.fromkeys((*kept, *given))))
    elif do.lower() in ("remove", "weg") and given:
        place = await office.change(asker, words=tuple(w for w in kept if w not in given))
    elif do.lower() in OFF:
        place = await office.change(asker, words=())
    elif do:
        raise UnreadableValue("words", visit.words[:60], "/words add spider")
    listed = "\n".join(plain(word) for word in place.rules.words)
    veiled = [Piece(listed, (MessageEntity.SPOILER,), give=True)] if listed else None
    hint = None if do else words.words_hint(visit.lang)
    await visit.reply(lines(texts.words_hold(place, visit.lang), veiled, hint))


async def pictures(visit: Visit) -> None:
    """What becomes of flagged pictures, and whether files say how they were made."""
    office, asker = visit.parts.office, await visit.asker(ruling=True)
    place = await office.place(asker)
    typed = visit.words.lower()
    if typed in FLAGGED:
        place = await office.change(asker, flagged=typed)
    elif typed in OFF:
        place = await office.change(asker, flagged=None)
    elif typed in ("files on", "files off"):
        place = await office.change(asker, metadata=typed == "files on")
    elif typed:
        raise UnreadableValue("flagged", visit.words[:60], "/pictures spoiler")
    hint = None if typed else words.pictures_hint(visit.lang)
    await visit.reply(lines(texts.pictures_hold(place, visit.lang), hint))


async def jobs(visit: Visit) -> None:
    """What is painted and what waits here, each with a button that cancels it."""
    views = await visit.parts.office.jobs(await visit.asker(ruling=True), LISTED)
    if not views:
        await visit.reply(texts.no_jobs(visit.lang))
        return
    names = await people.names(visit, [view.job.person for view in views])
    rows = [
        [
            keyboards.button(
                Verb.CANCEL,
                view.job.public,
                visit.lang,
                text=cut(f"{names[view.job.person]}: {title_of(view.job, visit.lang)}", 44),
            )
        ]
        for view in views
    ]
    await visit.reply(texts.label("jobs", visit.lang), InlineKeyboardMarkup(rows))


async def audit(visit: Visit) -> None:
    """Who decided what lately."""
    entries = await visit.parts.office.audit(await visit.asker(ruling=True), LISTED)
    if not entries:
        await visit.reply(texts.no_changes(visit.lang))
        return
    marks = await people.marks(visit, entries)
    now = visit.parts.clock()
    rows = [
        f"{change_of(each, visit.lang, marks=marks)} "
        f"({words.ago(max(0.0, now - each.at), visit.lang)})"
        for each in entries
    ]
    await visit.reply(lines(*rows))


def holding(visit: Visit, place: Place) -> Said:
    """All rules that mean something on Telegram, where there are topics and no roles."""
    return lines(
        texts.painting_holds(place, visit.lang),
        texts.budgets_hold(place, visit.lang),
        topics_line(visit.chat.id, place.rules.channels, visit.lang)
        if visit.chat.is_forum
        else None,
        texts.models_hold(place, visit.lang),
        texts.defaults_hold(place, visit.lang),
        texts.words_hold(place, visit.lang),
        texts.pictures_hold(place, visit.lang),
    )


async def standing(visit: Visit, asker: Asker, whom: people.Whom) -> str:
    """How somebody stands here."""
    found = await visit.parts.office.standing_of(asker, whom.external)
    now = visit.parts.clock()
    return "\n".join(texts.standing(found, whom.name, visit.lang, now=now))


async def _set_own(visit: Visit, asker: Asker, whom: people.Whom) -> None:
    """What `/budget` does in reply to somebody: `5`, `+5` for today, `reset`, `off`, or nothing."""
    office, typed = visit.parts.office, whom.rest.lower()
    if typed == "reset":
        await office.reset(asker, whom.external)
    elif typed.startswith("+"):
        await office.give(asker, whom.external, read_amount(typed[1:]))
    elif typed:
        amount = None if typed in OFF else read_amount(typed)
        await office.set_budget(asker, whom.external, amount)


COMMANDS: Mapping[str, Callable[[Visit], Awaitable[None]]] = {
    "rules": rules,
    "pause": pause,
    "resume": resume,
    "ban": ban,
    "unban": unban,
    "budget": budget,
    "topics": topics,
    "words": forbidden,
    "pictures": pictures,
    "jobs": jobs,
    "audit": audit,
}
