"""The loopback Discord itself: a plain discord.py client lives in it, and strictness holds."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands, ui
from PIL import Image

from tests.loopback_discord import Fault, Hold, LoopbackDiscord, Upload, loopback_discord
from tests.loopback_discord import errors as say
from tests.loopback_discord.world import ATTACH, HISTORY, SEND, VIEW


def _png(colour: str = "red") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(data, "PNG")
    return data.getvalue()


class Card(ui.LayoutView):
    """A picture with two buttons under it."""

    def __init__(self, text: str, *names: str) -> None:
        super().__init__(timeout=None)
        self.add_item(ui.TextDisplay(text))
        if names:
            gallery: ui.MediaGallery[Any] = ui.MediaGallery()
            for name in names:
                gallery.add_item(media=f"attachment://{name}", description=text)
            self.add_item(gallery)
        row: ui.ActionRow[Any] = ui.ActionRow()
        row.add_item(ui.Button(label="Again", custom_id="plain:again"))
        row.add_item(ui.Button(label="Words", custom_id="plain:words", emoji="✏️"))
        self.add_item(row)


class Words(ui.Modal, title="Other words"):
    """One field."""

    words: ui.TextInput[Any] = ui.TextInput(label="Prompt", custom_id="words", max_length=100)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"new words: {self.words.value}", ephemeral=True)


class Plain(discord.AutoShardedClient):
    """A bot as the library's own guide would write it."""

    def __init__(self) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
        )
        self.tree = app_commands.CommandTree(self)
        self.painted = 0
        self.slow = asyncio.Event()
        self.tree.command(name="paint", description="Paint something")(self.paint)
        self.tree.command(name="wait", description="Take too long")(self.wait)

    @app_commands.describe(prompt="what", count="how many", image="from where")
    async def paint(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, 50],
        count: app_commands.Range[int, 1, 4] = 1,
        image: discord.Attachment | None = None,
    ) -> None:
        """Answer, then put a picture into the answer with the bot's own token."""
        self.painted += 1
        answer = await interaction.response.send_message(view=Card(f"painting {prompt}"))
        assert answer.message_id is not None
        assert interaction.channel_id is not None
        data = await image.read() if image else _png()
        names = [f"{interaction.id}-{number}.png" for number in range(count)]
        channel = self.get_partial_messageable(interaction.channel_id)
        await channel.get_partial_message(answer.message_id).edit(
            view=Card(prompt, *names),
            attachments=[discord.File(io.BytesIO(data), name) for name in names],
        )

    async def wait(self, interaction: discord.Interaction) -> None:
        """Defer, and edit by the token when allowed."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self.slow.wait()
        await interaction.edit_original_response(view=Card("there"))

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Buttons."""
        custom_id = interaction.custom_id
        if custom_id == "plain:again":
            await interaction.response.send_message("again", ephemeral=True)
        elif custom_id == "plain:words" and interaction.type is discord.InteractionType.component:
            await interaction.response.send_modal(Words())


@asynccontextmanager
async def _plain(server: LoopbackDiscord) -> AsyncIterator[Plain]:
    base, discord.http.Route.BASE = discord.http.Route.BASE, server.api_url
    client = Plain()
    running: asyncio.Task[None] | None = None
    try:
        await client.login(server.token)
        await client.tree.sync()
        running = asyncio.create_task(client.connect())
        await server.gateway.until_connected()
        await client.wait_until_ready()
        yield client
    finally:
        await client.close()
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        discord.http.Route.BASE = base


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with loopback_discord(honest=True) as made:
        yield made


