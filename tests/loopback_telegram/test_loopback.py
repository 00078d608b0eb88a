"""The loopback Telegram itself: driven by a plain client, strict where the real one is."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from PIL import Image
from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultCachedPhoto,
    InputMediaDocument,
    InputMediaPhoto,
    ReplyParameters,
    Update,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    InlineQueryHandler,
    MessageHandler,
    filters,
)

from tests.loopback_telegram import TOKEN, Telegram, open_telegram
from tests.loopback_telegram.entities import formatted
from tests.loopback_telegram.errors import ApiError
from tests.loopback_telegram.limits import GROUP, PRIVATE

BUTTON = InlineKeyboardMarkup([[InlineKeyboardButton("Press", callback_data="a:press:1")]])


def png(width: int = 64, height: int = 48, colour: str = "red") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, "PNG")
    return data.getvalue()


def client(telegram: Telegram) -> Application[Any, Any, Any, Any, Any, Any]:
    return (
        Application.builder()
        .token(TOKEN)
        .base_url(f"{telegram.url}/bot")
        .base_file_url(f"{telegram.url}/file/bot")
        .concurrent_updates(True)
        .build()
    )


@asynccontextmanager
async def talking(telegram: Telegram) -> AsyncIterator[Application[Any, Any, Any, Any, Any, Any]]:
    """A small bot that echoes, sends a picture, and answers presses."""

    async def echo(update: Update, context: Any) -> None:
        assert update.effective_message
        await update.effective_message.reply_text(
            f"you said {update.effective_message.text}",
            reply_markup=BUTTON,
            do_quote=True,
        )

    async def photo(update: Update, context: Any) -> None:
        assert update.effective_message
        await update.effective_message.reply_photo(png(), caption="a *picture*", do_quote=True)

    async def pressed(update: Update, context: Any) -> None:
        assert update.callback_query
        await update.callback_query.answer("pressed")
        media = InputMediaPhoto(png(colour="blue"), caption="it became a picture")
        await update.callback_query.edit_message_media(media, reply_markup=BUTTON)

    async def inline(update: Update, context: Any) -> None:
        assert update.inline_query
        file_id = telegram.world.posts[-1].content.media
        assert file_id
        result = InlineQueryResultCachedPhoto("1", file_id.sizes[-1].id)
        await update.inline_query.answer([result], cache_time=0, is_personal=True)

    application = client(telegram)
    application.add_handler(CommandHandler("photo", photo))
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.add_handler(CallbackQueryHandler(pressed))
    application.add_handler(InlineQueryHandler(inline))
    async with application:
        await application.start()
        assert application.updater
        await application.updater.start_polling(timeout=5)
        yield application
        await application.updater.stop()
        await application.stop()


async def test_a_conversation_over_long_polling() -> None:
    """Text, picture, press, inline: everything a bot does in a private chat."""
    async with open_telegram() as telegram, talking(telegram):
        ada = telegram.person("Ada", language="de")
        said = await ada.says(None, "hello")
        answer = await telegram.answer(said)
        assert answer.content.text == "you said hello"
        press = await ada.presses(answer, "Press")
        assert (await press.answered())["text"] == "pressed"
        await telegram.until(lambda: answer.content.media, "the picture")
        assert answer.content.media
        assert answer.content.media.seen.size == (64, 48)
        assert len(answer.versions) == 2
        shown = await telegram.picture(await ada.says(None, "/photo"))
        assert shown.content.text == "a *picture*"
        found = await (await ada.asks_inline("fox")).answered()
        assert len(found["results"]) == 1
        assert telegram.limits.busiest(PRIVATE, ada.id) >= 2  # it echoes without waiting


async def test_groups_hide_what_is_not_for_the_bot() -> None:
    """Privacy mode: commands and replies only; topics and anonymous admins as they come."""
    async with open_telegram() as telegram, talking(telegram) as application:
        ada, bob = telegram.person("Ada"), telegram.person("Bob")
        group = telegram.group("Painters", ada, bob, forum=True)
        topic = telegram.topic(group, "Art", by=ada)
        await bob.says(group, "just talking", topic=topic)
        await bob.says(group, "/photo@other_bot", topic=topic)
        asked = await bob.says(group, "/photo@atelier_bot", topic=topic, anonymous=True)
        shown = await telegram.picture(asked)
        assert shown.thread == topic
        replied = await bob.says(group, "nice", reply_to=shown, topic=topic)
        await telegram.answer(replied)
        assert len(telegram.by_bot(group)) == 2
        member = await application.bot.get_chat_member(group.id, ada.id)
        assert member.status == "creator"
        assert (await application.bot.get_chat(group.id)).is_forum
        with pytest.raises(BadRequest, match="thread not found"):
            await application.bot.send_message(group.id, "x", message_thread_id=99)


async def test_uploads_are_checked_and_downloaded() -> None:
    """Photos are recompressed and limited, documents are kept to the byte."""
    async with open_telegram() as telegram, client(telegram) as application:
        bot = application.bot
        ada = telegram.person("Ada")
        said = await ada.says(None, "/imagine this", photo=png(2000, 1000))
        assert [size["width"] for size in said.json()["photo"]] == [90, 320, 800, 1280, 2000]
        file = await bot.get_file(said.json()["photo"][-1]["file_id"])
        with Image.open(io.BytesIO(await file.download_as_bytearray())) as image:
            assert image.size == (2000, 1000)
        sent = await bot.send_document(ada.id, png(), filename="a.png", caption="lossless")
        assert sent.document
        document = await bot.get_file(sent.document.file_id)
        assert bytes(await document.download_as_bytearray()) == png()
        for data, why in (
            (png(9000, 1001), "PHOTO_INVALID_DIMENSIONS"),
            (png(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
            (b"no picture", "IMAGE_PROCESS_FAILED"),
            (b"x" * (10 * 1024 * 1024 + 1), "too big for a photo"),
        ):
            with pytest.raises(BadRequest, match=f"(?i){why}"):
                await bot.send_photo(ada.id, data)
        album = await bot.send_media_group(
            ada.id, [InputMediaPhoto(png(), caption="first"), InputMediaPhoto(png(colour="green"))]
        )
        assert len({message.media_group_id for message in album}) == 1
        with pytest.raises(BadRequest, match="2-10"):
            await bot.send_media_group(ada.id, [InputMediaDocument(png())])


async def test_edits_know_what_is_there() -> None:
    """Not modified, not found, not text any more, not one's own: each says so."""
    async with open_telegram() as telegram, client(telegram) as application:
        bot = application.bot
        ada = telegram.person("Ada")
        said = await ada.says(None, "hello")
        sent = await bot.send_message(ada.id, "one", reply_markup=BUTTON)
        edit = bot.edit_message_text
        with pytest.raises(BadRequest, match="not modified"):
            await edit("one", ada.id, sent.message_id, reply_markup=BUTTON)
        await edit("two", ada.id, sent.message_id)
        with pytest.raises(BadRequest, match="can't be edited"):
            await edit("x", ada.id, said.id)
        with pytest.raises(BadRequest, match="to edit not found"):
            await edit("x", ada.id, 9999)
        await bot.edit_message_media(InputMediaPhoto(png()), ada.id, sent.message_id)
        with pytest.raises(BadRequest, match="no text in the message"):
            await edit("three", ada.id, sent.message_id)
        await bot.edit_message_caption(ada.id, sent.message_id, caption="a caption")
        telegram.later(49 * 3600)
        with pytest.raises(BadRequest, match="can't be deleted"):
            await bot.delete_message(ada.id, sent.message_id)
        fresh = await bot.send_message(ada.id, "x")
        assert await bot.delete_message(ada.id, fresh.message_id)
        with pytest.raises(BadRequest, match="to delete not found"):
            await bot.delete_message(ada.id, fresh.message_id)
        with pytest.raises(BadRequest, match="replied not found"):
            await bot.send_message(ada.id, "x", reply_parameters=ReplyParameters(fresh.message_id))
        await bot.send_message(
            ada.id,
            "x",
            reply_parameters=ReplyParameters(fresh.message_id, allow_sending_without_reply=True),
        )


