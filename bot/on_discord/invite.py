"""Owns the link that invites the bot: its scopes and exactly the permissions it needs."""

from __future__ import annotations

import base64
import binascii

import discord

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
)
SCOPES = ("bot", "applications.commands")


def application_of(token: str) -> int:
    """The application that a bot token belongs to, read from it offline. Raises `ValueError`."""
    first = token.strip().split(".")[0]
    try:
        number = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
        return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ValueError("this is not a token of a Discord bot") from None


def invite_url(token: str) -> str:
    """Where an admin adds the bot to a server. Raises `ValueError` for what is no token."""
    return discord.utils.oauth_url(application_of(token), permissions=PERMISSIONS, scopes=SCOPES)