async def test_a_plain_client_lives_in_it(server: LoopbackDiscord) -> None:
    """Command, picture, button, modal, attachment: as on the real one."""
    guild = server.add_guild()
    ann = server.add_person("ann", server.add_channel(guild))
    async with _plain(server) as client:
        assert client.get_guild(guild.id) is not None
        asked = await ann.slash("paint", prompt="a fox", count=2)
        message = asked.message
        assert message is not None
        await server.until(message.pictures)
        assert message.pictures() == [_png(), _png()]
        assert message.text == "a fox"
        assert message.labels() == ["Again", "Words"]
        assert (await ann.press(message, "Again")).text == "again"
        opened = await ann.press(message, "plain:words")
        assert (await ann.submit(opened, words="a red fox")).text == "new words: a red fox"
        source = await ann.slash("paint", prompt="x", image=Upload("a.png", _png("blue")))
        assert source.message is not None
        await server.until(source.message.pictures)
        assert source.message.pictures() == [_png("blue")]
        assert source.message.to_json()["attachments"] == []
    server.check()


async def test_what_a_client_would_not_send_is_refused_at_once(server: LoopbackDiscord) -> None:
    """Unknown commands, options out of bounds, missing ones: the test is wrong, not the bot."""
    ann = server.add_person("ann", server.add_channel(server.add_guild()))
    async with _plain(server):
        for name, options in (
            ("draw", {}),
            ("paint", {}),
            ("paint", {"prompt": "x" * 51}),
            ("paint", {"prompt": "x", "count": 5}),
            ("paint", {"prompt": "x", "size": "large"}),
        ):
            with pytest.raises(AssertionError):
                await ann.slash(name, **options)


async def test_the_three_seconds_and_the_fifteen_minutes(server: LoopbackDiscord) -> None:
    """Late first answers and answers with an old token fail as they do there."""
    ann = server.add_person("ann", server.add_channel(server.add_guild()))
    async with _plain(server) as client, aiohttp.ClientSession(server.url) as http:
        asked = await ann.slash("wait")
        assert asked.ephemeral
        assert asked.message is not None
        assert asked.message.loading
        hook = f"/api/v10/webhooks/{server.bot.id}/{asked.token}"
        server.clock.forward(899)
        assert await _status(http, "GET", f"{hook}/messages/@original") == (200, 0)
        client.slow.set()
        await server.until(lambda: asked.text == "there")
        server.clock.forward(2)
        assert await _status(http, "GET", f"{hook}/messages/@original") == (401, 50027)
        assert await _status(http, "POST", hook, {"content": "x"}) == (401, 50027)
    late = await ann.slash("wait", wait=False)
    server.clock.forward(4)
    path = f"/api/v10/interactions/{late.id}/{late.token}/callback"
    async with aiohttp.ClientSession(server.url) as http:
        assert await _status(http, "POST", path, {"type": 5}) == (404, 10062)
    assert server.missed == [late]


async def test_the_second_first_answer_is_40060(server: LoopbackDiscord) -> None:
    """Also when the first one was answered with an error after it had been done."""
    ann = server.add_person("ann", server.add_channel(server.add_guild()))
    async with aiohttp.ClientSession(server.url) as http:
        server.commands[None] = [{"id": "1", "name": "x", "type": 1}]
        server.fault(Fault(route="answer", committed=True, error=say.server_error()))
        asked = await ann.slash("x", wait=False)
        path = f"/api/v10/interactions/{asked.id}/{asked.token}/callback?with_response=1"
        body = {"type": 4, "data": {"content": "hello"}}
        assert await _status(http, "POST", path, body) == (502, 0)
        assert await _status(http, "POST", path, body) == (400, 40060)
        assert asked.text == "hello"
        assert len(server.posts.every) == 1


async def test_a_lost_gateway_is_resumed_with_all_that_was_missed(server: LoopbackDiscord) -> None:
    """Dropped, told to reconnect, invalidated: the client is back, and a repeat is a repeat."""
    ann = server.add_person("ann", server.add_channel(server.add_guild()))
    async with _plain(server) as client:
        await server.gateway.drop()
        missed = await ann.slash("paint", prompt="while away", wait=False)
        await server.gateway.until(lambda: server.gateway.resumed == 1)
        await server.answer_to(missed)
        await server.gateway.ask_to_reconnect()
        await server.gateway.until(lambda: server.gateway.resumed == 2)
        await server.replay(missed)
        await server.until(lambda: (400, 40060) in server.calls("answer"))
        assert client.painted == 2
        assert len(server.saying("while away")) == 1


