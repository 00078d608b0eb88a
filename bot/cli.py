"""The `atelier` command: `serve`, `paint`, `--version`; errors are one clear line."""

from __future__ import annotations

import argparse
import asyncio
import sys
from importlib.metadata import version

from bot.settings import Settings, SettingsError, load
from engine import __main__ as paint
from engine.errors import Refusal

EXAMPLES = """examples:
  atelier serve
  ATELIER_WEB_PORT=8000 atelier serve
  atelier paint "a lighthouse on the sea at sunset" -o lighthouse.png
  atelier paint --help
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
    commands.add_parser(
        "serve",
        help="start the page and every platform that has a token",
        description="Start the page, and Discord and Telegram where their token is set.",
        epilog="Every setting is an environment variable or a line in .env; see the README.",
    )
    commands.add_parser("paint", help="paint a picture from a prompt", add_help=False)
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (could not start), 2 (bad use) or 130 (Ctrl-C)."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["paint"]:
        return paint.main(given[1:])
    parser().parse_args(given)
    try:
        settings = load()
    except SettingsError as error:
        for line in error.lines:
            print(f"atelier: {line}", file=sys.stderr)
        return 2
    return _serve(settings)


def _serve(settings: Settings) -> int:
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
