"""How the Discord bot starts, stays and ends: tokens, commands, outages, and what the log says."""

from __future__ import annotations

import base64
import io
import logging
from pathlib import Path

import discord
import pytest
from discord.http import Route

from bot import cli
from bot.log import set_up
from bot.on_discord.bot import BotState
from bot.on_discord.invite import application_of, invite_url
from bot.on_discord.network import api_at, plain_log
from tests.bot.discord_desk import names, open_discord
from tests.loopback_discord import Fault
from tests.loopback_discord import errors as say

pytestmark = pytest.mark.slow

TOKEN = base64.urlsafe_b64encode(b"123456789012345678").decode().rstrip("=") + ".Gabcde." + "x" * 38


@pytest.fixture
def written() -> io.StringIO:
    """The log as `atelier serve` writes it, with everything in it."""
    return io.StringIO()


async def test_it_connects_and_says_so(tmp_path: Path) -> None:
    """Without privileged intents, and with the commands made known."""
    async with open_discord(tmp_path) as there:
        await there.connected()
        assert there.server.syncs == 1
        assert {command["name"] for command in there.server.commands[None]} >= {"imagine"}
        assert there.bot.client.intents.value == discord.Intents(guilds=True).value


async def test_several_shards_are_one_bot(tmp_path: Path) -> None:
    """Connected only when all are."""
    async with open_discord(tmp_path, shards=2) as there:
        await there.connected()
        assert there.bot.client.shard_count == 2
        assert len(there.bot.client.shards) == 2


async def test_the_same_commands_are_not_registered_again(tmp_path: Path) -> None:
    """Not at the next start; only once something about them is different."""
    async with open_discord(tmp_path) as there:
        await there.connected()
        await there.die()
        await there.connected()
        assert there.server.syncs == 1
        there.bot.client.tree.remove_command("queue")
        await there.bot.logged_in()
        assert there.server.syncs == 2


async def test_commands_can_go_to_one_server_for_a_while(tmp_path: Path) -> None:
    """At once and only there; later it is cleared of its own copies."""
    async with open_discord(tmp_path / "a") as there:
        guild = there.guild.id
        there.settings = there.settings.model_copy(update={"discord_guild": guild})
        await there.die()
        await there.connected()
        assert any(command["name"] == "imagine" for command in there.server.commands[guild])
        syncs = there.server.syncs
        await there.die()
        await there.connected()
        assert there.server.syncs == syncs
        there.settings = there.settings.model_copy(update={"discord_guild": None})
        await there.die()
        await there.connected()
        assert there.server.commands[guild] == []


async def test_a_registration_that_fails_is_no_reason_not_to_start(tmp_path: Path) -> None:
    """It connects, and tells Discord the commands a little later."""
    async with open_discord(tmp_path) as there:
        await there.connected()
        there.server.fault(Fault(route="put_commands", error=say.ApiError(403, 50001, "No")))
        there.bot.client.tree.remove_command("queue")
        await there.bot.logged_in()
        assert there.server.syncs == 1
        await there.bot.logged_in()
        assert there.server.syncs == 2


async def test_a_wrong_token_is_one_clear_line(tmp_path: Path, written: io.StringIO) -> None:
    """The rest goes on; the line names the setting, and no line the token."""
    set_up("console", secrets=[TOKEN], stream=written, level=logging.DEBUG)
    async with open_discord(tmp_path, discord_token=TOKEN, patience_s=0.0) as there:
        await there.running
        assert there.bot.state is BotState.refused
        there.server.failures.clear()
    text = written.getvalue()
    (line,) = [line for line in text.splitlines() if "ATELIER_DISCORD_TOKEN" in line]
    assert "does not accept" in line
    assert "Traceback" not in text
    assert TOKEN not in text


async def test_a_token_that_is_revoked_ends_the_bot(tmp_path: Path) -> None:
    """The gateway closes with 4004: no login is tried again and again."""
    async with open_discord(tmp_path) as there:
        await there.connected()
        await there.server.gateway.drop(4004)
        await there.running
        assert there.bot.state is BotState.refused


async def test_a_token_that_ends_before_the_gateway_is_asked_for(tmp_path: Path) -> None:
    """The library hides that behind "no gateway found"; it is not asked for ever."""
    async with open_discord(tmp_path) as there:
        await there.connected()
        there.server.fault(Fault(route="get_gateway", error=say.unauthorized(), times=9))
        await there.die()
        await there.running
        assert there.bot.state is BotState.refused


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
async def test_no_token_stands_in_the_log(tmp_path: Path, written: io.StringIO, level: int) -> None:
    """The bot's in no line of any level, an interaction's in none that is ever written."""
    async with open_discord(tmp_path) as there:
        secret = there.server.token
        set_up("console", secrets=[secret], stream=written, level=level)
        limited = say.ApiError(429, 0, "slow", extra={"retry_after": 0.1, "global": False})
        limited.headers |= {"Via": "1.1 google"}
        there.server.fault(Fault(route="edit_original", error=limited))
        there.server.fault(Fault(route="edit_original", error=say.ApiError(503, 0, "no")))
        there.server.fault(Fault(route="edit_original", reset=True))
        asked = await there.ask(private=True)
        await there.delivered(asked)
        await there.server.gateway.drop()
        await there.connected()
    text = written.getvalue()
    assert "rate limited" in text
    assert secret not in text
    assert secret[20:40] not in text
    assert level < logging.INFO or asked.interaction.token not in text