async def test_nonces_hold_for_minutes_only(server: LoopbackDiscord) -> None:
    """The same nonce gives the same message, until it has been forgotten."""
    channel = server.add_channel(server.add_guild())
    body = {"content": "once", "nonce": "job:r", "enforce_nonce": True}
    async with _bot(server) as http:
        path = f"/api/v10/channels/{channel.id}/messages"
        for _ in range(2):
            assert await _status(http, "POST", path, body) == (200, 0)
        assert len(server.posts.every) == 1
        server.clock.forward(301)
        assert await _status(http, "POST", path, body) == (200, 0)
        assert len(server.posts.every) == 2


TEXT = {"type": 10, "content": "x"}
BUTTON = {"type": 2, "style": 1, "label": "x", "custom_id": "x"}
V2 = 1 << 15
BAD_MESSAGES: dict[str, dict[str, Any]] = {
    "UNKNOWN_FIELD": {"content": "x", "colour": 1},
    "BASE_TYPE_BAD_LENGTH": {"content": "x" * 2001},
    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2": {
        "content": "x",
        "components": [TEXT],
        "flags": V2,
    },
    "UNION_TYPE_CHOICES": {"components": [TEXT]},
    "COMPONENT_CUSTOM_ID_DUPLICATED": {
        "content": "x",
        "components": [{"type": 1, "components": [BUTTON, BUTTON]}],
    },
    "BUTTON_COMPONENT_INVALID_EMOJI": {
        "content": "x",
        "components": [{"type": 1, "components": [BUTTON | {"emoji": {"name": "a"}}]}],
    },
    "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND": {
        "flags": V2,
        "components": [{"type": 12, "items": [{"media": {"url": "attachment://a.png"}}]}],
    },
    "BASE_TYPE_MAX_LENGTH": {"flags": V2, "components": [{"type": 17, "components": [TEXT] * 40}]},
    "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED": {
        "flags": V2,
        "components": [{"type": 10, "content": "x" * 2001}] * 2,
    },
    "BITFIELD_ANY_FLAGS": {"content": "x", "flags": 1 << 6},
    "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE": {
        "content": "x",
        "allowed_mentions": {"parse": ["users"], "users": ["1"]},
    },
}


@pytest.mark.parametrize("reason", BAD_MESSAGES)
async def test_bad_messages_are_400(server: LoopbackDiscord, reason: str) -> None:
    """Each with Discord's own word for what is wrong, and nothing is posted."""
    channel = server.add_channel(server.add_guild())
    path = f"/api/v10/channels/{channel.id}/messages"
    async with _bot(server) as http:
        async with http.post(path, json=BAD_MESSAGES[reason]) as answer:
            assert answer.status == 400
            body = await answer.json()
        assert body["code"] == 50035
        assert reason in str(body["errors"])
    assert server.posts.every == []
    assert reason in server.refusals[0]


async def test_what_else_is_too_much(server: LoopbackDiscord) -> None:
    """Six buttons in a row, a custom id of 101, an eleventh picture, a file above the limit."""
    guild = server.add_guild()
    guild.limit = 100
    channel = server.add_channel(guild)
    path = f"/api/v10/channels/{channel.id}/messages"
    row = [BUTTON | {"custom_id": str(number)} for number in range(6)]
    picture = {"media": {"url": "https://example.org/a.png"}}
    async with _bot(server) as http:
        for components, flags in (
            ([{"type": 1, "components": row}], 0),
            ([{"type": 1, "components": [BUTTON | {"custom_id": "x" * 101}]}], 0),
            ([{"type": 12, "items": [picture] * 11}], V2),
            ([{"type": 12, "items": [picture | {"description": "x" * 1025}]}], V2),
        ):
            body = {"components": components, "flags": flags}
            assert await _status(http, "POST", path, body) == (400, 50035)
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("payload_json", '{"content": "x"}')
        form.add_field("files[0]", io.BytesIO(b"x" * 101), filename="a.txt")
        async with http.post(path, data=form) as answer:
            assert (answer.status, (await answer.json())["code"]) == (413, 40005)


