"""The processors to paint on: which there are, which this process may use, which of them pay.

Painting multiplies matrices, which two threads of one core cannot do faster than one, and whose
numbers travel slowly from one socket's memory to the other's; the slowest core is what all others
wait for. So: one thread for each physical core, the fast ones where there are two kinds, of one
NUMA node, and never more than the container's limit allows. OpenVINO binds its threads by the same
rules; what is told to it is how many, and which kind.
"""

from __future__ import annotations

import math
import os
import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUP = Path("/proc/self/cgroup")
DEVICES = Path("/sys/devices")
NEARLY = 0.9
"""Cores that are told to be that fast, against the fastest, are of the same kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How this process may paint.

    `choices` are numbers of threads to choose from: the first by rule (the fast physical cores of
    one NUMA node), more where the machine has more, since whether they help shows only when tried.
    """

    choices: tuple[int, ...]
    mixed: bool = False
    """Whether it has cores of two kinds, and the first choice counts only the fast ones."""
    limited: bool = False
    """Whether a quota leaves it less time than cores: then others run on those cores too, and
    binding threads to some would make them wait for each other."""

    @property
    def threads(self) -> int:
        """As many threads as the rule says."""
        return self.choices[0]


def affinity() -> frozenset[int]:
    """The processors the system lets this process run on."""
    try:
        return frozenset(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return frozenset(range(os.cpu_count() or 1))


def quota(groups: Path = GROUPS, own: Path = OWN_GROUP) -> int | None:
    """The processors' worth of time the container allows, rounded up; None without a limit."""
    limits = [read(folder / "cpu.max").partition(" ") for folder in folders(groups, own)]
    old = groups / "cpu"
    limits.append((read(old / "cpu.cfs_quota_us"), " ", read(old / "cpu.cfs_period_us")))
    found = [
        math.ceil(int(time) / int(period))
        for time, _, period in limits
        if time.isdigit() and period.isdigit() and int(period)
    ]
    return max(1, min(found)) if found else None


def layout(
    usable: Iterable[int] | None = None,
    *,
    devices: Path = DEVICES,
    groups: Path = GROUPS,
    own: Path = OWN_GROUP,
) -> Layout:
    """How to paint on the `usable` processors (this process's own unless told)."""
    mine = frozenset(affinity() if usable is None else usable) or frozenset({0})
    cores = _one_of_each_core(mine, devices)
    fast = _fast(cores, mine, devices)
    near = _nearest(fast, devices)
    limit = quota(groups, own)
    most = len(mine) if limit is None else min(limit, len(mine))
    counts = [len(near), *(len(each) for each in (_one_socket(fast, devices), fast, cores))]
    choices = dict.fromkeys(max(1, min(count, most)) for count in counts)
    return Layout(
        choices=tuple(choices),
        mixed=len(fast) < len(cores),
        limited=limit is not None and limit < len(mine),
    )


def folders(groups: Path, own: Path) -> list[Path]:
    """The control group of this process and those above it: each may set a lower limit."""
    for line in read(own).splitlines():
        if line.startswith("0::"):
            group = groups / line[3:].strip().lstrip("/")
            return [group, *(p for p in group.parents if p.is_relative_to(groups))]
    return [groups]


def read(file: Path) -> str:
    """One of the system's small files; empty where there is none."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def listed(text: str) -> frozenset[int]:
    """The processors of a list as the kernel writes them, such as "0-3,8"."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit() and (not last or last.isdigit()):
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _one_of_each_core(mine: frozenset[int], devices: Path) -> frozenset[int]:
    """The first processor of each physical core."""
    found = set()
    for each in mine:
        siblings = listed(read(devices / f"system/cpu/cpu{each}/topology/thread_siblings_list")) & (
            mine
        )
        found.add(min(siblings, default=each))
    return frozenset(found)


def _fast(cores: frozenset[int], mine: frozenset[int], devices: Path) -> frozenset[int]:
    """Those of the fast kind, as Intel lists them or as ARM gives them a capacity."""
    large = listed(read(devices / "cpu_core/cpus")) & cores
    if large and listed(read(devices / "cpu_atom/cpus")) & mine:
        return large
    told = {each: read(devices / f"system/cpu/cpu{each}/cpu_capacity") for each in cores}
    if not all(text.isdigit() for text in told.values()):
        return cores
    speeds = {each: int(text) for each, text in told.items()}
    most = max(speeds.values())
    return frozenset(each for each, speed in speeds.items() if speed >= NEARLY * most)


def _nearest(cores: frozenset[int], devices: Path) -> frozenset[int]:
    """Those of the NUMA node that has the most of them."""
    nodes = sorted((devices / "system/node").glob("node[0-9]*"))
    parts = [listed(read(node / "cpulist")) & cores for node in nodes]
    return max(parts, key=len, default=cores) or cores


def _one_socket(cores: frozenset[int], devices: Path) -> frozenset[int]:
    """Those of the socket that has the most of them, whatever nodes it is divided into."""
    sockets = {
        each: read(devices / f"system/cpu/cpu{each}/topology/physical_package_id") for each in cores
    }
    [(largest, _)] = Counter(sockets.values()).most_common(1)
    return frozenset(each for each, socket in sockets.items() if socket == largest)


def model(info: Path = Path("/proc/cpuinfo")) -> str:
    """What the processor calls itself and what it can do, as far as the system tells."""
    wanted = ("model name", "model", "stepping", "flags", "CPU part", "Features")
    lines = dict.fromkeys(line for line in read(info).splitlines() if line.startswith(wanted))
    return "\n".join(lines) or platform.processor()
