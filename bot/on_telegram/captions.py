"""Owns what stands in a job's messages on Telegram, from the line to the words under a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import MessageEntity, User

from bot.desk import texts
from bot.desk.parcel import TELEGRAM_FILE, TELEGRAM_PHOTO, TELEGRAM_SHOWN
from bot.desk.styles import NO_STYLE
from bot.desk.texts import chat, on_telegram
from bot.desk.texts import files as file_words
from bot.on_telegram.wording import CAPTION, Piece, Said, lines, plain
from engine.painter import Stage
from engine.request import Ask

if TYPE_CHECKING:
    from bot.on_telegram.where import Where
    from engine.painter import Progress
    from storage.jobs import Job
    from storage.pictures import PictureRow

BAR = 12
"""The length of the progress bar, in signs."""
LONG = 160
"""A prompt of more characters is folded away, to be opened by a tap."""
NAME = 64
NOTES = 3


def waiting(where: Where, *, position: int, eta_s: float | None, warming: bool) -> Said:
    """A job in line."""
    return lines(f"⏳ {texts.waiting(position, eta_s, where.lang, warming=warming)}")


def painting(
    where: Where, *, eta_s: float | None, progress: Progress | None, paints: bool = True
) -> Said:
    """A job being painted, or enlarged: one that never `paints` says so from the beginning."""
    enlarges = not paints if progress is None else progress.stage is not Stage.painting
    said = texts.painting(eta_s, where.lang, progress=progress, paints=paints)
    return lines(
        f"{'🔍' if enlarges else '🎨'} {said}",
        None if progress is None else bar(progress.share),
        limit=CAPTION,
    )


def result(
    job: Job,
    where: Where,
    *,
    model_title: str,
    mention: bool = False,
    pictures: tuple[PictureRow, ...] = (),
    whole: str | None = None,
    note: str | None = None,
) -> Said:
    """The words under a finished picture, or under the grid of all of them.

    `mention` names the asker, so that a message that answers nobody's reaches them; `whole` is the
    address of a single picture's file; `note` is one more line.
    """
    return lines(
        [*(named(where) if mention else ()), _prompt(job, where)],
        facts(job, plain(model_title), where.lang),
        *(plain(texts.about_note(each, where.lang)) for each in job.notes[:NOTES]),
        _less(pictures, whole=whole, lang=where.lang),
        note,
        limit=CAPTION,
    )


def less(row: PictureRow, lang: str, *, whole: str | None) -> list[Piece | str]:
    """That Telegram takes no file as large as this picture's, and the way to it."""
    said: list[Piece | str] = [file_words.too_large(row.bytes, lang)]
    if whole is not None:
        link = Piece(file_words.whole(lang), (MessageEntity.TEXT_LINK,), url=whole)
        said += [" ", link]
    return said


def _less(
    pictures: tuple[PictureRow, ...], lang: str, *, whole: str | None
) -> list[Piece | str] | None:
    """What people do not see of a single picture, if there is more of it."""
    if len(pictures) != 1:
        return None
    (row,) = pictures
    if row.bytes > TELEGRAM_FILE.bytes:
        return less(row, lang, whole=whole)
    if not TELEGRAM_PHOTO.shows(row.width, row.height):
        return None  # it goes as the file itself
    seen = max(row.width, row.height) <= TELEGRAM_SHOWN and row.bytes <= TELEGRAM_PHOTO.bytes
    return None if seen else [file_words.shown_smaller(lang)]


def ready(where: Where, count: int) -> Said:
    """What calls the asker to a picture they have waited for, before it stands there."""
    called = () if where.private else named(where)
    return lines([*called, f"🎨 {on_telegram.ready(count, where.lang)}"])


def failed(job: Job, where: Where, *, mention: bool = False) -> Said:
    """The apology."""
    sentence = f"⚠️ {texts.failed(job.public, job.error, where.lang)}"
    return lines([*(named(where) if mention else ()), sentence], limit=CAPTION)


