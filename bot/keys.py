"""The commands `atelier keys add|list|revoke`: what programs ask with; also beside a server."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from bot.settings import Settings
from engine.errors import Refusal
from storage.database import FILE, Database
from storage.errors import AlreadyRunning, NewerDatabase
from storage.keys import Key, Keys

EXAMPLES = """examples:
  atelier keys add blog
  atelier keys add "Ada's notebook" --budget 500
  atelier keys list
  atelier keys revoke blog
"""
LONGEST_NAME = 60
MOST_CREDITS = 1_000_000


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to the command line."""
    keys = commands.add_parser(
        "keys",
        help="make, list and revoke the keys with which programs ask",
        description="Keys for programs: OpenAI's images API below /v1 and the A1111 API below "
        "/sdapi. Each key has a budget and a place in the line like a person. A running server "
        "knows new and revoked ones at once.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tasks = keys.add_subparsers(dest="task", metavar="TASK", required=True)
    made = tasks.add_parser("add", help="make a key and print it, this once")
    made.add_argument("name", type=_name, metavar="NAME", help="what it is for")
    made.add_argument(
        "--budget",
        type=_credits,
        metavar="CREDITS",
        help="credits per rolling day, instead of ATELIER_BUDGET",
    )
    made.set_defaults(run=_add)
    tasks.add_parser(
        "list", help="which keys there are, and when they were used last"
    ).set_defaults(run=_list)
    revoked = tasks.add_parser("revoke", help="take keys back; their jobs and pictures stay")
    revoked.add_argument("names", nargs="+", metavar="NAME", help="its name, or its id in the list")
    revoked.set_defaults(run=_revoke)


def _add(settings: Settings, options: argparse.Namespace) -> int:
    async def work() -> int:
        async with _keys(settings, make=True) as keys:
            made = await keys.add(options.name, options.budget)
        if made is None:
            return _said(f"a key in use is called {options.name!r} already; choose another name")
        key, text = made
        print(text)
        print(
            f"This is the key {key.name!r} ({key.public}). It is shown this once; "
            f"`atelier keys revoke {key.public}` takes it back.",
            file=sys.stderr,
        )
        return 0

    return _run(work)


def _list(settings: Settings, _: argparse.Namespace) -> int:
    async def work() -> int:
        async with _keys(settings) as keys:
            found = await keys.all()
        if not found:
            print("There are no keys. `atelier keys add NAME` makes one.")
            return 0
        wide = max(4, *(len(key.name) for key in found))
        print(f"{'name':{wide}}  {'id':12}  {'made':16}  {'last used':16}  {'budget':>8}  state")
        for key in found:
            print(_line(key, wide))
        return 0

    return _run(work)


def _line(key: Key, wide: int) -> str:
    budget = "usual" if key.budget is None else f"{key.budget:g}"
    state = "in use" if key.revoked_at is None else f"revoked {_moment(key.revoked_at)}"
    times = f"{_moment(key.created_at):16}  {_moment(key.used_at):16}"
    return f"{key.name:{wide}}  {key.public}  {times}  {budget:>8}  {state}"


def _revoke(settings: Settings, options: argparse.Namespace) -> int:
    async def work() -> int:
        failed = 0
        async with _keys(settings) as keys:
            for name in options.names:
                key = await keys.revoke(name)
                if key is None:
                    failed = _said(
                        f"no key in use is called {name!r}; `atelier keys list` has them"
                    )
                else:
                    print(f"{key.name} ({key.public}) is revoked")
        return failed

    return _run(work)


@asynccontextmanager
async def _keys(settings: Settings, *, make: bool = False) -> AsyncIterator[Keys]:
    """The keys of the data folder, whether or not a server uses it.

    With `make`, a folder that was never used becomes one. Raises `FileNotFoundError` otherwise.
    """
    if not make and not (settings.data / FILE).exists():
        raise FileNotFoundError(f"there is no database in {settings.data}")
    try:
        db = await Database.open(settings.data)
    except AlreadyRunning:
        db = await Database.beside(settings.data)
    try:
        yield Keys(db)
    finally:
        await db.close()


def _run(work: Callable[[], Awaitable[int]]) -> int:
    async def whole() -> int:
        return await work()

    try:
        return asyncio.run(whole())
    except NewerDatabase as error:
        hint = " (restart the server that uses it)" if error.found < error.known else ""
        return _said(f"{error}{hint}")
    except (Refusal, OSError) as error:
        return _said(str(error))


def _said(why: str) -> int:
    print(f"atelier: {why}", file=sys.stderr)
    return 1


def _name(text: str) -> str:
    name = " ".join(text.split())
    odd = any(unicodedata.category(each).startswith("C") for each in name)
    if not 1 <= len(name) <= LONGEST_NAME or odd:
        raise argparse.ArgumentTypeError(f"a name has 1 to {LONGEST_NAME} letters, signs or digits")
    return name


def _credits(text: str) -> float:
    try:
        credits = float(text)
    except ValueError:
        credits = math.nan
    if not 0 <= credits <= MOST_CREDITS:
        raise argparse.ArgumentTypeError(f"credits are a number from 0 to {MOST_CREDITS}")
    return credits


def _moment(seconds: float | None) -> str:
    """A time as this machine's clock shows it."""
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
