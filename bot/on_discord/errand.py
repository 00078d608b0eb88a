"""Takes one finished job to its place: the message it was asked with, a new one, or mail.

Editing is repeated without harm. A new message is guarded: a mark is stored before it is posted,
its nonce is made of the job, and where the mark is found the message is looked for first. What is
private is never posted in a channel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import discord
import structlog

from bot.desk.actions import Action, Verb
from bot.desk.delivery import Undeliverable
from bot.on_discord import layout
from bot.on_discord.origins import origin_of
from bot.on_discord.parcel import Packer, Parcel
from bot.on_discord.posting import Fate, Post, Unfinished, fate, summary
from bot.on_discord.where import UPLOAD_LIMIT, Where, made_at
from storage.job import JobState

if TYPE_CHECKING:
    from discord import ui

    from storage.jobs import Job, Jobs
    from storage.pictures import PictureRow

log = structlog.get_logger(__name__)

LONG_WAIT_S = 120.0
"""Who waited longer looks elsewhere by now: a new message that mentions them."""
SKEW_S = 60.0
"""So much earlier than our clock says a message of ours is looked for."""
UNKNOWN_CHANNEL = 10003
_NO_DOOR = (Fate.NO_ENTRY, Fate.NO_MAIL)


class Errand:
    """One delivery of one job: which way it takes, and what is written down on the way."""

    def __init__(
        self,
        *,
        post: Post,
        jobs: Jobs,
        packer: Packer,
        titles: Callable[[], Mapping[str, str]],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        lag_s: float,
        job: Job,
        where: Where,
        pictures: tuple[PictureRow, ...],
    ) -> None:
        self._post = post
        self._jobs = jobs
        self._packer = packer
        self._titles = titles
        self._clock = clock
        self._sleep = sleep
        self._lag_s = lag_s
        self._job = job
        self._where = where
        self._pictures = pictures
        self._origin: str | None = None

    async def bring(self, *, twice: bool) -> None:
        """Choose the way. `twice`: a live edit may still arrive, so that ours is repeated."""
        where, job = self._where, self._job
        self._origin = await origin_of(job, self._jobs)
        if where.posted is not None:
            await self._tidy()
        elif where.by_token or self._secret:
            await self._bring_alone()
        elif where.posting:
            await self._post_new(where.posting_to or where.channel)
        elif job.state is JobState.CANCELLED:
            await self._withdraw()
        elif where.message is None or self._late or not await self._edit(twice=twice):
            await self._post_new(where.channel)

    @property
    def _secret(self) -> bool:
        """Whether it must not be seen in the channel it was asked for in."""
        return self._job.private and not (self._where.guild is None and self._where.member)

    @property
    def _late(self) -> bool:
        ended = self._job.finished_at
        return ended is not None and ended - self._job.created_at > LONG_WAIT_S

    async def _bring_alone(self) -> None:
        """By the interaction's token while it lives, else by DM; the channel is never used."""
        where = self._where
        tried = where.posting
        if where.token_lives(self._clock()) and where.posting_to is None:
            if not tried:
                await self._keep(posting=True)
            if await self._edit():
                return
            # Discord has answered: nothing was shown, unless an earlier try went unanswered.
        if self._job.state is JobState.CANCELLED:
            return
        if where.posting_to is not None:
            await self._post_new(where.posting_to)
            return
        await self._send_mail(link_only=tried)

    async def _withdraw(self) -> None:
        """Say that it was cancelled, where that can still be said; nobody waits for it."""
        if self._where.message is not None:
            await self._edit()

    async def _edit(self, *, twice: bool = False) -> bool:
        """Put the outcome into the status message; False if that message cannot be had.

        Raises `Undeliverable` if Discord will take it in no form.
        """
        for again in (False, True) if twice else (False,):
            if again:
                await self._sleep(self._lag_s)
            try:
                await self._with_files(
                    self._where.limit,
                    lambda parcel: self._post.edit(
                        self._where, self._view(parcel, mention=False), parcel.files
                    ),
                )
            except discord.HTTPException as error:
                found = fate(error, by_token=self._where.by_token)
                if found is Fate.AGAIN:
                    raise
                log.info("the message cannot be edited", why=found, error=summary(error))
                if found in (Fate.REFUSED, Fate.TOO_LARGE):
                    await self._leave_link(error)
                    return True
                return False
        if self._where.by_token:  # it has arrived: the token is of no use to anybody any more
            await self._keep(token=None, posted=self._where.message or 0)
        return True

    async def _post_new(self, channel: int) -> None:
        """Post a new message in `channel`, unless it stands there already; else by DM."""
        unsure = self._where.posting and self._where.posting_to in (None, channel)
        if unsure:
            try:
                if await self._found(channel):
                    return
            except (discord.HTTPException, Unfinished) as error:
                await self._be_careful(error)
                return
        else:
            await self._keep(posting=True, posting_to=channel, posting_at=self._clock())
        refusal = await self._try_to_send(channel)
        if refusal is None:
            await self._tidy()
        elif fate(refusal) in _NO_DOOR and channel == self._where.channel and not self._in_mail:
            log.info("the channel is closed; trying a direct message", error=summary(refusal))
            await self._send_mail(link_only=False)
        else:
            await self._leave_link(refusal)

    @property
    def _in_mail(self) -> bool:
        """Whether it was asked for in the direct messages with the bot."""
        return self._where.guild is None and self._where.member

    async def _try_to_send(self, channel: int) -> discord.HTTPException | None:
        """Post it; the refusal if there is one. Raises what is worth another try."""
        where, here = self._where, channel == self._where.channel
        reply_to = where.message if here else None
        mention = where.asker if here and not self._in_mail else None
        while True:

            async def send(parcel: Parcel, reply_to: int | None = reply_to) -> None:
                if where.link_only:
                    view = layout.elsewhere(self._job, where)
                else:
                    view = self._view(parcel, mention=mention is not None)
                posted = await self._post.send(
                    channel,
                    view,
                    () if where.link_only else parcel.files,
                    nonce=self._nonce,
                    reply_to=reply_to,
                    mention=mention,
                )
                await self._keep(posted=posted)

            try:
                await self._with_files(where.limit if here else UPLOAD_LIMIT, send)
                return None
            except discord.HTTPException as error:
                found = fate(error)
                if found is Fate.NO_HISTORY and reply_to is not None:
                    reply_to = None
                    continue
                if found is Fate.AGAIN:
                    raise
                return error

    async def _send_mail(self, *, link_only: bool) -> None:
        """Post it in the asker's direct messages. Raises `Undeliverable` if they take none."""
        try:
            channel = await self._post.open_mail(self._where.asker)
        except discord.HTTPException as error:
            if fate(error) is Fate.AGAIN:
                raise
            raise Undeliverable(f"no direct messages: {summary(error)}") from None
        await self._keep(
            posting=True, posting_to=channel, posting_at=self._clock(), link_only=link_only
        )
        refusal = await self._try_to_send(channel)
        if refusal is not None:
            raise Undeliverable(f"no direct messages: {summary(refusal)}")
        await self._tidy()

    async def _found(self, channel: int) -> bool:
        """Whether an earlier try has posted it after all; then that is written down."""
        where, job = self._where, self._job
        since = where.posting_at or job.finished_at or job.created_at
        if where.message is not None:  # what their clock and ours make of the same moment
            since = max(since + made_at(where.message) - job.created_at, made_at(where.message))
        actions = {Action(verb, job.public) for verb in (Verb.AGAIN, Verb.SHOW)}
        mail = self._in_mail or channel != where.channel
        found = await self._post.find(channel, actions, since=since - SKEW_S, mail=mail)
        if found is None or found == where.message:
            return False
        log.info("it had been posted already", message=found)
        await self._keep(posted=found)
        await self._tidy()
        return True

    async def _be_careful(self, error: Exception) -> None:
        """It may stand there, but that cannot be seen: a link instead of a second message."""
        if isinstance(error, discord.HTTPException):
            if fate(error) is Fate.AGAIN:
                raise error
            if error.code == UNKNOWN_CHANNEL:  # and whatever stood in it is gone
                await self._send_mail(link_only=False)
                return
        log.info("whether it was posted cannot be read", error=summary(error))
        await self._leave_link(error)

    async def _leave_link(self, error: Exception) -> None:
        """Say where the picture is: in the status message, else by mail. May be undeliverable."""
        where, job = self._where, self._job
        if job.state is not JobState.DONE or where.posting_to not in (None, where.channel):
            raise Undeliverable(summary(error))
        if where.message is not None:
            try:
                await self._post.edit(where, layout.elsewhere(job, where))
                return
            except discord.HTTPException as refusal:
                if fate(refusal, by_token=where.by_token) is Fate.AGAIN:
                    raise
        await self._send_mail(link_only=True)

    async def _tidy(self) -> None:
        """The old status message tells where the new one is; if it cannot, nothing is lost."""
        where = self._where
        await self._forget_token()
        if where.message is None or where.by_token or where.posted is None:
            return
        if where.posting_to not in (None, where.channel):
            return  # by DM, which the channel need not know
        link = f"https://discord.com/channels/{where.guild or '@me'}/{where.channel}/{where.posted}"
        try:
            await self._post.edit(where, layout.moved(self._job, where, link=link))
        except discord.HTTPException as error:
            if fate(error) is Fate.AGAIN:
                raise  # the next try has nothing else to do
            log.info("the old message could not be tidied up", error=summary(error))

    async def _with_files(self, limit: int, use: Callable[[Parcel], Awaitable[None]]) -> None:
        await self._packer.carry(self._job, self._pictures, limit, use)

    def _view(self, parcel: Parcel, *, mention: bool) -> ui.LayoutView:
        job, where = self._job, self._where
        if job.state is JobState.FAILED:
            return layout.failed(job, where)
        if job.state is JobState.CANCELLED:
            return layout.cancelled(job, where)
        if not parcel.files:
            return layout.deleted(job, where)
        return layout.result(
            job,
            where,
            parcel.pictures,
            parcel.names,
            model_title=self._titles().get(job.paint.model, job.paint.model),
            mention=mention,
            smaller=parcel.smaller,
            origin=self._origin,
        )

    @property
    def _nonce(self) -> str:
        return f"{self._job.public}:{'r' if self._job.state is JobState.DONE else 'f'}"

    async def _forget_token(self) -> None:
        """It is of no use any more, and nobody else's business."""
        if self._where.token is not None and self._where.posted is not None:
            await self._keep(token=None)

    async def _keep(self, **changes: object) -> None:
        """Write down what is known now, before anything else is done."""
        self._where = replace(self._where, **changes)  # type: ignore[arg-type]  # checked by it
        await self._jobs.set_message(self._job.id, self._where.to_json())
