"""The commands `atelier backup` and `atelier restore`: what they take, and what they say."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bot.settings import Settings
from engine.errors import Refusal
from storage import backup
from storage.backup import Backup, BackupError

EXAMPLES = """examples:
  atelier backup /var/backups/atelier
  atelier backup /var/backups/atelier --keep 14
  atelier backup --verify /var/backups/atelier/atelier-20260314T031500Z
"""

RESTORE_EXAMPLES = """examples:
  atelier restore /var/backups/atelier/atelier-20260314T031500Z
  ATELIER_DATA=/srv/again atelier restore /var/backups/atelier/atelier-20260314T031500Z
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both to the command line."""
    back = commands.add_parser(
        "backup",
        help="copy the data folder, also while the server runs",
        description="Copy the database as of one moment and all pictures (by hard link where "
        "that is possible) to a new folder in FOLDER, and verify it. The server may be running.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    back.add_argument("folder", type=Path, metavar="FOLDER")
    back.add_argument("--keep", type=_whole, metavar="N", help="afterwards keep the newest N only")
    back.add_argument(
        "--verify", action="store_true", help="make nothing; check the backup in FOLDER"
    )
    back.set_defaults(run=_backup)
    put = commands.add_parser(
        "restore",
        help="put a backup in the place of the data folder",
        description="Verify a backup and put it into ATELIER_DATA. The server must be stopped.",
        epilog=RESTORE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    put.add_argument("folder", type=Path, metavar="BACKUP")
    put.add_argument(
        "--replace", action="store_true", help="put what is there aside, into a folder beside it"
    )
    put.set_defaults(run=_restore)


def _backup(settings: Settings, chosen: argparse.Namespace) -> int:
    try:
        if chosen.verify:
            print(f"{chosen.folder} is whole: {_said(backup.verify(chosen.folder))}")
            return 0
        started = time.perf_counter()
        target, made = backup.make(settings.data, chosen.folder)
        print(f"{target}: {_said(made)}, verified, {time.perf_counter() - started:.1f} s")
        if chosen.keep is not None:
            for old in backup.thin_out(chosen.folder, chosen.keep):
                print(f"removed {old}")
    except (BackupError, OSError) as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 1
    return 0


def _restore(settings: Settings, chosen: argparse.Namespace) -> int:
    try:
        restored, aside = backup.restore(chosen.folder, settings.data, replace=chosen.replace)
    except (BackupError, Refusal, OSError) as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 1
    print(f"{settings.data}: {_said(restored)}")
    if aside is not None:
        print(f"what was there before is in {aside}")
    return 0


def _said(made: Backup) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(made.made_at))
    return (
        f"{made.jobs} jobs and {made.pictures} pictures as of {moment}, "
        f"{made.bytes / 1e6:.1f} MB in {made.files} files ({made.linked} of them linked)"
    )


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
