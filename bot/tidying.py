"""The command `atelier gc`: a round of housekeeping, or what it would do, also beside a server."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from bot.desk.keeping import Swept
from bot.settings import Settings
from bot.wiring import make_keeper, make_retention
from engine.errors import Refusal
from storage.database import FILE, Database, take_lock
from storage.errors import AlreadyRunning, NewerDatabase
from storage.files import free_bytes
from storage.pictures import Pictures
from storage.retention import Kept
from storage.sources import Sources

EXAMPLES = """examples:
  atelier gc --dry-run
  ATELIER_KEEP_DAYS=30 atelier gc
"""

KINDS = {
    "pictures": "pictures, too old or too much",
    "latents": "latents past their time",
    "uploads": "uploads nobody used",
    "cache": "compiled models, used long ago",
    "copies": "old copies of the database",
    "orphans": "files nothing knows",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add it to the command line."""
    sweep = commands.add_parser(
        "gc",
        help="delete what the settings say is too old or too much",
        description="Delete pictures that nobody pinned, latents, uploads, compiled models and "
        "copies of the database that are too old or too much by the settings. A running server "
        "does this by itself every ten minutes; the command may run beside it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sweep.add_argument("--dry-run", action="store_true", help="delete nothing, tell what would go")
    sweep.set_defaults(run=_run)


def _run(settings: Settings, chosen: argparse.Namespace) -> int:
    if not (settings.data / FILE).exists():
        print(f"atelier: there is no database in {settings.data}", file=sys.stderr)
        return 1
    try:
        asyncio.run(_tidy(settings, dry=chosen.dry_run))
    except NewerDatabase as error:
        hint = " (`atelier serve` brings it up to date)" if error.found < error.known else ""
        print(f"atelier: {error}{hint}", file=sys.stderr)
        return 1
    except (Refusal, OSError) as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 1
    return 0


async def _tidy(settings: Settings, *, dry: bool) -> None:
    data = settings.data
    try:
        alone = take_lock(data)
    except AlreadyRunning:
        alone = None
    try:
        db = await Database.beside(data)
        try:
            pictures = Pictures(db, data / "pictures")
            keeper = make_keeper(
                db, settings, pictures=pictures, sources=Sources(db, data / "sources")
            )
            swept = await keeper.tidy(dry=dry, orphans=alone is not None)
            kept = await make_retention(db, settings, pictures).room()
            _tell(settings, swept, kept, dry=dry, beside=alone is None)
        finally:
            await db.close()
    finally:
        if alone is not None:
            os.close(alone)


def _tell(settings: Settings, swept: list[Swept], kept: Kept, *, dry: bool, beside: bool) -> None:
    print("would go:" if dry else "gone:")
    for each in swept:
        print(f"  {KINDS[each.kind]:<32} {each.count:>9,} {each.bytes / 1e6:>12,.1f} MB")
    free, reserve = free_bytes(settings.data), settings.reserve_bytes
    print(f"kept: {kept.pictures:,} pictures, {kept.bytes / 1e6:,.1f} MB")
    print(f"free on the disk: {free / 1e6:,.1f} MB, of which {reserve / 1e6:,.1f} MB are reserved")
    if beside:
        print("A server uses this folder, so files that nothing knows were not looked for.")
