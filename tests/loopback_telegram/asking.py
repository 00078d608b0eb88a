"""The methods that ask or answer: members, files, commands, callbacks, inline results."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.loopback_telegram import keyboards
from tests.loopback_telegram.entities import formatted
from tests.loopback_telegram.errors import Json, bad
from tests.loopback_telegram.fields import Strange, Values, known
from tests.loopback_telegram.files import DOWNLOAD_BYTES
from tests.loopback_telegram.posting import MOST_TEXT, caption_of
from tests.loopback_telegram.utf16 import units
from tests.loopback_telegram.world import IN, Chat, World

ANSWER_S = 15.0
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
SCOPES = {
    "default": "type",
    "all_private_chats": "type",
    "all_group_chats": "type",
    "all_chat_administrators": "type",
    "chat": "type chat_id",
    "chat_administrators": "type chat_id",
    "chat_member": "type chat_id user_id",
}
RIGHTS = (
    "can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members"
    " can_promote_members can_change_info can_invite_users can_post_stories can_edit_stories"
    " can_delete_stories can_pin_messages can_manage_topics"
)
INLINE = "id type title description caption parse_mode caption_entities reply_markup"
RESULTS = {
    "photo": " photo_file_id input_message_content show_caption_above_media",
    "document": " document_file_id input_message_content",
    "article": " input_message_content url thumbnail_url thumbnail_width thumbnail_height",
}


@dataclass(slots=True, kw_only=True)
class Query:
    """A button press or an inline question, and what the bot answered."""

    id: str
    at: float
    answer: Json | None = None


@dataclass(slots=True)
class Queries:
    """Those that were ever put to the bot."""

    clock: Callable[[], float]
    known: dict[str, Query] = field(default_factory=dict)

    def put(self, number: int) -> Query:
        query = Query(id=str(4_400_000_000 + number), at=self.clock())
        self.known[query.id] = query
        return query

    def answer(self, query_id: str, answer: Json) -> None:
        """Once, and in time."""
        query = self.known.get(query_id)
        if query is None or query.answer is not None or self.clock() - query.at > ANSWER_S:
            raise bad(TOO_OLD)
        query.answer = answer


def answer_callback_query(world: World, queries: Queries, values: Values) -> bool:
    """What the person who pressed sees for a moment."""
    if units(values.get("text", "")) > 200:
        raise bad("MESSAGE_TOO_LONG")
    queries.answer(values["callback_query_id"], dict(values.given))
    world.changed()
    return True


def answer_inline_query(world: World, queries: Queries, values: Values) -> bool:
    """At most 50 results, each with its own id."""
    results = values["results"]
    if len(results) > 50:
        raise bad("RESULTS_TOO_MUCH")
    for each in results:
        _result(world, each)
    if len({each["id"] for each in results}) < len(results):
        raise bad("RESULT_ID_DUPLICATE")
    button = values.get("button")
    if button is not None:
        known("InlineQueryResultsButton", button, "text web_app start_parameter")
        if not re.fullmatch(r"[\w-]{1,64}", button.get("start_parameter", "x"), re.ASCII):
            raise bad("START_PARAM_INVALID")
    queries.answer(values["inline_query_id"], dict(values.given))
    world.changed()
    return True


def _result(world: World, result: Any) -> None:
    kind = result.get("type") if isinstance(result, dict) else None
    if kind not in RESULTS:
        raise Strange(f"inline results of type {kind!r} are not played by this server")
    known("InlineQueryResult", result, INLINE + RESULTS[kind])
    if not 1 <= len(str(result.get("id", "")).encode()) <= 64:
        raise bad("RESULT_ID_INVALID")
    if kind in ("photo", "document"):
        media = world.files.media.get(result.get(f"{kind}_file_id", ""))
        if media is None or media.kind != kind:
            raise bad("wrong file identifier/HTTP URL specified")
    if kind == "article" and not (result.get("title") and result.get("input_message_content")):
        raise bad("article needs a title and a message content")
    keyboards.checked(result.get("reply_markup"), inline_only=True)
    caption_of(result)
    if content := result.get("input_message_content"):
        known(
            "InputTextMessageContent",
            content,
            "message_text parse_mode entities link_preview_options",
        )
        text, _ = formatted(
            content["message_text"], content.get("parse_mode"), content.get("entities")
        )
        if not 1 <= units(text) <= MOST_TEXT:
            raise bad("MESSAGE_EMPTY")


def get_file(world: World, values: Values) -> Json:
    """Where it can be downloaded from; 20 MB at most."""
    file = world.files.by_id.get(values["file_id"])
    if file is None:
        raise bad("invalid file_id")
    if len(file.data) > DOWNLOAD_BYTES:
        raise bad("file is too big")
    return {
        "file_id": file.id,
        "file_unique_id": file.unique,
        "file_size": len(file.data),
        "file_path": file.path,
    }


def get_chat(world: World, values: Values) -> Json:
    """The chat in full."""
    chat = _known_chat(world, values)
    accepted = ["unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription"]
    return chat.json | {
        "accent_color_id": 3,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys([*accepted, "gifts_from_channels"], False),
    }


def get_chat_member(world: World, values: Values) -> Json:
    """What somebody is in a chat."""
    chat = _known_chat(world, values)
    if values["user_id"] not in world.users:
        raise bad("member not found")
    return _member(world, chat, values["user_id"])


def get_chat_administrators(world: World, values: Values) -> list[Json]:
    """All administrators, without other bots."""
    chat = _known_chat(world, values)
    if chat.private:
        raise bad("there are no administrators in the private chat")
    return [
        _member(world, chat, user)
        for user, status in chat.members.items()
        if status in ("creator", "administrator") and not world.users[user].is_bot
    ]


def _known_chat(world: World, values: Values) -> Chat:
    chat = world.chat(values["chat_id"])
    if not chat.private and chat.members.get(world.bot.id, "left") not in IN:
        raise world.thrown_out(chat)
    return chat


def _member(world: World, chat: Chat, user_id: int) -> Json:
    status = chat.members.get(user_id, "left")
    if chat.private:
        status = "member" if user_id in (chat.id, world.bot.id) else "left"
    told: Json = {"status": status, "user": world.users[user_id].json}
    if status == "creator":
        told["is_anonymous"] = False
    if status == "administrator":
        told |= {"can_be_edited": False, "is_anonymous": False}
        told |= dict.fromkeys(RIGHTS.split(), True)
    if status == "kicked":
        told["until_date"] = 0
    return told


@dataclass(slots=True)
class Commands:
    """The commands that clients offer, by scope and language."""

    lists: dict[tuple[str, str], list[Json]] = field(default_factory=dict)

    def set(self, values: Values) -> bool:
        """At most 100, each with a name that clients can offer."""
        given = values["commands"]
        if len(given) > 100:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        for each in given:
            known("BotCommand", each, "command description")
            if not re.fullmatch(r"[a-z0-9_]{1,32}", each["command"]):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= units(each["description"]) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self.lists[self._key(values)] = given
        return True

    def get(self, values: Values) -> list[Json]:
        return self.lists.get(self._key(values), [])

    def delete(self, values: Values) -> bool:
        self.lists.pop(self._key(values), None)
        return True

    def of(self, scope: str, language: str = "") -> dict[str, str]:
        """Names and descriptions of one list, for tests."""
        return {c["command"]: c["description"] for c in self.lists.get((scope, language), [])}

    def _key(self, values: Values) -> tuple[str, str]:
        scope = values.get("scope", {"type": "default"})
        kind = scope.get("type")
        if kind not in SCOPES:
            raise bad("can't parse BotCommandScope: unsupported type specified")
        known("BotCommandScope", scope, SCOPES[kind])
        language = values.get("language_code", "")
        if not re.fullmatch(r"(?:[a-z]{2})?", language):
            raise bad("invalid language code specified")
        return ":".join(str(scope[key]) for key in SCOPES[kind].split()), language
