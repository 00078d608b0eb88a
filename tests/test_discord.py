"""Discord as members have it: the real process, the real model, a Discord of our own."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from tests.loopback_discord import (
    Channel,
    Fault,
    Guild,
    Hold,
    Interaction,
    LoopbackDiscord,
    Message,
    Person,
    loopback_discord,
)
from tests.loopback_discord import errors as say
from tests.loopback_discord.people import Upload
from tests.loopback_discord.world import ATTACH, HISTORY, VIEW
from tests.serving import Serving, serving

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SETTINGS = {
    "ATELIER_BUDGET": "100000",
    "ATELIER_WAITING_PER_PERSON": "100",
    "ATELIER_LOG": "json",
}
LONG: dict[str, Any] = {"steps": 30, "count": 2}
"""A few seconds of painting: enough for something to happen meanwhile."""
SIXTEEN_MINUTES = 16 * 60.0
NONCES_FORGOTTEN = 6 * 60.0
"""Discord keeps them for minutes only; interaction tokens still live then."""


class Town:
    """One Discord, one Atelier, one server with people in it."""

    def __init__(self, discord: LoopbackDiscord, server: Serving) -> None:
        self.discord, self.server = discord, server
        self.guild: Guild = discord.add_guild("town")
        self.art: Channel = discord.add_channel(self.guild)
        self.ann = discord.add_person("ann", self.art)
        self.bob = discord.add_person("bob", self.art)

    async def start(self) -> None:
        """Start the process; commands are there and the engine is warm afterwards."""
        identified = self.discord.gateway.identified
        await asyncio.to_thread(self.server.start)
        await asyncio.to_thread(self.server.wait_until_ready)
        gateway = self.discord.gateway
        await gateway.until(lambda: gateway.identified > identified and gateway.connected)
        await self.discord.until(lambda: self.discord.commands)

    async def kill(self) -> None:
        """kill -9."""
        await asyncio.to_thread(self.server.kill)
        await self.discord.gateway.until(lambda: not self.discord.gateway.connected)

    async def imagine(self, prompt: str, who: Person | None = None, **options: Any) -> Message:
        """Ask for a picture; the first answer's message."""
        asked = await (who or self.ann).slash("imagine", prompt=prompt, **options)
        assert asked.message is not None
        return asked.message

    def once(self, words: str) -> Message:
        """The one message that shows these pictures; more or fewer fail the test."""
        found = self.discord.showing(words)
        assert len(found) == 1, (words, self.discord.summary())
        return found[0]

    async def arrives(self, words: str) -> Message:
        """That one message, once it is there; after a while it is still the only one."""
        await self.discord.until(lambda: self.discord.showing(words))
        await self.quiet(words)
        return self.once(words)

    async def quiet(self, words: str) -> None:
        """Wait until the job of these words is delivered, and nothing goes on any more."""

        def delivered() -> bool:
            with self.rows() as db:
                query = "SELECT count(*) FROM jobs WHERE ask LIKE ? AND delivered_at IS NULL"
                return bool(db.execute(query, (f"%{words}%",)).fetchone() == (0,))

        await self.discord.until(delivered, 60)

    def states(self, state: str) -> int:
        """How many jobs are in this state."""
        with self.rows() as db:
            query = "SELECT count(*) FROM jobs WHERE state = ?"
            return int(db.execute(query, (state,)).fetchone()[0])

    async def settled(self) -> None:
        """Wait until everybody was told of every job."""

        def told() -> bool:
            with self.rows() as db:
                query = "SELECT count(*) FROM jobs WHERE delivered_at IS NULL"
                return bool(db.execute(query).fetchone() == (0,))

        await self.discord.until(told, 60)

    @contextmanager
    def rows(self) -> Iterator[sqlite3.Connection]:
        """The database behind the process's back."""
        db = sqlite3.connect(self.server.data / "atelier.sqlite", timeout=10)
        try:
            with db:
                yield db
        finally:
            db.close()

    async def remembered(self, message: Message) -> None:
        """Wait until the process has written down which message it answered with."""

        def written() -> bool:
            with self.rows() as db:
                query = "SELECT count(*) FROM jobs WHERE message LIKE ?"
                return bool(db.execute(query, (f"%{message.id}%",)).fetchone() == (1,))

        await self.discord.until(written, 20)

    def check(self) -> None:
        """Nothing was done that no bot should do, and no secret stands in the log."""
        self.discord.check()
        log = self.server.log.read_text(encoding="utf-8")
        assert self.discord.token not in log
        for token in self.discord.interactions:
            assert token not in log
        assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]