def cancelled(job: Job, where: Where) -> Said:
    """That nothing will come, and what it has cost."""
    return lines(texts.cancelled(job.charge, where.lang), limit=CAPTION)


def elsewhere(job: Job, where: Where, *, mention: bool = False) -> Said:
    """That the picture is painted and has to be fetched; the button below does it."""
    sentence = chat.elsewhere(job.public, where.lang)
    return lines([*(named(where) if mention else ()), sentence], limit=CAPTION)


def deleted(job: Job, lang: str) -> Said:
    """What stands where pictures were, or would have been."""
    return lines(chat.gone(job, lang), limit=CAPTION)


def facts(job: Job, title: str, lang: str) -> list[Piece | str]:
    """Model, size, seed and time; the seed can be copied by a tap, and so can the parent's id."""
    took = None
    if job.started_at is not None and job.finished_at is not None:
        took = max(0.0, job.finished_at - job.started_at)
    row: list[Piece | str] = []
    seed = str(job.paint.seed)
    for part in chat.facts(job.paint, title, took, lang).split(" · "):
        if row:
            row.append(" · ")
        if part.endswith(f" {seed}") and not any(isinstance(each, Piece) for each in row):
            row += [part.removesuffix(seed), Piece(seed, (MessageEntity.CODE,))]
        else:
            row.append(part)
    style = _style(job)
    if style is not None:
        row += [" · ", style]
    if job.parent is not None:
        before, _, after = chat.variation_of("\x00", lang).partition("\x00")
        row += [" · ", before, Piece(job.parent, (MessageEntity.CODE,)), after]
    return row


def single(row: PictureRow, count: int, lang: str) -> str:
    """The words under one of several pictures of a job: which it is, and its seed."""
    seed = chat.seed(row.seed, lang)
    return f"{row.index + 1}/{count} · {seed}"


def bar(share: float) -> str:
    """A progress bar in text, with its percentage."""
    share = max(0.0, min(share, 1.0))
    done = round(share * BAR)
    return f"{'▰' * done}{'▱' * (BAR - done)} {share:.0%}"


def mention(user_id: int, name: str) -> Piece:
    """Somebody's name, leading to them; they are told of it."""
    shown = plain(name)[:NAME] or str(user_id)
    user = User(id=user_id, first_name=shown, is_bot=False)
    return Piece(shown, (MessageEntity.TEXT_MENTION,), user=user)


def named(where: Where) -> tuple[Piece, ...]:
    """The name of whoever asked, and a colon; none if it is not known."""
    name = name_of(where)
    return () if name is None else (name, Piece(": "))


def name_of(where: Where) -> Piece | None:
    """The name of whoever asked, which leads to them; None if it is not known."""
    if where.asker > 0:
        return mention(where.asker, where.asker_name)
    # a chat that speaks for itself can be named, not reached
    return Piece(plain(where.asker_name)[:NAME]) if where.asker_name else None


def prompt_of(job: Job) -> str:
    """What somebody wrote, without what a style put around it."""
    try:
        return plain(Ask.from_json(job.filled_json).prompt)
    except (ValueError, TypeError):
        return plain(job.paint.prompt)


def _style(job: Job) -> str | None:
    try:
        style = Ask.from_json(job.filled_json).style
    except (ValueError, TypeError):
        return None
    return None if style is None or style == NO_STYLE else plain(style)


def title(job: Job, lang: str) -> str:
    """What a job is called: by its words, or that it enlarges somebody's picture."""
    upscale = job.paint.upscale
    if not job.paint.prompt and upscale is not None:
        return file_words.enlargement(upscale.scale, lang)
    return prompt_of(job)


def _prompt(job: Job, where: Where) -> Piece:
    prompt = title(job, where.lang)
    kinds: tuple[str, ...] = (MessageEntity.BOLD,)
    if len(prompt) > LONG:
        kinds = (MessageEntity.EXPANDABLE_BLOCKQUOTE,)
    if where.spoiler:
        kinds += (MessageEntity.SPOILER,)
    return Piece(prompt, kinds, give=True)