async def test_pictures_arrive_while_the_gateway_is_away(tmp_path: Path) -> None:
    """HTTP alone is enough: nothing waits for the gateway."""
    async with open_discord(tmp_path, gateway=False) as there:
        assert there.bot.state is BotState.connecting
        asked = await there.ask()
        await there.delivered(asked)
        assert names(asked.message) == [f"{asked.job.public}-1.png"]
        assert there.bot.state is BotState.connecting


async def test_after_an_outage_everything_arrives_at_once(tmp_path: Path) -> None:
    """What could not be delivered is not left to its backoff when Discord is back."""
    async with open_discord(tmp_path) as there:
        await there.connected()
        fault = Fault(route="edit_message", reset=True, times=10_000)
        there.server.fault(fault)
        asked = await there.ask()
        await there.desk.until(lambda: fault.hits > 3)
        fault.times = 0
        await there.server.gateway.drop()
        await there.delivered(asked)
        await there.connected()


async def test_it_starts_while_discord_is_away(tmp_path: Path) -> None:
    """The first login fails, a later one does not."""
    async with open_discord(tmp_path) as there:
        fault = there.server.fault(Fault(route="get_me", error=say.ApiError(400, 0, "no"), times=1))
        await there.die()
        await there.connected()
        assert fault.hits == 1
        there.server.refusals.clear()


async def test_it_works_only_where_it_shall(tmp_path: Path) -> None:
    """ATELIER_DISCORD_SERVERS names the servers; empty means all."""
    async with open_discord(tmp_path, discord_servers=frozenset({5})) as there:
        assert there.bot.works_in(5)
        assert not there.bot.works_in(6)
    async with open_discord(tmp_path / "b") as there:
        assert there.bot.works_in(6)


def test_other_addresses_are_put_back() -> None:
    """The base of the API is Discord's again afterwards."""
    before = Route.BASE
    with api_at("http://proxy:8080/api/v10/"):
        assert Route("GET", "/users/@me").url == "http://proxy:8080/api/v10/users/@me"
    assert before == Route.BASE
    with api_at(None):
        assert before == Route.BASE


def test_addresses_in_the_log_have_no_interaction_token(caplog: pytest.LogCaptureFixture) -> None:
    """discord.py writes them when it is rate limited."""
    plain_log()
    plain_log()
    url = "https://discord.com/api/v10/webhooks/123/aW50ZXJhY3Rpb24-_.x/messages/@original"
    with caplog.at_level(logging.WARNING):
        logging.getLogger("discord.http").warning("rate limited. %s %s", "PATCH", url)
        logging.getLogger("discord.http").warning("%d%% of %s", 5, "nothing")
    assert caplog.messages == [
        "rate limited. PATCH https://discord.com/api/v10/webhooks/123/•••/messages/@original",
        "5% of nothing",
    ]


def test_the_invite_names_exactly_what_is_needed() -> None:
    """View, send, send in threads, embed, attach, read the history; and the commands."""
    assert application_of(TOKEN) == 123456789012345678
    assert invite_url(TOKEN) == (
        "https://discord.com/oauth2/authorize?client_id=123456789012345678"
        "&scope=bot+applications.commands&permissions=274878024704"
    )
    named = dict(discord.Permissions(274878024704))
    assert {name for name, allowed in named.items() if allowed} == {
        "view_channel",
        "read_messages",
        "send_messages",
        "send_messages_in_threads",
        "embed_links",
        "attach_files",
        "read_message_history",
    } & set(named)


@pytest.mark.parametrize("token", ["", "hello", "héllo.x", "!!!.a.b", "aGVsbG8.a.b"])
def test_what_is_no_token_makes_no_link(token: str) -> None:
    """Said, not guessed."""
    with pytest.raises(ValueError):
        application_of(token)


def test_the_command_prints_the_link(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`atelier discord invite`, with one clear line where there is no token or a wrong one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATELIER_DISCORD_TOKEN", TOKEN)
    assert cli.main(["discord", "invite"]) == 0
    assert capsys.readouterr().out.strip() == invite_url(TOKEN)
    monkeypatch.setenv("ATELIER_DISCORD_TOKEN", "hello")
    assert cli.main(["discord", "invite"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.delenv("ATELIER_DISCORD_TOKEN")
    assert cli.main(["discord", "invite"]) == 2
    assert "ATELIER_DISCORD_TOKEN is not set" in capsys.readouterr().err