@asynccontextmanager
async def _town(data: Path) -> AsyncIterator[Town]:
    async with loopback_discord() as discord:
        with serving(data, start=False, **SETTINGS, **discord.settings) as server:
            yield Town(discord, server)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with _town(tmp_path_factory.mktemp("discord") / "data") as town:
        await town.start()
        yield town
        assert await asyncio.to_thread(town.server.stop) == 0
        town.check()


@pytest_asyncio.fixture(loop_scope="module")
async def town(shared: Town) -> AsyncIterator[Town]:
    """The shared town, with no faults left from the test before, and none of its jobs."""
    yield shared
    shared.discord.faults.planned.clear()
    shared.discord.check()


def _picture(message: Message, nth: int = 0) -> Image.Image:
    """A picture that is shown, really decoded."""
    with Image.open(io.BytesIO(message.pictures()[nth])) as image:
        image.load()
        return image


def _parameters(message: Message, nth: int = 0) -> str:
    return str(_picture(message, nth).info["parameters"])


async def test_slash_command_in_picture_out(town: Town) -> None:
    """The answer becomes the picture, in the same message, with all that made it."""
    asked = await town.ann.slash("imagine", prompt="a lighthouse on the sea", seed=7)
    message = asked.message
    assert message is not None
    assert not asked.ephemeral
    assert asked.type == 4
    assert "a lighthouse on the sea" in message.text
    assert "Cancel" in message.labels()
    await town.discord.painted(message)
    assert await town.arrives("a lighthouse on the sea") is message
    assert _picture(message).size == (256, 256)
    assert _picture(message).format == "PNG"
    assert "a lighthouse on the sea" in _parameters(message)
    assert "Seed: 7" in _parameters(message)
    assert "7" in message.text
    alt = [item["description"] for c in message.components for item in c.get("items", [])]
    assert alt == ["a lighthouse on the sea"]
    assert "lighthouse" not in message.shown()[0].name
    assert "Cancel" not in message.labels()
    assert town.discord.posts.every.count(message) == len(town.discord.saying("lighthouse")) == 1
    assert message.pings == set()


async def test_flags_count_and_buttons(town: Town) -> None:
    """Four pictures by a flag; V2 varies the second, "Again" paints anew, details tell all."""
    message = await town.imagine("a windmill --count 4 --steps 3 --seed 11 —no clouds")
    await town.discord.painted(message)
    assert len(message.pictures()) == 4
    assert {"V1", "V2", "V3", "V4", "Again"} <= set(message.labels())
    assert "Negative prompt: clouds" in _parameters(message)
    again = await town.bob.press(message, "Again")
    assert again.message is not None
    assert again.message is not message
    await town.discord.painted(again.message)
    assert "Seed: 11," not in _parameters(again.message)
    varied = await town.ann.press(message, "V2")
    assert varied.message is not None
    await town.discord.painted(varied.message)
    assert "a windmill" in _parameters(varied.message)
    details = await town.bob.press(varied.message, "Details")
    assert details.ephemeral
    assert "--steps" in details.text
    await town.quiet("windmill")
    assert len(town.discord.showing("windmill")) == 3


async def test_other_words_through_a_modal(town: Town) -> None:
    """ "Vary prompt" asks for the words, with the old ones in it, and paints the new ones."""
    message = await town.imagine("a barn --steps 2")
    await town.discord.painted(message)
    opened = await town.ann.press(message, "Vary prompt")
    assert opened.modal is not None
    assert "a barn" in json.dumps(opened.modal)
    field: dict[str, Any] = {_only_field(opened): "a red barn --steps 2"}
    sent = await town.ann.submit(opened, **field)
    assert sent.message is not None
    await town.discord.painted(sent.message)
    assert "a red barn" in _parameters(sent.message)


