"""A Telegram of our own over real sockets: the Bot API as strict as the real one, and people."""

from tests.loopback_telegram.driver import TOKEN, Telegram, open_telegram
from tests.loopback_telegram.messages import Message
from tests.loopback_telegram.people import Person
from tests.loopback_telegram.world import Chat

__all__ = ["TOKEN", "Chat", "Message", "Person", "Telegram", "open_telegram"]
