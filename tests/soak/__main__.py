"""The command line of a soak: `python -m tests.soak --minutes 60 --seed 7`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.day import Soak
from tests.soak.table import table

DISK_MIB = 768
INSIDE = "--small-disk"


def main() -> int:
    """0 when everything holds, 1 when anything does not."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long people live")
    parser.add_argument("--seed", type=int, default=None, help="what chance begins with")
    parser.add_argument("--people", type=int, default=5, help="on each of the three surfaces")
    parser.add_argument("--folder", type=Path, default=None, help="where data and log go")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.minutes <= 0 or given.people < 1:
        parser.error("a soak needs time and people")
    seed = int(time.time()) if given.seed is None else given.seed
    folder: Path = given.folder or Path(tempfile.mkdtemp(prefix="atelier-soak-"))
    if not given.small_disk:
        (folder / "data").mkdir(parents=True)
        if (disk := small_disk(folder / "data")) is not None:
            again = [sys.executable, "-m", "tests.soak", "--minutes", str(given.minutes)]
            again += ["--seed", str(seed), "--people", str(given.people)]
            return subprocess.call([*disk, *again, "--folder", str(folder), INSIDE])
    print(f"{given.minutes:g} minutes with seed {seed}, in {folder}", flush=True)
    soak = Soak(
        minutes=given.minutes,
        seed=seed,
        folder=folder,
        small_disk=given.small_disk,
        people=given.people,
    )
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # leaves nobody behind
    asyncio.run(soak.run())
    print(table(soak), flush=True)
    return 0 if all(finding.well for finding in soak.findings) else 1


def small_disk(folder: Path) -> list[str] | None:
    """What to put before a command so that `folder` is a disk of its own; None if impossible."""
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size={DISK_MIB}m tmpfs '{folder}'"
    if os.name != "posix" or subprocess.call([*own, mount], stderr=subprocess.DEVNULL) != 0:
        return None
    return [*own, f'{mount} && exec "$@"', "soak"]


if __name__ == "__main__":
    sys.exit(main())