async def test_cancel(town: Town) -> None:
    """The asker's own; somebody else is told kindly, and the job goes on."""
    first = await town.imagine("a volcano", **LONG)
    second = await town.imagine("a glacier", **LONG)
    foreign = await town.bob.press(second, "Cancel")
    assert foreign.ephemeral
    assert foreign.message is not second
    await town.ann.press(second, "Cancel")
    await town.discord.until(lambda: "Cancel" not in second.labels())
    await town.ann.press(first, "Cancel")
    await town.discord.until(lambda: "Cancel" not in first.labels())
    await town.quiet("a volcano")
    await town.quiet("a glacier")
    assert town.discord.showing("a volcano") == []
    assert town.discord.showing("a glacier") == []


async def test_a_private_picture_is_seen_by_nobody_else(town: Town) -> None:
    """It comes in the hidden answer; the channel, the queue and the public hear nothing."""
    asked = await town.ann.slash("imagine", prompt="a secret garden", private=True, **LONG)
    assert asked.ephemeral
    assert asked.message is not None
    queue = await town.bob.slash("queue")
    assert queue.ephemeral
    assert "secret garden" not in queue.text
    await town.discord.painted(asked.message)
    shown = await town.arrives("a secret garden")
    assert shown.only_for is town.ann.user
    every = town.discord.saying("secret garden")
    assert all(message.only_for is town.ann.user for message in every)


async def test_refusals_are_for_the_asker_alone(town: Town) -> None:
    """What cannot be painted or posted is said at once, and no job comes of it."""
    before = len(town.discord.posts.every)
    asked = await town.ann.slash("imagine", prompt="a fox --sead 7")
    assert asked.ephemeral
    assert "--seed" in asked.text
    silent = town.discord.add_channel(town.guild, "silent")
    await town.discord.deny(silent, ATTACH)
    asked = await town.ann.slash("imagine", prompt="a quiet fox", channel=silent)
    assert asked.ephemeral
    assert len(town.discord.posts.every) == before + 2
    assert town.discord.showing("fox") == []


async def test_mentions_and_markdown_stay_words(town: Town) -> None:
    """@everyone, somebody's mention, a code fence: shown, and nothing comes of it."""
    prompt = f"a cat @everyone {town.bob.mention} ``` **bold** [x](https://example.org) --steps 2"
    message = await town.imagine(prompt)
    await town.discord.painted(message)
    assert not message.pings_everyone
    assert message.pings == set()
    assert "```" not in message.text


async def test_slowed_down_and_out_of_order(town: Town) -> None:
    """429s and 5xx before anything was done: the picture comes a little later, once."""
    discord = town.discord
    discord.fault(Fault(route="edit_message", error=say.rate_limited(0.5), times=2))
    discord.fault(Fault(route="edit_message", error=say.server_error(503), times=1))
    message = await town.imagine("a quarry --steps 2")
    assert await town.arrives("a quarry") is message
    assert {status for status, _ in discord.calls("edit_message")} >= {429, 503}


async def test_answered_with_an_error_although_it_was_done(town: Town) -> None:
    """502 or a cut line after the commit, at the first answer and at the picture: one message."""
    discord = town.discord
    for name, fault in {
        "a pier": Fault(route="answer", error=say.server_error(502), committed=True),
        "a dune": Fault(route="answer", reset=True, committed=True),
        "a moor": Fault(route="edit_message", error=say.server_error(502), committed=True),
        "a weir": Fault(route="edit_message", reset=True, committed=True, when=_has_files),
    }.items():
        discord.fault(fault)
        asked = await town.ann.slash("imagine", prompt=f"{name} --steps 2")
        shown = await town.arrives(name)
        assert fault.hits == 1, name
        assert shown is asked.message, name
        assert len(discord.saying(name)) == 1, name


async def test_a_new_message_answered_with_an_error(town: Town) -> None:
    """The status message is gone, and posting anew fails after the commit: still one post."""
    discord = town.discord
    for name, fault in {
        "a harbour": Fault(route="create_message", error=say.server_error(502), committed=True),
        "a canyon": Fault(route="create_message", error=say.server_error(503), committed=True),
        "a meadow": Fault(route="create_message", reset=True, committed=True),
    }.items():
        discord.fault(fault)
        message = await town.imagine(f"{name} --steps 20 --count 2")
        discord.delete(message)
        shown = await town.arrives(name)
        assert fault.hits == 1, name
        assert shown is not message
        assert shown.pings == {town.ann.id}
        assert len(shown.pictures()) == 2


