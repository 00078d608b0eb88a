"""The `atelier` command: which commands there are, and who runs each; errors are one clear line."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from importlib.metadata import version

from bot import backup, doctor, keys, models, tidying, upscale
from bot.settings import Settings, SettingsError, load
from engine import __main__ as paint
from engine import encoding
from engine.errors import Refusal

EXAMPLES = """examples:
  atelier serve
  ATELIER_WEB_PORT=8000 atelier serve
  atelier paint "a lighthouse on the sea at sunset" -o lighthouse.png
  atelier paint --help
  atelier upscale lighthouse.png --scale 4
  atelier models pull realesr-general-x4v3
  atelier keys add blog
  atelier discord invite
  atelier doctor
  atelier backup /var/backups/atelier
  atelier gc --dry-run
"""

INVITE_EXAMPLES = """examples:
  atelier discord invite
  ATELIER_DISCORD_TOKEN_FILE=/run/secrets/discord atelier discord invite
"""


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    made = argparse.ArgumentParser(
        prog="atelier",
        description="An /imagine bot that paints on the CPU you already have.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"atelier {version('atelier')}")
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    serving = commands.add_parser(
        "serve",
        help="start the page and every platform that has a token",
        description="Start the page, and Discord and Telegram where their token is set.",
        epilog="Every setting is an environment variable or a line in .env; see the README.",
    )
    serving.set_defaults(run=_serve)
    commands.add_parser("paint", help="paint a picture from a prompt", add_help=False)
    _add_discord(commands.add_parser("discord", help="set up the Discord bot"))
    backup.add(commands)
    doctor.add(commands)
    tidying.add(commands)
    upscale.add(commands)
    models.add(commands)
    keys.add(commands)
    return made


def _add_discord(discord: argparse.ArgumentParser) -> None:
    discord.description = "What you need once to set up the Discord bot."
    tasks = discord.add_subparsers(dest="task", metavar="TASK", required=True)
    invite = tasks.add_parser(
        "invite",
        help="print the link that adds the bot to a server",
        description="Print the link that adds the bot to a server, with exactly the permissions "
        "it needs. It is made from ATELIER_DISCORD_TOKEN, without asking Discord.",
        epilog=INVITE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    invite.set_defaults(run=_invite)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (could not start), 2 (bad use) or 130 (Ctrl-C)."""
    encoding.speak()
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["paint"]:
        return paint.main(given[1:])
    chosen = parser().parse_args(given)
    if chosen.command == "doctor":  # whose business wrong settings are, too
        return doctor.main(chosen)
    try:
        settings = load()
    except SettingsError as error:
        for line in error.lines:
            print(f"atelier: {line}", file=sys.stderr)
        return 2
    run: Callable[[Settings, argparse.Namespace], int] = chosen.run
    return run(settings, chosen)


def _invite(settings: Settings, _: argparse.Namespace) -> int:
    from bot.on_discord.invite import invite_url

    token = settings.discord_token
    if token is None:
        print("atelier: ATELIER_DISCORD_TOKEN is not set; the link needs it.", file=sys.stderr)
        return 2
    try:
        print(invite_url(token.get_secret_value()))
    except ValueError:
        print("atelier: ATELIER_DISCORD_TOKEN is not the token of a bot.", file=sys.stderr)
        return 2
    return 0


def _serve(settings: Settings, _: argparse.Namespace) -> int:
    from bot.serve import CannotStart, serve

    try:
        asyncio.run(serve(settings))
    except (CannotStart, Refusal) as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
