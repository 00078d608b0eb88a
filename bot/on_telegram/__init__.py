"""Telegram: the bot, its commands and keyboards, and the courier that brings pictures there."""

import os

# python-telegram-bot's own switch to spans of time as `timedelta`; without it every "retry after"
# is a warning of the library's about itself.
os.environ.setdefault("PTB_TIMEDELTA", "true")