async def test_the_gateway_is_lost(town: Town) -> None:
    """Work and delivery go on without it; when it is back, commands are served again."""
    gateway = town.discord.gateway
    message = await town.imagine("a canal", **LONG)
    gateway.refuse_links = True
    await gateway.drop()
    assert await town.arrives("a canal") is message
    assert not gateway.connected
    gateway.refuse_links = False
    await gateway.until(lambda: gateway.connected)
    assert (await town.ann.slash("usage")).ephemeral


async def test_a_short_interruption_is_resumed(town: Town) -> None:
    """A command given while the line was cut is answered after RESUME; a repeat paints nothing."""
    gateway = town.discord.gateway
    resumed, identified = gateway.resumed, gateway.identified
    await gateway.drop()
    asked = await town.ann.slash("imagine", prompt="a gate --steps 2", wait=False)
    await gateway.until(lambda: gateway.resumed == resumed + 1)
    await town.discord.answer_to(asked)
    await town.arrives("a gate")
    calls = len(town.discord.calls("answer"))
    await town.discord.replay(asked)
    await town.discord.until(lambda: len(town.discord.calls("answer")) > calls)
    await town.quiet("a gate")
    with town.rows() as db:
        found = db.execute("SELECT count(*) FROM jobs WHERE ask LIKE '%a gate%'").fetchone()
    assert found == (1,)
    town.once("a gate")
    await gateway.ask_to_reconnect()
    await gateway.until(lambda: gateway.resumed == resumed + 2)
    assert gateway.identified == identified


async def test_an_invalid_session(town: Town) -> None:
    """Op 9 while connected, and in answer to a RESUME: a new session, and commands work."""
    gateway = town.discord.gateway
    ways: tuple[Callable[[], Awaitable[None]], ...] = (gateway.invalidate, _forgotten(town))
    for lose in ways:
        identified = gateway.identified
        await lose()
        await gateway.until(lambda: gateway.identified > identified, 60)  # noqa: B023
        assert (await town.ann.slash("usage")).ephemeral


async def test_too_large(town: Town) -> None:
    """A server of small files gets a smaller form of the picture, and is told."""
    tiny = town.discord.add_guild("tiny")
    tiny.limit = 40_000
    place = town.discord.add_channel(tiny)
    eve = town.discord.add_person("eve", place)
    await town.discord.gateway.dispatch("GUILD_CREATE", tiny.to_json(town.discord.bot))
    message = await town.imagine("a forest --steps 4", eve)
    await town.discord.painted(message)
    assert len(message.pictures()[0]) <= 40_000
    assert _picture(message).size == (256, 256)
    lossy = _picture(message).format == "JPEG"
    assert not lossy or "the picture itself has" in message.text
    await town.quiet("a forest")
    town.once("a forest")


async def test_too_large_after_all(town: Town) -> None:
    """40005 although the file was within the limit: smaller, or a link; never twice, never lost."""
    fault = Fault(route="edit_message", error=say.too_large(), when=_has_files)
    town.discord.fault(fault)
    message = await town.imagine("a jungle --steps 4")
    await town.discord.until(lambda: fault.hits)
    await town.quiet("a jungle")
    assert message.pictures() or "/show" in message.text
    assert len(town.discord.showing("a jungle")) <= 1


async def test_rights_lost_while_painting(town: Town) -> None:
    """No more files, no more sight, the channel gone: it comes by DM, once."""
    discord = town.discord
    for name in ("a bridge", "a tunnel", "a tower"):
        place = discord.add_channel(town.guild, name.replace(" ", "-"))
        await town.ann.slash("imagine", prompt=name, channel=place, **LONG)
        if name == "a bridge":
            await discord.deny(place, ATTACH)
        elif name == "a tunnel":
            await discord.deny(place, VIEW)
        else:
            await discord.delete_channel(place)
        shown = await town.arrives(name)
        assert shown.channel is town.ann.dm, name


