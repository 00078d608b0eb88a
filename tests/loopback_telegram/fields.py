"""The methods and their fields as the real API knows them, and how a field's text is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.loopback_telegram.errors import ApiError, bad

_SENT = (
    "chat_id:id! message_thread_id:int disable_notification:bool protect_content:bool"
    " reply_parameters:json business_connection_id:off direct_messages_topic_id:off"
    " allow_paid_broadcast:off message_effect_id:off "
)
_ONE = _SENT + "reply_markup:json suggested_post_parameters:off "
_EDITED = (
    "chat_id:id! message_id:int! reply_markup:json inline_message_id:off"
    " business_connection_id:off "
)
_CAPTION = "caption:str parse_mode:str caption_entities:json "

METHODS = {
    "getMe": "",
    "getUpdates": "offset:int limit:int timeout:int allowed_updates:json",
    "setWebhook": (
        "url:str! certificate:off ip_address:off max_connections:int allowed_updates:json"
        " drop_pending_updates:bool secret_token:str"
    ),
    "deleteWebhook": "drop_pending_updates:bool",
    "getWebhookInfo": "",
    "setMyCommands": "commands:json! scope:json language_code:str",
    "getMyCommands": "scope:json language_code:str",
    "deleteMyCommands": "scope:json language_code:str",
    "setMyDescription": "description:str language_code:str",
    "setMyShortDescription": "short_description:str language_code:str",
    "sendMessage": _ONE + "text:str! parse_mode:str entities:json link_preview_options:json",
    "sendPhoto": _ONE + _CAPTION + "photo:file! has_spoiler:bool show_caption_above_media:bool",
    "sendDocument": (
        _ONE + _CAPTION + "document:file! thumbnail:file disable_content_type_detection:bool"
    ),
    "sendMediaGroup": _SENT + "media:json!",
    "sendChatAction": ("chat_id:id! action:str! message_thread_id:int business_connection_id:off"),
    "editMessageText": (
        _EDITED + "text:str! parse_mode:str entities:json link_preview_options:json"
    ),
    "editMessageCaption": _EDITED + _CAPTION + "show_caption_above_media:bool",
    "editMessageMedia": _EDITED + "media:json!",
    "editMessageReplyMarkup": _EDITED,
    "deleteMessage": "chat_id:id! message_id:int!",
    "deleteMessages": "chat_id:id! message_ids:json!",
    "setMessageReaction": "chat_id:id! message_id:int! reaction:json is_big:bool",
    "answerCallbackQuery": (
        "callback_query_id:str! text:str show_alert:bool url:str cache_time:int"
    ),
    "answerInlineQuery": (
        "inline_query_id:str! results:json! cache_time:int is_personal:bool next_offset:str"
        " button:json"
    ),
    "getFile": "file_id:str!",
    "getChat": "chat_id:id!",
    "getChatMember": "chat_id:id! user_id:int!",
    "getChatAdministrators": "chat_id:id! return_bots:bool",
    "leaveChat": "chat_id:id!",
}
"""Per method its fields with their kinds; `!` is required, `off` is real but not played here."""


class Strange(Exception):
    """Something that the real API would not know, or that this one does not play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One part of a request that is a file."""

    name: str
    data: bytes
    mime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The fields of one call, read; `uploads` shrinks as they are used."""

    method: str
    given: dict[str, Any]
    uploads: dict[str, Upload] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.given[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.given.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self.given


def read(method: str, raw: Mapping[str, Any], uploads: Mapping[str, Upload]) -> Values:
    """The fields in their kinds; `Strange` for what nobody knows, 400 for what is missing."""
    if method not in METHODS:
        raise Strange(f"unknown method {method!r}")
    kinds = dict(each.split(":") for each in METHODS[method].split())
    given: dict[str, Any] = {}
    for name, text in raw.items():
        kind = kinds.get(name, "").rstrip("!")
        if not kind:
            raise Strange(f"{method}: unknown field {name!r}")
        if kind == "off":
            raise Strange(f"{method}: field {name!r} is not played by this server")
        given[name] = _value(method, name, kind, text)
    for name, kind in kinds.items():
        if kind.endswith("!") and name not in given and name not in uploads:
            raise _missing(name)
    return Values(method=method, given=given, uploads=dict(uploads))


def _value(method: str, name: str, kind: str, text: Any) -> Any:
    try:
        if kind == "int":
            return int(text)
        if kind == "id":
            return text if str(text).startswith("@") else int(text)
        if kind == "bool":
            return {"true": True, "1": True, "false": False, "0": False}[str(text).lower()]
        if kind == "json":
            return json.loads(text) if isinstance(text, str) else text
    except (ValueError, KeyError):
        raise Strange(f"{method}: {name} cannot be {text!r}") from None
    return str(text)


def _missing(name: str) -> ApiError:
    if name == "chat_id":
        return bad("chat_id is empty")
    if name == "text":
        return bad("message text is empty")
    return bad(f'parameter "{name}" is required')


def known(what: str, value: Any, keys: str) -> dict[str, Any]:
    """`value` as an object with none but these keys; `Strange` otherwise."""
    if not isinstance(value, dict):
        raise Strange(f"{what} must be an object, not {value!r}")
    if unknown := set(value) - set(keys.split()):
        raise Strange(f"{what}: unknown field {min(unknown)!r}")
    return value
