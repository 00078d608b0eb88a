"""What a bench has found, as values: figures with their baselines, checks, and the machine.

A report is printed, kept as JSON in `results/`, and drawn; it asserts nothing.
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Self

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that was measured `count` times, in `unit`.

    `allowed` is what it may be at most: its 99th percentile where there is one, else its median.
    `against` names the figure of the same report that is its baseline, measured in the same run.
    """

    what: str
    unit: str
    count: int
    median: float
    p99: float | None = None
    most: float | None = None
    allowed: float | None = None
    against: str | None = None

    @classmethod
    def of(
        cls,
        what: str,
        unit: str,
        values: Sequence[float],
        *,
        allowed: float | None = None,
        against: str | None = None,
        spread: bool = True,
    ) -> Self:
        """The figure of these values; without `spread` (too few for it) only their median."""
        return cls(
            what=what,
            unit=unit,
            count=len(values),
            median=_short(median(values)),
            p99=_short(percentile(values, 99)) if spread else None,
            most=_short(max(values)) if spread else None,
            allowed=allowed,
            against=against,
        )

    @property
    def judged(self) -> float:
        """The value that `allowed` is about."""
        return self.median if self.p99 is None else self.p99


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that has to be so under load, whether it was, and how that was seen."""

    what: str
    holds: bool
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it was measured. `load` is what else it did just before (mean of a minute)."""

    processor: str
    cores: int
    system: str
    python: str
    openvino: str
    load: float

    @classmethod
    def here(cls) -> Self:
        """This one, now."""
        return cls(
            processor=_processor(),
            cores=len(os.sched_getaffinity(0)),
            system=f"{platform.system()} {platform.machine()}",
            python=platform.python_version(),
            openvino=version("openvino").partition("-")[0],
            load=round(os.getloadavg()[0], 2),
        )

    def __str__(self) -> str:
        return f"{self.cores} cores of {self.processor}, Python {self.python}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that one run of one bench has found; `settings` say how large it was."""

    bench: str
    title: str
    settings: Mapping[str, float | str]
    figures: tuple[Figure, ...]
    checks: tuple[Check, ...] = ()
    machine: Machine = field(default_factory=Machine.here)
    date: str = field(default_factory=lambda: time.strftime("%Y-%m-%d", time.gmtime()))

    def figure(self, what: str) -> Figure:
        """The figure of this name."""
        return next(each for each in self.figures if each.what == what)

    def ratio(self, figure: Figure) -> float | None:
        """`figure` in units of its baseline, by what is judged of it; None without one."""
        if figure.against is None:
            return None
        base = self.figure(figure.against)
        return figure.judged / base.judged if base.judged else None

    def lines(self) -> Iterator[str]:
        """As a terminal shows it."""
        wide = max(len(each.what) for each in self.figures)
        yield ", ".join(f"{name} {value}" for name, value in self.settings.items())
        yield f"{'':{wide}}    median       p99       max   allowed     ratio"
        for each in self.figures:
            cells = [f"{number(value):>9}" for value in (each.median, each.p99, each.most)]
            cells.append(f"{number(each.allowed):>9}")
            cells.append(f"{number(self.ratio(each)):>9}")
            base = f" × {each.against}" if each.against else ""
            yield f"{each.what:{wide}} {' '.join(cells)}  {each.unit}{base}"
        for check in self.checks:
            yield f"{'yes' if check.holds else 'NO':>3}: {check.what} ({check.seen})"

    def save(self, folder: Path = RESULTS) -> Path:
        """Write it as `<bench>.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.bench}.json"
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` has written."""
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            **{
                **found,
                "figures": tuple(Figure(**each) for each in found["figures"]),
                "checks": tuple(Check(**each) for each in found["checks"]),
                "machine": Machine(**found["machine"]),
            }
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def number(value: float | None) -> str:
    """Three digits that matter; a dash for nothing."""
    if value is None:
        return "–"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
