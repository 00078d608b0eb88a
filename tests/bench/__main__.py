"""`python -m tests.bench [engine|start|queue …]`: all of them when none is named."""

from __future__ import annotations

import platform
import sys
from importlib import import_module
from pathlib import Path

BENCHES = ("engine", "start", "queue")


def machine() -> str:
    """The processor, as its maker calls it, and how many cores this process sees."""
    import os

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def main() -> int:
    """Run the named benches, one after another."""
    wanted = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"no bench is called {unknown[0]!r} (there are: {', '.join(BENCHES)})")
        return 2
    print(f"# {machine()}")
    for name in wanted:
        print(f"\n## {name}")
        import_module(f"tests.bench.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
