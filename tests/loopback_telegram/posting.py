"""The methods that send: messages, photos, documents, albums, actions, reactions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.loopback_telegram import keyboards
from tests.loopback_telegram.entities import formatted, seen
from tests.loopback_telegram.errors import Json, bad
from tests.loopback_telegram.fields import Strange, Values, known
from tests.loopback_telegram.files import Media
from tests.loopback_telegram.messages import Content, Message
from tests.loopback_telegram.utf16 import units
from tests.loopback_telegram.world import Chat, World

MOST_TEXT, MOST_CAPTION = 4096, 1024
_ACTIONS = (
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document"
    " choose_sticker find_location record_video_note upload_video_note"
)
_REACTIONS = (
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆"
    " 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉"
    " 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡"
)
ACTIONS = frozenset(_ACTIONS.split())
REACTIONS = frozenset(_REACTIONS.split())
REPLY_KEYS = (
    "message_id chat_id allow_sending_without_reply quote quote_parse_mode quote_entities"
    " quote_position checklist_task_id poll_option_id"
)
MEDIA_KEYS = (
    "type media caption parse_mode caption_entities has_spoiler show_caption_above_media"
    " thumbnail disable_content_type_detection"
)
PREVIEW_KEYS = "is_disabled url prefer_small_media prefer_large_media show_above_text"


def text_of(values: Values, name: str, given: str) -> tuple[str, tuple[Json, ...]]:
    """A message's text with its entities: not empty, not too long."""
    text, entities = formatted(values[name], values.get("parse_mode"), values.get(given))
    if not text:
        raise bad("message text is empty")
    if units(text) > MOST_TEXT:
        raise bad("message is too long")
    return text, tuple(entities or seen(text))


def caption_of(source: Values | Json) -> tuple[str, tuple[Json, ...]]:
    """A caption with its entities; none is fine."""
    text, entities = formatted(
        source.get("caption", ""), source.get("parse_mode"), source.get("caption_entities")
    )
    if units(text) > MOST_CAPTION:
        raise bad("message caption is too long")
    return text, tuple(entities or seen(text))


def written(values: Values) -> Content:
    """The content of a text message."""
    text, entities = text_of(values, "text", "entities")
    options = known("LinkPreviewOptions", values.get("link_preview_options", {}), PREVIEW_KEYS)
    return Content(text=text, entities=entities, preview=not options.get("is_disabled", False))


def item(world: World, values: Values, given: Any, kinds: tuple[str, ...]) -> Content:
    """The content that one InputMedia means."""
    known("InputMedia", given, MEDIA_KEYS)
    kind = given.get("type")
    if kind not in kinds:
        raise Strange(f"media of type {kind!r} are not played by this server")
    if kind == "document" and given.get("has_spoiler"):
        raise Strange("documents have no spoiler")
    text, entities = caption_of(given)
    media = world.files.given(values, "media", kind, reference=str(given.get("media", "")))
    return Content(
        text=text, entities=entities, media=media, spoiler=bool(given.get("has_spoiler"))
    )


def send_message(world: World, values: Values) -> Json:
    """A text."""
    return _send(world, values, written(values)).json()


def send_photo(world: World, values: Values) -> Json:
    """A photo, shown with its caption."""
    return _send(world, values, _media(world, values, "photo")).json()


def send_document(world: World, values: Values) -> Json:
    """A file, kept as it is."""
    values.uploads.pop("thumbnail", None)
    return _send(world, values, _media(world, values, "document")).json()


def send_media_group(world: World, values: Values) -> list[Json]:
    """An album: 2 to 10 of one sort, no keyboard."""
    media = values["media"]
    if not isinstance(media, list) or not 2 <= len(media) <= 10:
        raise bad("wrong number of messages to send: an album has 2-10 items")
    chat, target, thread = _where(world, values)
    contents = [item(world, values, each, ("photo", "document")) for each in media]
    if len({each.media.kind for each in contents if each.media}) > 1:
        raise bad("documents can't be mixed with other media types")
    album = str(13_000_000_000 + next(world.numbers))
    return [
        world.put(chat, world.bot, each, reply_to=target, thread=thread, album=album).json()
        for each in contents
    ]


def send_chat_action(world: World, values: Values) -> bool:
    """Shown for five seconds."""
    if values["action"] not in ACTIONS:
        raise bad("wrong parameter action in request")
    chat = world.open_chat(values["chat_id"])
    _thread(chat, values.get("message_thread_id"), general=True)
    return True


def set_message_reaction(world: World, values: Values) -> bool:
    """One emoji of those that are allowed; none takes it away."""
    chat = world.open_chat(values["chat_id"])
    message = world.message(chat, values["message_id"], "message to react not found")
    reactions = values.get("reaction", [])
    if len(reactions) > 1:
        raise bad("REACTIONS_TOO_MANY")
    for each in reactions:
        known("ReactionType", each, "type emoji")
        if each.get("type") != "emoji" or each.get("emoji", "").rstrip("\ufe0f") not in REACTIONS:
            raise bad("REACTION_INVALID")
    message.reactions[world.bot.id] = reactions
    world.changed()
    return True


def _media(world: World, values: Values, kind: str) -> Content:
    text, entities = caption_of(values)
    media: Media = world.files.given(values, kind, kind)
    spoiler = bool(values.get("has_spoiler"))
    return Content(text=text, entities=entities, media=media, spoiler=spoiler)


def _send(world: World, values: Values, content: Content) -> Message:
    chat, target, thread = _where(world, values)
    keyboard = keyboards.checked(values.get("reply_markup"), private=chat.private)
    content = replace(content, keyboard=keyboard)
    return world.put(chat, world.bot, content, reply_to=target, thread=thread)


def _where(world: World, values: Values) -> tuple[Chat, Message | None, int | None]:
    chat = world.open_chat(values["chat_id"])
    thread = _thread(chat, values.get("message_thread_id"))
    target = _replied(chat, values.get("reply_parameters"))
    if target is not None and thread is None and target.in_topic:
        thread = target.thread
    return chat, target, thread


def _replied(chat: Chat, given: Any) -> Message | None:
    if given is None:
        return None
    known("ReplyParameters", given, REPLY_KEYS)
    if given.get("chat_id", chat.id) != chat.id:
        raise Strange("replies to other chats are not played by this server")
    found = chat.messages.get(int(given["message_id"]))
    if found is None or found.deleted:
        if given.get("allow_sending_without_reply"):
            return None
        raise bad("message to be replied not found")
    return found


def _thread(chat: Chat, thread: int | None, *, general: bool = False) -> int | None:
    if not thread or (general and thread == 1 and chat.forum):
        return None
    if not chat.forum or thread not in chat.topics:
        raise bad("message thread not found")
    if thread in chat.closed_topics:
        raise bad("TOPIC_CLOSED")
    return thread
