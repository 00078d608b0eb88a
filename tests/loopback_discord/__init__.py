"""A Discord of our own on the loopback address: HTTP API and gateway, strict, with faults."""

from tests.loopback_discord.faults import Fault, Hold
from tests.loopback_discord.people import Interaction, Person, Upload
from tests.loopback_discord.posts import Message
from tests.loopback_discord.server import LoopbackDiscord, loopback_discord
from tests.loopback_discord.world import Channel, Guild, Role

__all__ = [
    "Channel",
    "Fault",
    "Guild",
    "Hold",
    "Interaction",
    "LoopbackDiscord",
    "Message",
    "Person",
    "Role",
    "Upload",
    "loopback_discord",
]