async def test_who_cannot_be_written_to() -> None:
    """Never started, blocked, kicked, unknown, moved: each with its own refusal."""
    async with open_telegram() as telegram, client(telegram) as application:
        send = application.bot.send_message
        ada = telegram.person("Ada")
        with pytest.raises(Forbidden, match="initiate"):
            await send(ada.id, "x")
        await ada.starts()
        await ada.blocks()
        with pytest.raises(Forbidden, match="blocked"):
            await send(ada.id, "x")
        with pytest.raises(BadRequest, match=r"(?i)chat not found"):
            await send(4242, "x")
        group = telegram.group("Old", ada, kind="group")
        new = telegram.migrate(group)
        with pytest.raises(ChatMigrated) as moved:
            await send(group.id, "x")
        assert moved.value.new_chat_id == new.id
        telegram.kick(new, ada)
        with pytest.raises(Forbidden, match="kicked"):
            await send(new.id, "x")


async def test_texts_are_measured_and_parsed() -> None:
    """4096 and 1024 UTF-16 units after parsing; marks that do not fit are refused."""
    async with open_telegram() as telegram, client(telegram) as application:
        send = application.bot.send_message
        ada = telegram.person("Ada")
        await ada.starts()
        await send(ada.id, f"<b>{'x' * 4096}</b>", parse_mode=ParseMode.HTML)
        for text, mode, why in (
            ("x" * 4097, None, "too long"),
            ("🦊" * 2049, None, "too long"),
            ("  ", None, "empty"),
            ("a <fox>", ParseMode.HTML, "can't parse entities"),
            ("<b>a", ParseMode.HTML, "can't parse entities"),
            ("a.b", ParseMode.MARKDOWN_V2, "reserved"),
            ("*a", ParseMode.MARKDOWN_V2, "can't parse entities"),
        ):
            with pytest.raises(BadRequest, match=f"(?i){why}"):
                await send(ada.id, text, parse_mode=mode)
        with pytest.raises(BadRequest, match="caption is too long"):
            await application.bot.send_photo(ada.id, png(), caption="🦊" * 513)
        for data in ("x" * 65, "ä" * 33):
            keys = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data=data)]])
            with pytest.raises(BadRequest, match=r"(?i)button_data_invalid"):
                await send(ada.id, "x", reply_markup=keys)