async def test_v2_is_for_ever(server: LoopbackDiscord) -> None:
    """An edit may set the flag, never take it away; what it leaves out stays."""
    channel = server.add_channel(server.add_guild())
    path = f"/api/v10/channels/{channel.id}/messages"
    async with _bot(server) as http:
        assert await _status(http, "POST", path, {"content": "x"}) == (200, 0)
        message = server.posts.every[0]
        one = f"{path}/{message.id}"
        change = {"flags": V2, "components": [TEXT]}
        assert await _status(http, "PATCH", one, change) == (400, 50035)  # the content is there
        assert await _status(http, "PATCH", one, change | {"content": None}) == (200, 0)
        assert await _status(http, "PATCH", one, {"flags": 0}) == (400, 50035)
        assert await _status(http, "PATCH", one, {"content": "x"}) == (400, 50035)
        assert message.text == "x"


async def test_rights_are_asked(server: LoopbackDiscord) -> None:
    """Without sight 50001, without speech 50013, without history an empty list and no replies."""
    guild = server.add_guild()
    channel = server.add_channel(guild)
    path = f"/api/v10/channels/{channel.id}/messages"
    async with _bot(server) as http:
        assert await _status(http, "POST", path, {"content": "x"}) == (200, 0)
        message = server.posts.every[0]
        await server.deny(channel, HISTORY)
        async with http.get(path) as answer:
            assert await answer.json() == []
        assert await _status(http, "GET", f"{path}/{message.id}") == (403, 50001)
        reply = {"content": "y", "message_reference": {"message_id": str(message.id)}}
        assert await _status(http, "POST", path, reply) == (403, 160002)
        await server.deny(channel, SEND | ATTACH)
        assert await _status(http, "POST", path, {"content": "x"}) == (403, 50013)
        await server.deny(channel, VIEW)
        assert await _status(http, "POST", path, {"content": "x"}) == (403, 50001)
        await server.delete_channel(channel)
        assert await _status(http, "POST", path, {"content": "x"}) == (404, 10003)
        bob = server.add_person("bob", server.add_channel(guild), open_dm=False)
        closed = f"/api/v10/channels/{bob.dm.id}/messages"
        assert await _status(http, "POST", closed, {"content": "x"}) == (403, 50007)


async def test_history_is_read_in_order(server: LoopbackDiscord) -> None:
    """Newest first; after, before and around cut where they say."""
    channel = server.add_channel(server.add_guild())
    path = f"/api/v10/channels/{channel.id}/messages"
    async with _bot(server) as http:
        for number in range(6):
            assert await _status(http, "POST", path, {"content": str(number)}) == (200, 0)
        ids = [message.id for message in server.posts.every]
        for query, expected in (
            ("", "543210"),
            ("?limit=2", "54"),
            (f"?after={ids[2]}", "543"),
            (f"?after={ids[0]}&limit=2", "21"),
            (f"?before={ids[2]}", "10"),
            (f"?around={ids[3]}&limit=3", "432"),
        ):
            async with http.get(path + query) as answer:
                assert "".join(each["content"] for each in await answer.json()) == expected, query
        assert await _status(http, "DELETE", f"{path}/{ids[5]}") == (204, 0)
        assert await _status(http, "GET", f"{path}/{ids[5]}") == (404, 10008)


