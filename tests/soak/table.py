"""How a soak is told when it is over: what happened, how the processes fared, what was found."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.soak.day import Soak
    from tests.soak.lives import Life

LONG_S = 60.0


def table(soak: Soak) -> str:
    """Everything, as plain text."""
    journal = soak.journal
    lines = ["", "What happened"]
    lines += [f"  {name:<42} {count:>7}" for name, count in sorted(journal.counts.items())]
    lines += ["", "Seconds to the first answer (median, 99th of a hundred, longest)"]
    for platform, waits in sorted(journal.waits.items()):
        median, late, last = _spread(waits)
        lines.append(f"  {platform:<42} {median:>7.2f} {late:>7.2f} {last:>7.2f}")
    lines += ["", "Processes that lived for a minute at least"]
    lines.append(f"  {'seconds':>8} {'first MiB':>10} {'last MiB':>10} {'MiB/h':>8} {'end':<14}")
    lives = soak.lives.every
    lines += [_life(each) for each in lives if each.seconds >= LONG_S]
    others = sum(each.seconds < LONG_S for each in lives)
    lines += [f"  and {others} shorter ones", "", "Findings"]
    for finding in soak.findings:
        lines.append(f"  {'ok  ' if finding.well else 'FAIL'} {finding.what:<44} {finding.told}")
    bad = sum(not finding.well for finding in soak.findings)
    verdict = "everything holds" if not bad else f"{bad} of {len(soak.findings)} do not hold"
    minutes = soak.took_s / 60
    lines += ["", f"{verdict}: {soak.minutes:g} minutes, seed {soak.seed}, took {minutes:.1f} min"]
    return "\n".join(lines)


def _life(life: Life) -> str:
    settled = life.settled
    first = settled[0].memory if settled else float("nan")
    last = settled[-1].memory if settled else float("nan")
    slope = "–" if life.slope is None else f"{life.slope:+.1f}"
    return f"  {life.seconds:>8.0f} {first:>10.0f} {last:>10.0f} {slope:>8} {life.how:<14}"


def _spread(waits: list[float]) -> tuple[float, float, float]:
    if len(waits) < 2:
        return (waits or [0.0])[0], max(waits, default=0.0), max(waits, default=0.0)
    return statistics.median(waits), statistics.quantiles(waits, n=100)[98], max(waits)
