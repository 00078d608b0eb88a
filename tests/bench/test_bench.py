"""The benches themselves: each runs, tiny; what they conclude from a record is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import drawing
from tests.bench.__main__ import ALL, BENCHES, main, measure
from tests.bench.fairness import Served, first_come_first_served, furthest_apart, own_order_kept
from tests.bench.report import Check, Figure, Machine, Report, number, percentile

MACHINE = Machine(
    processor="Abacus", cores=2, system="Linux", python="3.11", openvino="2026.4", load=0.1
)


def report(bench: str = "queue", p99: float = 4.0) -> Report:
    """A small report: one figure with its baseline, one check."""
    slow = Figure(what="claim", unit="ms", count=9, median=2, p99=p99, allowed=10, against="empty")
    return Report(
        bench=bench,
        title="A line",
        settings={"waiting": 100_000},
        figures=(Figure(what="empty", unit="ms", count=9, median=1, p99=2), slow),
        checks=(Check(what="none lost", holds=True, seen="9 of 9"),),
        machine=MACHINE,
        date="2026-01-02",
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BENCHES)
def test_each_bench_runs_and_what_has_to_hold_under_load_holds(name: str, tmp_path: Path) -> None:
    """Tiny: figures against baselines of the same run, checks that hold, a file that says so."""
    found = measure(name, tiny=True)
    assert found.bench == name
    assert [check for check in found.checks if not check.holds] == []
    assert any(figure.against for figure in found.figures)
    for figure in found.figures:
        assert figure.count > 0
        assert figure.against is None or found.figure(figure.against)
    assert Report.load(found.save(tmp_path)) == found


def test_a_ratio_compares_what_is_judged() -> None:
    """The 99th percentile where there is one; a baseline of nothing gives no ratio."""
    made = report()
    assert made.ratio(made.figure("claim")) == 2.0
    assert made.ratio(made.figure("empty")) is None
    assert percentile([5, 1, 2, 3, 4], 50) == 3
    assert percentile(range(1, 201), 99) == 198
    assert percentile([7], 99) == 7
    assert [number(value) for value in (None, 0, 0.123, 12.34, 123.4)] == [
        "–", "0", "0.12", "12.3", "123",
    ]  # fmt: skip


def test_what_is_unknown_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A bench by a wrong name is one clear line, not a traceback."""
    with pytest.raises(SystemExit) as refused:
        main(["abacus"])
    assert refused.value.code == 2
    assert "no bench is called 'abacus'" in capsys.readouterr().err


def waiting_line(*people: tuple[int, int]) -> list[Served]:
    """So many jobs of each person, all asked for at once, one person's before the next one's."""
    asked = [person for person, count in people for _ in range(count)]
    return [
        Served(person=person, cost=1.0, asked=number / 1000, started=10.0 + number)
        for number, person in enumerate(asked)
    ]


def test_a_plain_line_is_found_unfair_and_a_fair_one_fair() -> None:
    """Ten jobs of one before ten of another: unfair as they came, fair when they take turns."""
    plain = waiting_line((1, 10), (2, 10))
    assert furthest_apart(plain, until=100.0) == 5.0
    turns = [replace(job, started=10.0 + 2 * (n % 10) + n // 10) for n, job in enumerate(plain)]
    assert furthest_apart(turns, until=100.0) <= 1
    assert first_come_first_served(turns) == plain


def test_who_did_not_wait_is_owed_nothing() -> None:
    """Service before somebody came, or after their last job, is nobody's advantage."""
    early = [Served(person=1, cost=1.0, asked=0, started=n) for n in range(1, 9)]
    late = [Served(person=2, cost=1.0, asked=7.5, started=9)]
    assert furthest_apart([*early, *late], until=20.0) <= 1
    assert furthest_apart([*early, replace(late[0], asked=0.5)], until=20.0) > 1


def test_somebody_who_is_never_served_is_noticed() -> None:
    """A job that still waits at the end counts until then."""
    fed = [Served(person=1, cost=1.0, asked=0, started=n) for n in range(1, 9)]
    hungry = Served(person=2, cost=1.0, asked=0, started=None)
    assert furthest_apart([*fed, hungry], until=20.0) > 1


def test_own_jobs_out_of_order_are_noticed() -> None:
    """Whoever asks twice gets the first one first."""
    line = waiting_line((1, 2))
    assert own_order_kept(line)
    assert not own_order_kept([replace(line[0], started=99.0), line[1]])
    assert not own_order_kept([replace(line[0], started=None), line[1]])


def test_the_table_tells_limits_ratios_and_machines() -> None:
    """What is beyond its limit stands out, and so does a second machine or other work on it."""
    fine = drawing.table([report()])
    assert "| claim | 2.00 ms | 4.00 ms | 10.0 ms | 2.00 × empty (2.00 ms) |" in fine
    assert "waiting 100,000" in fine
    assert "none lost (9 of 9)" in fine
    assert "Measured on 2 cores of Abacus" in fine
    assert "**12.0 ms**" in drawing.table([report(p99=12.0)])
    other = replace(report("start"), machine=replace(MACHINE, load=7.0))
    assert "queue on 2 cores of Abacus" in drawing.table([report(), other])
    assert "other work ran there (load 7)" in drawing.table([report(), other])


def test_the_plot_shows_what_has_a_limit_and_is_the_same_each_time(tmp_path: Path) -> None:
    """An SVG that names each such figure; drawn twice it is the same file."""
    start = replace(report("start"), figures=(Figure(what="cold", unit="s", count=1, median=3),))
    files = [tmp_path / name for name in ("one.svg", "two.svg")]
    for file in files:
        drawing.draw([start, report(), report("submits")], file)
    assert files[0].read_bytes() == files[1].read_bytes()
    words = " ".join(ElementTree.parse(files[0]).getroot().itertext())
    for shown in ("queue: claim", "submits: claim", "p99 4.00 of 10.0 ms", "cold", "Abacus"):
        assert shown in words


def test_the_readme_shows_the_committed_results() -> None:
    """Table and results cannot drift apart, and each bench has been run."""
    found = drawing.results()
    assert {each.bench for each in found} >= set(ALL)
    shown = drawing.README.read_text(encoding="utf-8")
    between = shown.partition(drawing.BEGIN)[2].partition(drawing.END)[0]
    assert between.strip() == drawing.table(found).strip()