async def test_trouble_comes_when_it_is_planned(server: LoopbackDiscord) -> None:
    """429 with its headers, 5xx before and after the commit, a reset, a held answer."""
    channel = server.add_channel(server.add_guild())
    path = f"/api/v10/channels/{channel.id}/messages"
    async with _bot(server) as http:
        server.fault(Fault(route="create_message", error=say.rate_limited(0.2)))
        async with http.post(path, json={"content": "x"}) as answer:
            assert answer.status == 429
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["Via"]
            assert (await answer.json())["retry_after"] == 0.2
        server.fault(Fault(route="create_message", error=say.server_error(503)))
        assert await _status(http, "POST", path, {"content": "x"}) == (503, 0)
        assert server.posts.every == []
        server.fault(Fault(route="create_message", reset=True, committed=True))
        with pytest.raises(aiohttp.ClientError):
            await _status(http, "POST", path, {"content": "x"})
        assert len(server.posts.every) == 1
        hold = Hold()
        server.fault(Fault(route="create_message", hold=hold, committed=True))
        held = asyncio.create_task(_status(http, "POST", path, {"content": "x"}))
        await hold.reached.wait()
        assert len(server.posts.every) == 2
        assert not held.done()
        hold.release()
        assert await held == (200, 0)
        server.api.buckets.limit = 2
        for _ in range(3):
            await _status(http, "GET", path)
        assert (429, 0) in server.calls("get_messages")


async def test_strangers_and_unknown_routes(server: LoopbackDiscord) -> None:
    """A wrong token is 401; a route that is not there is 404 and fails the test in the end."""
    async with aiohttp.ClientSession(server.url) as http:
        assert await _status(http, "GET", "/api/v10/users/@me") == (401, 0)
        assert server.failures == []
        assert await _status(http, "GET", "/api/v10/channels/1/pins") == (404, 0)
        with pytest.raises(AssertionError):
            server.check()


BAD_COMMANDS: dict[str, Any] = {
    "APPLICATION_COMMAND_INVALID_NAME": {"name": "Paint", "description": "x"},
    "BASE_TYPE_BAD_LENGTH": {"name": "paint", "description": "x" * 101},
    "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID": {
        "name": "paint",
        "description": "x",
        "options": [
            {"type": 3, "name": "a", "description": "x"},
            {"type": 3, "name": "b", "description": "x", "required": True},
        ],
    },
    "UNKNOWN_FIELD": {"name": "paint", "description": "x", "color": 3},
}


@pytest.mark.parametrize("reason", BAD_COMMANDS)
async def test_bad_commands_are_400(server: LoopbackDiscord, reason: str) -> None:
    """Names, lengths, order, choices: as the real one checks them."""
    async with _bot(server) as http:
        path = f"/api/v10/applications/{server.bot.id}/commands"
        async with http.put(path, json=[BAD_COMMANDS[reason]]) as answer:
            assert answer.status == 400
            assert reason in await answer.text()
    assert server.commands == {}


async def test_a_choice_too_many(server: LoopbackDiscord) -> None:
    """25 choices, not 26."""
    choices = [{"name": str(number), "value": str(number)} for number in range(26)]
    option = {"type": 3, "name": "a", "description": "x", "choices": choices}
    command = {"name": "paint", "description": "x", "options": [option]}
    async with _bot(server) as http:
        path = f"/api/v10/applications/{server.bot.id}/commands"
        assert await _status(http, "PUT", path, [command]) == (400, 50035)
        choices.pop()
        assert await _status(http, "PUT", path, [command]) == (200, 0)


def _bot(server: LoopbackDiscord) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(server.url, headers={"Authorization": f"Bot {server.token}"})


async def _status(
    http: aiohttp.ClientSession, method: str, path: str, body: Any = None
) -> tuple[int, int]:
    given: dict[str, Any] = {} if body is None else {"json": body}
    async with http.request(method, path, **given) as answer:
        if answer.content_type != "application/json":
            return answer.status, 0
        said = await answer.json()
        return answer.status, said.get("code", 0) if isinstance(said, dict) else 0
