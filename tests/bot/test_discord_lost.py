"""Answers that do not reach Discord: which of them are mistakes of ours, and which are nobody's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest
from structlog.testing import capture_logs

from bot.on_discord.posting import lost
from tests.bot.discord_desk import open_discord
from tests.loopback_discord import Fault
from tests.loopback_discord import errors as say
from tests.loopback_discord.world import ADMINISTRATOR


def _not_found(code: int) -> discord.NotFound:
    response: Any = SimpleNamespace(status=404, reason="Not Found")
    return discord.NotFound(response, {"code": code, "message": "Unknown"})


@pytest.mark.parametrize(
    ("error", "nobodys"),
    [
        (aiohttp.ServerDisconnectedError(), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (_not_found(10062), True),
        (_not_found(10015), True),
        (_not_found(10003), False),
        (KeyError("x"), False),
        (OSError(28, "No space left on device"), False),
    ],
    ids=repr,
)
def test_an_answer_that_got_lost_is_no_mistake_of_ours(error: Exception, nobodys: bool) -> None:
    """The network, or Discord's three seconds: a line in the log, but no traceback."""
    assert lost(error) is nobodys


@pytest.mark.slow
@pytest.mark.parametrize("reset", [False, True], ids=["502", "cut"])
async def test_an_answer_that_arrived_all_the_same_stands(tmp_path: Path, reset: bool) -> None:
    """Discord has it and says that it failed: it is not given twice, and what follows is done."""
    with capture_logs() as lines:
        async with open_discord(tmp_path) as there:
            guild, server = there.guild, there.server
            boss = server.add_person(
                "boss", there.channel, server.add_role(guild, "x", ADMINISTRATOR)
            )
            await there.connected()
            await server.until(lambda: server.commands)
            for command, options in (
                ("usage", {}),
                ("history", {}),
                ("imagine", {"prompt": "a fox"}),
                ("atelier ban", {"member": there.ann, "duration": "1h"}),
            ):
                error = None if reset else say.server_error(502)
                server.fault(Fault(route="answer", error=error, reset=reset, committed=True))
                asked = await boss.slash(command, **options)
                assert asked.message is not None
                assert asked.message.text
            await server.until(lambda: len(server.calls("answer")) >= (4 if reset else 8))
            await server.until(lambda: server.showing("a fox"))
            assert len(server.saying("a fox")) == 1
            assert len(server.posts.every) == 4
    assert "error" not in {line["log_level"] for line in lines}
