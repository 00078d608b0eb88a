"""What this process may use of the machine: processors, memory, disk, as the container allows."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
from pathlib import Path

from engine.processors import GROUPS, OWN_GROUP, affinity, folders, quota, read


def processors(groups: Path = GROUPS, own: Path = OWN_GROUP) -> int:
    """The processors this process may keep busy, at least 1."""
    mine, limit = len(affinity()), quota(groups, own)
    return mine if limit is None else min(mine, limit)


def memory_bytes(groups: Path = GROUPS, own: Path = OWN_GROUP) -> int:
    """The memory of the machine, or of the container if that is less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [folder / "memory.max" for folder in folders(groups, own)]
    limits.append(groups / "memory/memory.limit_in_bytes")
    for file in limits:
        if (text := read(file)).isdigit():
            whole = min(whole, int(text))
    return whole


def instruction_sets(info: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The instruction sets of the processors, where the system lists them."""
    for line in read(info).splitlines():
        name, _, listed = line.partition(":")
        if name.strip() == "flags":
            return frozenset(listed.split())
    return frozenset()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def disk_bytes(path: Path) -> int:
    """The size of the disk where `path` is, or will be."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).total


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
