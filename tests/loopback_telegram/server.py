"""The HTTP side: one call in, counted, spoiled on demand, carried out, answered."""

from __future__ import annotations

import asyncio
import json
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web
from aiohttp.typedefs import Handler

from tests.loopback_telegram import asking, editing, posting
from tests.loopback_telegram.errors import ApiError, Json
from tests.loopback_telegram.faults import Fault, Faults
from tests.loopback_telegram.fields import METHODS, Strange, Upload, Values, read
from tests.loopback_telegram.limits import Limits
from tests.loopback_telegram.updates import Updates
from tests.loopback_telegram.world import World

MOST_BYTES = 64 * 1024 * 1024
_TOKEN = re.compile(r"\d{5,}:[\w-]{30,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as it came, and the code it was answered with (0: not at all)."""

    at: float
    values: Values
    code: int


@dataclass(slots=True, kw_only=True)
class Server:
    """Answers `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

    token: str
    world: World
    updates: Updates
    queries: asking.Queries
    commands: asking.Commands = field(default_factory=asking.Commands)
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=lambda: Limits(time.monotonic))
    calls: list[Call] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)  # every 400 and what it was for
    port: int = 0
    _gone: bool = False
    _silent: asyncio.Event | None = None
    _runner: web.AppRunner | None = None
    _site: web.TCPSite | None = None

    async def start(self) -> None:
        """Listen on a free port of the loopback address."""
        app = web.Application(client_max_size=MOST_BYTES, middlewares=[self._watched])
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await self._listen()

    async def close(self) -> None:
        self.updates.end()
        if self._silent is not None:
            self._silent.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def go_away(self) -> None:
        """The network is gone: connections break, new ones are refused."""
        assert self._runner is not None
        assert self._runner.server is not None
        self._gone = True
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def come_back(self) -> None:
        """The network is there again, at the same address."""
        self._gone = False
        await self._listen()

    def fall_silent(self) -> None:
        """Connections stand, but nothing is answered until `speak`."""
        self._silent = asyncio.Event()

    def speak(self) -> None:
        if self._silent is not None:
            self._silent.set()
            self._silent = None

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await self._site.start()
        assert self._runner.addresses
        self.port = int(self._runner.addresses[0][1])

    @web.middleware
    async def _watched(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A mistake in this server itself fails the test that met it; a client may leave."""
        try:
            return await handler(request)
        except Exception as error:
            left = request.transport is None or request.transport.is_closing()
            if not left and not isinstance(error, web.HTTPException | ConnectionError):
                self._noted(f"{request.path.rpartition('/')[2]}: {traceback.format_exc()}")
            raise

    async def _call(self, request: web.Request) -> web.StreamResponse:
        at = time.monotonic()
        refused = self._token_refused(request.match_info["token"])
        if refused is not None:
            return _answer(refused.code, refused.body)
        try:
            values = await _read(request)
        except ApiError as error:
            return _answer(error.code, error.body)
        except Strange as strange:
            return self._strange(str(strange))
        if self._silent is not None:
            await self._silent.wait()
        fault = self.faults.take(values)
        if fault is not None and not fault.committed:
            return self._spoiled(request, values, at, fault)
        code, body = await self._outcome(values, at)
        if fault is not None and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault is not None and not fault.only_slow:
            return self._spoiled(request, values, at, fault)
        if self._gone:
            return _drop(request)
        self.calls.append(Call(at=at, values=values, code=code))
        return _answer(code, body)

    async def _outcome(self, values: Values, at: float) -> tuple[int, Json]:
        try:
            if values.method.startswith(("send", "edit")) and values.method != "sendChatAction":
                count = len(values["media"]) if values.method == "sendMediaGroup" else 1
                chat = self.world.chats.get(values["chat_id"])
                if chat is not None:
                    self.limits.admit(chat, at, count)
            result = self._deeds()[values.method](values)
            if isinstance(result, Awaitable):
                result = await result
            if values.uploads:
                raise Strange(f"{values.method}: unused file {min(values.uploads)!r}")
        except ApiError as error:
            if error.code == 400:
                self.refusals.append(f"{values.method}: {error.description}")
            return error.code, error.body
        except Strange as strange:
            return 400, self._noted(str(strange))
        return 200, {"ok": True, "result": result}

    def _deeds(self) -> dict[str, Callable[[Values], Any]]:
        world, queries = self.world, self.queries
        return {
            "getMe": lambda v: (
                world.bot.json
                | dict.fromkeys(("can_join_groups", "supports_inline_queries"), True)
                | dict.fromkeys(("can_read_all_group_messages", "has_main_web_app"), False)
            ),
            "getUpdates": self.updates.poll,
            "setWebhook": self.updates.set_webhook,
            "deleteWebhook": self.updates.delete_webhook,
            "getWebhookInfo": lambda v: self.updates.webhook_info(),
            "setMyCommands": self.commands.set,
            "getMyCommands": self.commands.get,
            "deleteMyCommands": self.commands.delete,
            "setMyDescription": lambda v: True,
            "setMyShortDescription": lambda v: True,
            "sendMessage": lambda v: posting.send_message(world, v),
            "sendPhoto": lambda v: posting.send_photo(world, v),
            "sendDocument": lambda v: posting.send_document(world, v),
            "sendMediaGroup": lambda v: posting.send_media_group(world, v),
            "sendChatAction": lambda v: posting.send_chat_action(world, v),
            "setMessageReaction": lambda v: posting.set_message_reaction(world, v),
            "editMessageText": lambda v: editing.edit_message_text(world, v),
            "editMessageCaption": lambda v: editing.edit_message_caption(world, v),
            "editMessageMedia": lambda v: editing.edit_message_media(world, v),
            "editMessageReplyMarkup": lambda v: editing.edit_message_reply_markup(world, v),
            "deleteMessage": lambda v: editing.delete_message(world, v),
            "deleteMessages": lambda v: editing.delete_messages(world, v),
            "answerCallbackQuery": lambda v: asking.answer_callback_query(world, queries, v),
            "answerInlineQuery": lambda v: asking.answer_inline_query(world, queries, v),
            "getFile": lambda v: asking.get_file(world, v),
            "getChat": lambda v: asking.get_chat(world, v),
            "getChatMember": lambda v: asking.get_chat_member(world, v),
            "getChatAdministrators": lambda v: asking.get_chat_administrators(world, v),
            "leaveChat": self._leave,
        }

    def _leave(self, values: Values) -> bool:
        chat = self.world.open_chat(values["chat_id"])
        chat.members[self.world.bot.id] = "left"
        return True

    async def _file(self, request: web.Request) -> web.StreamResponse:
        refused = self._token_refused(request.match_info["token"])
        file = self.world.files.by_path.get(request.match_info["path"])
        if refused is not None or file is None:
            refused = refused or ApiError(404, "Not Found")
            return _answer(refused.code, refused.body)
        return web.Response(body=file.data, content_type="application/octet-stream")

    def _token_refused(self, token: str) -> ApiError | None:
        if token == self.token:
            return None
        if _TOKEN.fullmatch(token):
            return ApiError(401, "Unauthorized")
        return ApiError(404, "Not Found")

    def _spoiled(
        self, request: web.Request, values: Values, at: float, fault: Fault
    ) -> web.StreamResponse:
        self.calls.append(Call(at=at, values=values, code=fault.code or 0))
        if fault.code is None:
            return _drop(request)
        body: Json = {"ok": False, "error_code": fault.code, "description": fault.says}
        if fault.retry_after:
            body["description"] = f"Too Many Requests: retry after {fault.retry_after}"
            body["parameters"] = {"retry_after": fault.retry_after}
        return _answer(fault.code, body)

    def _strange(self, what: str) -> web.Response:
        return _answer(404 if what.startswith("unknown method") else 400, self._noted(what))

    def _noted(self, what: str) -> Json:
        self.failures.append(what)
        self.world.changed()
        return {"ok": False, "error_code": 400, "description": f"Bad Request: {what}"}


async def _read(request: web.Request) -> Values:
    method = request.match_info["method"]
    if method not in METHODS:
        raise Strange(f"unknown method {method!r}")
    raw: dict[str, Any] = dict(request.query)
    uploads: dict[str, Upload] = {}
    try:
        if request.content_type == "application/json" and request.can_read_body:
            raw |= await request.json()
        elif request.content_type == "multipart/form-data":
            await _read_parts(request, raw, uploads)
        elif request.can_read_body:
            raw |= await request.post()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "Request Entity Too Large") from None
    return read(method, raw, uploads)


async def _read_parts(
    request: web.Request, raw: dict[str, Any], uploads: dict[str, Upload]
) -> None:
    """Into memory: `request.post` leaves the open file of a broken-off upload behind."""
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data, name = bytes(await part.read(decode=True)), part.name or ""
        if part.filename:
            mime = part.headers.get("Content-Type", "application/octet-stream")
            uploads[name] = Upload(name=part.filename, data=data, mime=mime)
        else:
            raw[name] = data.decode()


def _answer(code: int, body: Json) -> web.Response:
    return web.Response(
        status=code, body=json.dumps(body).encode(), content_type="application/json"
    )


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
