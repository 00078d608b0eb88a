"""Shows what the benches have found: a table for the README and a plot, from `results/*.json`.

`python -m tests.bench.drawing` writes both. Everything shown was read from the results; where one
was measured elsewhere or on another day than the others, the table says so.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.report import RESULTS, Figure, Report, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
PLOT = "plot.svg"
ORDER = (
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
BUSY = 0.75
"""A load of so much for each core was not ours: nothing of us ran yet."""
LONGEST = 300.0
"""Per cent of what is allowed at which a bar ends, however long it would be."""
OURS, OVER, BASE, LIMIT = "#3b6ea8", "#b8722c", "#b9c4d0", "#c0392b"


def results(folder: Path = RESULTS) -> list[Report]:
    """All reports there are, in the order in which they are told."""
    found = [Report.load(file) for file in folder.glob("*.json")]
    known = {name: place for place, name in enumerate(ORDER)}
    return sorted(found, key=lambda report: (known.get(report.bench, len(known)), report.bench))


def table(reports: Sequence[Report]) -> str:
    """The table of the README: what is ours with its baseline, and the checks below it."""
    lines = [
        "| what | median | p99 | allowed | against, in the same run |",
        "|---|---|---|---|---|",
    ]
    for report in reports:
        size = ", ".join(f"{name} {_thousands(value)}" for name, value in report.settings.items())
        lines.append(f"| **{report.title}** ({size}) | | | | |")
        lines += [_row(report, figure) for figure in shown(report)]
    checks = [
        f"- {'**no**: ' if not check.holds else ''}{report.title}: {check.what} ({check.seen})"
        for report in reports
        for check in report.checks
    ]
    return "\n\n".join(("\n".join(lines), "\n".join(checks), _where(reports)))


def shown(report: Report) -> Iterator[Figure]:
    """The figures that have a line of their own: all but the baselines of others."""
    baselines = {figure.against for figure in report.figures}
    for figure in report.figures:
        if figure.what not in baselines or figure.against or figure.allowed is not None:
            yield figure


def draw(reports: Sequence[Report], file: Path) -> None:
    """One row for each figure: how much of what is allowed it takes; and the seconds of a start."""
    import matplotlib as mpl  # only whoever draws needs it

    mpl.use("svg")
    from matplotlib import pyplot as plt

    bounded = [(report, f) for report in reports for f in shown(report) if f.allowed is not None]
    starts = [f for report in reports if report.bench == "start" for f in report.figures]
    style: dict[Any, Any] = {
        "svg.hashsalt": "atelier",  # the same results give the same file
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
    }
    heights = [max(1, len(bounded)), max(1, len(starts))]
    with mpl.rc_context(style):
        figure, (above, below) = plt.subplots(
            2,
            1,
            figsize=(9, 0.34 * sum(heights) + 2),
            height_ratios=heights,
            layout="constrained",
        )
        _draw_bounded(above, bounded)
        _draw_seconds(below, starts)
        below.set_xlabel(textwrap.fill(_where(reports), 150), fontsize=6.5, loc="right")
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


def _draw_bounded(axes: Axes, rows: Sequence[tuple[Report, Figure]]) -> None:
    axes.set_title("How much of what is allowed (grey: the baseline of the same run)", loc="left")
    shares = [100 * figure.judged / (figure.allowed or 1) for _, figure in rows]
    widest = min(LONGEST, max([100.0, *shares]))
    for place, (report, figure) in enumerate(rows):
        allowed, share = figure.allowed or 1.0, shares[place]
        axes.barh(place, min(share, widest), height=0.62, color=OURS if share <= 100 else OVER)
        ended = min(share, widest)
        if figure.against is not None:
            base = 100 * report.figure(figure.against).judged / allowed
            if base < 1.2 * widest:
                axes.plot(base, place, "|", color="black", markersize=11, markeredgewidth=3.4)
                axes.plot(base, place, "|", color=BASE, markersize=9, markeredgewidth=1.8)
                ended = max(ended, base) if abs(base - ended) < 0.3 * widest else ended
        kind = "p99 " if figure.p99 is not None else ""
        said = f"{kind}{number(figure.judged)} of {number(allowed)} {figure.unit}"
        axes.annotate(
            said,
            (ended, place),
            (7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.axvline(100, color=LIMIT, linewidth=1.2)
    axes.set_yticks(range(len(rows)), [_short(report, figure) for report, figure in rows])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.28 * widest)
    axes.set_xlabel("%")


def _draw_seconds(axes: Axes, figures: Sequence[Figure]) -> None:
    axes.set_title("From the start of the process, in seconds", loc="left")
    for place, figure in enumerate(figures):
        colour = BASE if "plain" in figure.what else OURS
        axes.barh(place, figure.median, height=0.62, color=colour)
        axes.annotate(
            number(figure.median),
            (figure.median, place),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_yticks(range(len(figures)), [figure.what for figure in figures])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.margins(x=0.08)


def _short(report: Report, figure: Figure) -> str:
    return f"{report.bench}: {figure.what}"


def _row(report: Report, figure: Figure) -> str:
    unit = "" if figure.unit == "×" else f" {figure.unit}"
    cells = [
        "–" if value is None else f"{number(value)}{unit}"
        for value in (figure.median, figure.p99, figure.allowed)
    ]
    over = figure.allowed is not None and figure.judged > figure.allowed
    if over:
        cells[0 if figure.p99 is None else 1] = f"**{cells[0 if figure.p99 is None else 1]}**"
    against = ""
    if figure.against is not None:
        base = report.figure(figure.against)
        against = f"{number(report.ratio(figure))} × {figure.against} ({number(base.judged)}{unit})"
    return f"| {figure.what} | {' | '.join(cells)} | {against} |"


def _where(reports: Iterable[Report]) -> str:
    """The machines and days, each once, and whether other work went on there."""
    places: dict[str, list[str]] = {}
    for report in reports:
        machine = report.machine
        place = f"{machine}, OpenVINO {machine.openvino}, {report.date}"
        if machine.load > machine.cores * BUSY:
            place += f", while other work ran there (load {machine.load:.0f})"
        places.setdefault(place, []).append(report.bench)
    if len(places) == 1:
        return f"Measured on {next(iter(places))}."
    return (
        "Measured: " + "; ".join(f"{', '.join(b)} on {place}" for place, b in places.items()) + "."
    )


def _thousands(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.10g}"


def write(folder: Path = RESULTS, readme: Path = README) -> None:
    """Draw the plot and put the table into the README."""
    reports = results(folder)
    draw(reports, folder / PLOT)
    text = readme.read_text(encoding="utf-8")
    inside = f"{BEGIN}\n{table(reports)}\n{END}"
    changed, found = re.subn(f"{BEGIN}.*{END}", lambda _: inside, text, count=1, flags=re.DOTALL)
    if not found:
        raise SystemExit(f"{readme} has no place for the table ({BEGIN} … {END})")
    readme.write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    write()
    sys.exit(0)