async def test_nowhere_to_go(town: Town) -> None:
    """The channel is gone and the DMs are closed: the picture waits in /history."""
    discord = town.discord
    place = discord.add_channel(town.guild, "short-lived")
    zoe = discord.add_person("zoe", place, open_dm=False)
    await zoe.slash("imagine", prompt="a labyrinth --steps 20")
    await discord.delete_channel(place)
    await town.quiet("a labyrinth")
    assert discord.showing("a labyrinth") == []
    zoe.channel = town.art
    shown = await zoe.slash("history")
    assert shown.ephemeral
    assert "a labyrinth" in shown.text
    assert shown.message is not None
    assert min(_picture(shown.message).size) >= 100


async def test_a_private_picture_after_its_fifteen_minutes(town: Town) -> None:
    """The token has expired (50027): it comes by DM, never to the channel."""
    discord = town.discord
    asked = await town.bob.slash("imagine", prompt="a hidden lake", private=True, **LONG)
    assert asked.ephemeral
    discord.clock.forward(SIXTEEN_MINUTES)
    shown = await town.arrives("a hidden lake")
    assert shown.channel is town.bob.dm
    assert (401, 50027) in discord.calls("edit_original")
    ivy = discord.add_person("ivy", town.art, open_dm=False)
    await ivy.slash("imagine", prompt="a buried chest", private=True, **LONG)
    discord.clock.forward(SIXTEEN_MINUTES)
    await town.quiet("a buried chest")
    assert discord.showing("a buried chest") == []
    discord.clock.ahead_s = 0.0


async def test_in_direct_messages_threads_and_foreign_servers(town: Town) -> None:
    """Each has its own way; each gets its picture once."""
    discord = town.discord
    message = await town.imagine("a garden gnome --steps 2", channel=town.ann.dm)
    assert await town.arrives("a garden gnome") is message
    assert message.channel is town.ann.dm
    thread = discord.add_thread(town.art)
    message = await town.imagine("a needle --steps 2", channel=thread)
    assert await town.arrives("a needle") is message
    abroad = discord.add_channel(discord.add_guild("abroad", invited=False))
    guest = discord.add_person("guest", abroad, installed=True)
    message = await town.imagine("a suitcase --steps 2", guest)
    assert await town.arrives("a suitcase") is message


async def test_killed_between_posted_and_marked(town: Town) -> None:
    """kill -9 while Discord's answers are on their way: after the restart each stands there once.

    An edit, a new message, a new message where history cannot be read, and a private one; and
    one that was still waiting.
    """
    discord, syncs = town.discord, town.discord.syncs
    blind, calm = (discord.add_channel(town.guild, name) for name in ("blind", "calm"))
    routes = {
        "an anchor": "edit_message",
        "a beacon": "create_message",
        "a cellar": "create_message",
        "a dungeon": "edit_original",
    }
    holds = {name: Hold() for name in routes}
    for name, route in routes.items():
        fault = Fault(route=route, hold=holds[name], committed=True, when=_shows(name))
        discord.fault(fault)
    await town.imagine("an anchor --steps 2")
    discord.delete(await town.imagine("a beacon", **LONG))
    discord.delete(await town.imagine("a cellar", channel=blind, **LONG))
    await town.imagine("a dungeon", private=True, channel=calm)
    for name, hold in holds.items():
        async with asyncio.timeout(90):
            await hold.reached.wait()
        assert len(discord.showing(name)) == 1, name
    waiting = await town.imagine("a ferry", **LONG)
    await town.remembered(waiting)
    await town.kill()
    discord.clock.forward(NONCES_FORGOTTEN)
    discord.faults.planned.clear()
    for hold in holds.values():
        hold.release()
    await discord.deny(blind, HISTORY)
    await town.start()
    for name in routes:
        await town.arrives(name)
    assert town.once("a dungeon").only_for is town.ann.user
    assert await town.arrives("a ferry") is waiting
    discord.clock.ahead_s = 0.0
    assert discord.syncs == syncs, "commands that had not changed were synced again"


