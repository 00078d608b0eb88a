"""`python -m tests.bench [engine|large|queue|…]`: all but `large` when none is named."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import drawing
from tests.bench.report import RESULTS, Machine

if TYPE_CHECKING:
    from tests.bench.report import Report

BENCHES = (
    "engine",
    "large",
    "start",
    "submits",
    "watching",
    "queue",
    "discord",
    "telegram",
    "enlarging",
)
ALL = tuple(name for name in BENCHES if name != "large")
"""What is run when nothing is named: a model of real size takes memory and disk of its own."""


def measure(name: str, *, tiny: bool = False) -> Report:
    """Run one bench, large or tiny."""
    bench = import_module(f"tests.bench.{name}")
    report: Report = bench.run(bench.TINY if tiny else bench.FULL)
    return report


def main(arguments: list[str] | None = None) -> int:
    """Run the named benches one after another, print what they find and write it down."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=", ".join(BENCHES))
    parser.add_argument("--tiny", action="store_true", help="a few seconds each, to see it work")
    parser.add_argument("--into", type=Path, help="the folder of the results")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.benches if name not in BENCHES]:
        parser.error(f"no bench is called {unknown[0]!r} (there are: {', '.join(BENCHES)})")
    into = chosen.into or (None if chosen.tiny else RESULTS)
    here = Machine.here()  # before anything of ours runs
    print(f"# {here}, load {here.load}", flush=True)
    for name in chosen.benches or ALL:
        started = time.monotonic()
        report = replace(measure(name, tiny=chosen.tiny), machine=here)
        print(f"\n## {report.title}")
        for line in report.lines():
            print(line)
        if into is not None:
            report.save(into)
        print(f"({name}: {time.monotonic() - started:.0f} s)", flush=True)
    if into == RESULTS:
        drawing.write()
        print("\nThe table in README.md and the plot beside the results are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