@pytest.mark.parametrize(
    ("text", "mode", "plain", "entities"),
    [
        ("🦊 <b>x</b> &lt;", "HTML", "🦊 x <", [("bold", 3, 1)]),
        ("<pre><code class='language-py'>a</code></pre>", "HTML", "a", None),
        ("*bold* _it_ `a.b`", "MarkdownV2", "bold it a.b", None),
        ("__u_i_u__", "MarkdownV2", "uiu", None),
        (r"1\.5 \> 1", "MarkdownV2", "1.5 > 1", []),
        ("[fox](https://a.b/c\\))", "MarkdownV2", "fox", [("text_link", 0, 3)]),
        (">quoted\nnot", "MarkdownV2", "quoted\nnot", [("blockquote", 0, 6)]),
        (" ||s|| ", "MarkdownV2", "s", [("spoiler", 0, 1)]),
    ],
)
def test_marks(text: str, mode: str, plain: str, entities: list[tuple[str, int, int]]) -> None:
    """The plain text, and where its entities stand in UTF-16."""
    read, found = formatted(text, mode)
    assert read == plain
    if entities is not None:
        assert [(e["type"], e["offset"], e["length"]) for e in found] == entities


@pytest.mark.parametrize("offset", [1, 4, -1])
def test_given_entities_must_fit(offset: int) -> None:
    """Outside of the text, or in the middle of an emoji, is refused."""
    with pytest.raises(ApiError):
        formatted("🦊x", None, [{"type": "bold", "offset": offset, "length": 1}])


async def test_strange_calls_are_answered_400_and_remembered() -> None:
    """A method or a field that nobody knows fails the test that made it."""
    async with open_telegram(strict=False) as telegram, httpx.AsyncClient() as http:
        ada = telegram.person("Ada")
        await ada.starts()
        base = f"{telegram.url}/bot{TOKEN}"
        assert (await http.post(f"{base}/sendMassage")).status_code == 404
        sent = await http.post(f"{base}/sendMessage", data={"chat_id": ada.id, "txt": "x"})
        assert sent.status_code == 400
        keys = {"inline_keyboard": [[{"text": "a", "callback": "b"}]]}
        sent = await http.post(
            f"{base}/sendMessage", json={"chat_id": ada.id, "text": "x", "reply_markup": keys}
        )
        assert sent.status_code == 400
        assert len(telegram.failures) == 3
        wrong = f"{telegram.url}/bot123456:{'A' * 35}/getMe"
        assert (await http.post(wrong)).json()["error_code"] == 401
        assert (await http.post(f"{telegram.url}/botnonsense/getMe")).status_code == 404


async def test_queries_are_answered_once_and_in_time() -> None:
    """A second answer and a late one are refused."""
    async with open_telegram() as telegram, client(telegram) as application:
        ada = telegram.person("Ada")
        await ada.starts()
        sent = await application.bot.send_message(ada.id, "x", reply_markup=BUTTON)
        message = ada.private.messages[sent.message_id]
        first, second = [await ada.presses(message, "a:press:1") for _ in range(2)]
        await application.bot.answer_callback_query(first.query.id)
        with pytest.raises(BadRequest, match="too old"):
            await application.bot.answer_callback_query(first.query.id)
        telegram.later(16)
        with pytest.raises(BadRequest, match="too old"):
            await application.bot.answer_callback_query(second.query.id)


