"""Points discord.py at other addresses than Discord's own, and keeps tokens out of its log.

For the HTTP and gateway proxies that large bots run. Also: an answer counts as given when Discord
says that it has it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import discord
import yarl
from discord.http import Route
from discord.webhook.async_ import async_context

ACKNOWLEDGED = 40060
_TOKENS = re.compile(r"(/(?:webhooks|interactions)/\d+/)[\w.-]+", re.ASCII)
_LOGGERS = ("discord.http", "discord.webhook.async_", "discord.client", "discord.shard")


@contextmanager
def api_at(url: str | None) -> Iterator[None]:
    """Within it, every request of discord.py goes to this base, such as `http://proxy/api/v10`.

    Interactions are answered past the client, so that this holds for the process.
    """
    before = Route.BASE
    if url is not None:
        Route.BASE = url.rstrip("/")
    try:
        yield
    finally:
        Route.BASE = before


def gateway_at(client: discord.Client, url: str | None) -> None:
    """Let this client open its gateway here, whatever it is told, also when it resumes.

    discord.py takes the address from three places (its default, `/gateway/bot`, READY); all of
    them come through the one call that opens the socket.
    """
    if url is not None:
        opening = partial(_open, client.http.ws_connect, yarl.URL(url))
        client.http.ws_connect = opening  # type: ignore[method-assign]  # its one door


async def _open(connect: Any, base: yarl.URL, url: str, **options: Any) -> Any:
    return await connect(str(base.update_query(yarl.URL(url).query)), **options)


def once_answered() -> None:
    """Take "already acknowledged" for a success; harmless to repeat.

    Discord may carry out an answer and still reply with an error. discord.py then sends it again
    and fails, and whatever was to be done after the answer would be left undone.
    """
    adapter: Any = async_context.get()
    adapter.create_interaction_response = partial(_answer, adapter)


async def _answer(adapter: Any, interaction: int, token: str, **given: Any) -> Any:
    answering = type(adapter).create_interaction_response
    try:
        return await answering(adapter, interaction, token, **given)
    except discord.HTTPException as error:
        if error.code != ACKNOWLEDGED:
            raise
        return {"interaction": {"id": str(interaction)}}


class _Plain(logging.Filter):
    """Hides the interaction tokens in logged addresses; an outage is a line, not a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if record.name == "discord.shard" and record.exc_info and record.exc_info[1]:
            line = f"{line} ({record.exc_info[1]!r})"
            record.exc_info = record.exc_text = None
        record.msg, record.args = _TOKENS.sub(r"\1•••", line), ()
        return True


def plain_log() -> None:
    """Keep interaction tokens and repeated tracebacks out of the log; harmless to repeat."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, _Plain) for each in logger.filters):
            logger.addFilter(_Plain())
