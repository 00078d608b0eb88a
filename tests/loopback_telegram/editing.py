"""The methods that change or take away what was sent."""

from __future__ import annotations

from dataclasses import replace

from tests.loopback_telegram import keyboards
from tests.loopback_telegram.errors import Json, bad
from tests.loopback_telegram.fields import Values
from tests.loopback_telegram.messages import Content, Message
from tests.loopback_telegram.posting import caption_of, item, written
from tests.loopback_telegram.world import Chat, World

DELETABLE_S = 48 * 3600


def edit_message_text(world: World, values: Values) -> Json:
    """Only of messages that are text."""
    message = _editable(world, values)
    if message.content.media is not None:
        raise bad("there is no text in the message to edit")
    return _edited(world, values, message, written(values))


def edit_message_caption(world: World, values: Values) -> Json:
    """Only of messages that show something."""
    message = _editable(world, values)
    if message.content.media is None:
        raise bad("there is no caption in the message to edit")
    text, entities = caption_of(values)
    return _edited(world, values, message, replace(message.content, text=text, entities=entities))


def edit_message_media(world: World, values: Values) -> Json:
    """A text becomes a picture, a picture another one."""
    message = _editable(world, values)
    content = item(world, values, values["media"], ("photo", "document"))
    before, after = message.content.media, content.media
    if message.album and before and after and before.kind != after.kind:
        raise bad("can't change the type of a message in an album")
    return _edited(world, values, message, content)


def edit_message_reply_markup(world: World, values: Values) -> Json:
    """The keyboard alone; without one it is taken away."""
    return _edited(world, values, message := _editable(world, values), message.content)


def delete_message(world: World, values: Values) -> bool:
    """The bot's own for 48 hours; in a private chat also the person's."""
    chat = world.open_chat(values["chat_id"])
    message = world.message(chat, values["message_id"], "message to delete not found")
    _delete(world, chat, message)
    return True


def delete_messages(world: World, values: Values) -> bool:
    """Several; those that are not there are passed over."""
    chat = world.open_chat(values["chat_id"])
    if not 1 <= len(values["message_ids"]) <= 100:
        raise bad("wrong number of messages to delete")
    for number in values["message_ids"]:
        message = chat.messages.get(int(number))
        if message is not None and not message.deleted:
            _delete(world, chat, message)
    return True


def _delete(world: World, chat: Chat, message: Message) -> None:
    mine = message.sender is world.bot
    admin = chat.members.get(world.bot.id) == "administrator"
    if not (mine or chat.private or admin):
        raise bad("message can't be deleted")
    if world.clock() - message.at > DELETABLE_S and not admin:
        raise bad("message can't be deleted for everyone")
    message.deleted = True
    world.changed()


def _editable(world: World, values: Values) -> Message:
    chat = world.open_chat(values["chat_id"])
    message = world.message(chat, values["message_id"], "message to edit not found")
    strange = message.markup is not None and "inline_keyboard" not in message.markup
    if message.sender is not world.bot or message.service is not None or strange:
        raise bad("message can't be edited")
    return message


def _edited(world: World, values: Values, message: Message, content: Content) -> Json:
    markup = keyboards.checked(values.get("reply_markup"), inline_only=True)
    content = replace(content, keyboard=markup)
    before = message.content
    alike = (content.text, content.entities, content.media, content.spoiler) == (
        before.text,
        before.entities,
        before.media,
        before.spoiler,
    )
    if alike and keyboards.same(before.keyboard, markup):
        raise bad(
            "message is not modified: specified new message content and reply markup are exactly"
            " the same as a current content and reply markup of the message"
        )
    message.versions.append(content)
    message.edited_at = world.clock()
    world.changed()
    return message.json()