async def test_limits_are_counted_and_enforced_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """429 with the seconds to wait, for that chat alone; who asks again too early is noticed."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    async with open_telegram() as telegram, client(telegram) as application:
        send = application.bot.send_message
        ada, bob = telegram.person("Ada"), telegram.person("Bob")
        group = telegram.group("G", ada, bob)
        await ada.starts()
        await bob.starts()
        telegram.limits.enforced = True
        for number in range(20):
            await send(group.id, str(number))
        with pytest.raises(RetryAfter):
            await send(group.id, "one too many")
        assert telegram.limits.busiest(GROUP, group.id) == 20
        await send(ada.id, "x")
        assert telegram.limits.disobeyed == []
        telegram.limits.flood(bob.id, 5)
        for _ in range(2):
            with pytest.raises(RetryAfter) as flooded:
                await send(bob.id, "x")
            assert flooded.value.retry_after == timedelta(seconds=5)
        assert len(telegram.limits.disobeyed) == 1


async def test_faults_before_and_after_the_deed() -> None:
    """What failed before it was done is not there; what failed afterwards is."""
    async with open_telegram() as telegram, client(telegram) as application:
        send = application.bot.send_message
        ada = telegram.person("Ada")
        await ada.starts()
        for committed in (False, True):
            telegram.faults.answer("sendMessage", 502, committed=committed)
            with pytest.raises(NetworkError):
                await send(ada.id, f"502 {committed}")
            telegram.faults.drop("send", committed=committed, chat=ada.id)
            with pytest.raises(NetworkError):
                await send(ada.id, f"drop {committed}")
        assert [m.content.text for m in telegram.by_bot()] == ["502 True", "drop True"]
        await telegram.go_away()
        with pytest.raises(NetworkError):
            await send(ada.id, "nobody there")
        await telegram.come_back()
        await send(ada.id, "back")
        assert telegram.by_bot()[-1].content.text == "back"


async def test_an_update_comes_again_after_a_lost_answer() -> None:
    """The same number twice; a poll that another one replaces ends with 409."""
    async with open_telegram() as telegram, httpx.AsyncClient(timeout=10) as http:
        poll = f"{telegram.url}/bot{TOKEN}/getUpdates"
        ada = telegram.person("Ada")
        await ada.says(None, "hello")
        first = (await http.post(poll)).json()["result"]
        number = first[0]["update_id"]
        assert (await http.post(poll, data={"offset": number + 1})).json()["result"] == []
        telegram.updates.repeat(first[0])
        again = await http.post(poll, data={"offset": number + 1})
        assert again.json()["result"] == first
        waiting = asyncio.create_task(http.post(poll, data={"offset": number + 1, "timeout": 9}))
        await asyncio.sleep(0.1)
        await http.post(poll, data={"offset": number + 1, "allowed_updates": '["message"]'})
        assert (await waiting).status_code == 409


async def test_the_webhook_is_called_with_its_secret() -> None:
    """HTTPS only, at the mapped local address, again after a failure; getUpdates is closed."""
    got: list[tuple[str | None, Any]] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        await reader.readexactly(int(lines["Content-Length"]))
        got.append((lines.get("X-Telegram-Bot-Api-Secret-Token"), head.split()[1]))
        code = b"500 Oh" if len(got) == 1 else b"200 OK"
        writer.write(b"HTTP/1.1 " + code + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with open_telegram() as telegram, client(telegram) as application:
        telegram.hosts["paint.example.org"] = f"http://127.0.0.1:{port}"
        with pytest.raises(BadRequest, match=r"(?i)https url"):
            await application.bot.set_webhook("http://paint.example.org/x")
        await application.bot.set_webhook("https://paint.example.org/hook", secret_token="s3")
        await telegram.person("Ada").says(None, "hello")
        await telegram.until(lambda: len(got) == 2, "two calls")
        assert got == [("s3", "/hook")] * 2
        assert (await application.bot.get_webhook_info()).url.endswith("/hook")
        with pytest.raises(Exception, match="webhook is active"):
            await application.bot.get_updates()
        await application.bot.delete_webhook()
    listening.close()
    await listening.wait_closed()


async def test_commands_by_scope_and_language() -> None:
    """Each list is kept apart; names and descriptions are checked."""
    async with open_telegram() as telegram, client(telegram) as application:
        from telegram import BotCommandScopeAllGroupChats as Groups

        set_commands = application.bot.set_my_commands
        await set_commands([("imagine", "paint")], scope=Groups(), language_code="de")
        assert telegram.server.commands.of("all_group_chats", "de") == {"imagine": "paint"}
        assert telegram.server.commands.of("default") == {}
        for name, what in (("Imagine", "x"), ("imagine", ""), ("i" * 33, "x"), ("a", "x" * 257)):
            with pytest.raises(BadRequest):
                await set_commands([(name, what)])