async def test_enlarged_though_killed_in_the_middle(town: Town) -> None:
    """×2 under a picture, ×4 under that one: each larger picture comes once.

    The process is killed while it enlarges, and again between posted and marked.
    """
    discord = town.discord
    message = await town.imagine("an inlet --steps 2")
    await discord.painted(message)
    large = (await town.ann.press(message, "×2")).message
    assert large is not None
    assert "Enlarging" in large.versions[0].text
    await discord.painted(large)
    assert _picture(large).size == (512, 512)
    assert "an inlet" in _parameters(large)
    huge = (await town.bob.press(large, "×4")).message
    assert huge is not None
    await town.remembered(huge)
    await discord.until(lambda: town.states("running"), 60)
    await town.kill()
    assert town.states("running"), "it was killed too late"
    assert len(discord.showing("an inlet")) == 2
    await town.start()
    await discord.painted(huge, 120)
    assert _picture(huge).size == (2048, 2048)
    assert len(huge.pictures()[0]) <= town.guild.limit
    hold = Hold()
    discord.fault(Fault(route="edit_message", hold=hold, committed=True, when=_shows("an inlet")))
    double = (await town.ann.press(message, "×4")).message
    assert double is not None
    await town.remembered(double)
    async with asyncio.timeout(90):
        await hold.reached.wait()
    await town.kill()
    hold.release()
    await town.start()
    await town.settled()
    assert _picture(double).size == (1024, 1024)
    showing = discord.showing("an inlet")
    assert sorted(each.id for each in showing) == [message.id, large.id, huge.id, double.id]


async def test_somebody_s_own_picture_is_enlarged(town: Town) -> None:
    """/upscale with an attachment; no words stand under it."""
    given = io.BytesIO()
    Image.linear_gradient("L").resize((200, 120)).convert("RGB").save(given, "JPEG", quality=60)
    asked = await town.ann.slash("upscale", image=Upload("me.jpg", given.getvalue()), scale=2)
    assert asked.message is not None
    await town.discord.painted(asked.message)
    assert _picture(asked.message).size == (400, 240)
    assert "A picture, enlarged ×2" in asked.message.text
    assert "Again" not in asked.message.labels()


async def test_stopped_while_painting(town: Town) -> None:
    """SIGTERM, and a long absence: every picture comes, the late ones as new messages."""
    discord = town.discord
    first = await town.imagine("a mill", **LONG)
    old = await town.imagine("a ruin", **LONG)
    hidden = await town.ann.slash("imagine", prompt="a crypt", private=True, **LONG)
    assert hidden.ephemeral
    assert await asyncio.to_thread(town.server.stop) == 0
    assert discord.showing("a ruin") == []
    with town.rows() as db:
        db.execute("UPDATE jobs SET created_at = created_at - 1000000 WHERE state = 'queued'")
    discord.clock.forward(SIXTEEN_MINUTES)
    await town.start()
    assert await town.arrives("a mill") is first
    late = await town.arrives("a ruin")
    assert late is not old
    assert late.channel is town.art
    assert late.reply_to == old.id
    assert late.pings == {town.ann.id}
    await discord.until(lambda: str(late.id) in old.text)
    assert old.labels() == []
    assert (await town.arrives("a crypt")).channel is town.ann.dm
    discord.clock.ahead_s = 0.0


async def test_a_wrong_token_is_one_line(tmp_path: Path) -> None:
    """Atelier goes on without Discord, says why, and does not hammer."""
    async with loopback_discord() as discord:
        settings = SETTINGS | discord.settings | {"ATELIER_DISCORD_TOKEN": "Wrong.Token.Here"}
        with serving(tmp_path / "data", start=False, **settings) as server:
            await asyncio.to_thread(server.start)

            await asyncio.to_thread(
                server.wait_until, lambda health: health["discord"] == "refused"
            )
            log = server.log.read_text(encoding="utf-8")
            assert len(re.findall("ATELIER_DISCORD_TOKEN", log)) == 1
            assert "Wrong.Token.Here" not in log
            assert len(discord.api.log) <= 2


def _only_field(opened: Interaction) -> str:
    assert opened.modal is not None
    found = re.findall(r'"custom_id": "([^"]*)"', json.dumps(opened.modal["components"]))
    return str(found[0])


def _has_files(body: dict[str, object]) -> bool:
    return bool(body.get("attachments")) and '"type": 12' in json.dumps(body)


def _shows(name: str) -> Callable[[dict[str, object]], bool]:
    return lambda body: _has_files(body) and name in json.dumps(body)


def _forgotten(town: Town) -> Callable[[], Awaitable[None]]:
    async def forget() -> None:
        town.discord.gateway.forget()
        await town.discord.gateway.drop()

    return forget
