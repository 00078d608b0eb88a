"""What this process may use of the machine: processors and memory, as the container allows."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUP = Path("/proc/self/cgroup")


def processors(groups: Path = GROUPS, own: Path = OWN_GROUP) -> int:
    """The processors this process may keep busy, at least 1."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        allowed = os.cpu_count() or 1
    for folder in _folders(groups, own):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            allowed = min(allowed, math.ceil(int(quota) / int(period)))
    quota, period = _read(groups / "cpu/cpu.cfs_quota_us"), _read(groups / "cpu/cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit():
        allowed = min(allowed, math.ceil(int(quota) / int(period)))
    return max(1, allowed)


def memory_bytes(groups: Path = GROUPS, own: Path = OWN_GROUP) -> int:
    """The memory of the machine, or of the container if that is less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [folder / "memory.max" for folder in _folders(groups, own)]
    limits.append(groups / "memory/memory.limit_in_bytes")
    for file in limits:
        if (text := _read(file)).isdigit():
            whole = min(whole, int(text))
    return whole


def amount(text: str, whole: int) -> int:
    """The bytes meant by "70%" (of `whole`) or "6GB"; raises `ValueError`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%|[KMGT]?i?B?)\s*", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise ValueError("neither a share nor an amount")
    number, unit = float(match[1]), match[2].upper()
    if unit == "%":
        if not 1 <= number <= 100:
            raise ValueError("a share is 1–100 %")
        return int(whole * number / 100)
    base = 1024 if "I" in unit else 1000
    amount = int(number * base ** ("KMGT".index(unit[0]) + 1 if unit[:1] in tuple("KMGT") else 0))
    if amount < 10_000_000:
        raise ValueError("less than 10 MB")
    return amount


def _folders(groups: Path, own: Path) -> list[Path]:
    """The control group of this process and those above it: each may set a lower limit."""
    for line in _read(own).splitlines():
        if line.startswith("0::"):
            group = groups / line[3:].strip().lstrip("/")
            return [group, *(p for p in group.parents if p.is_relative_to(groups))]
    return [groups]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
