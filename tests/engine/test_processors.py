"""Which processors are painted on: machines nobody here has, as their kernels describe them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.processors import Layout, affinity, layout, listed, quota


@dataclass(kw_only=True)
class Described:
    """A machine's /sys: cores of `threads` processors each, by socket and NUMA node."""

    folder: Path
    count: int = 0
    nodes: list[list[int]] = field(default_factory=list)

    def write(self, name: str, text: str) -> None:
        file = self.folder / "devices" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="ascii")

    def core(self, *, socket: int = 0, threads: int = 1, capacity: int | None = None) -> list[int]:
        mine = list(range(self.count, self.count + threads))
        self.count += threads
        for each in mine:
            topology = f"system/cpu/cpu{each}/topology"
            self.write(f"{topology}/thread_siblings_list", ",".join(map(str, mine)))
            self.write(f"{topology}/physical_package_id", str(socket))
            if capacity is not None:
                self.write(f"system/cpu/cpu{each}/cpu_capacity", str(capacity))
        return mine

    def node(self, cores: list[int]) -> None:
        name = f"system/node/node{len(self.nodes)}/cpulist"
        self.nodes.append(cores)
        self.write(name, ",".join(map(str, cores)))

    def limit(self, text: str) -> None:
        (self.folder / "groups").mkdir()
        (self.folder / "groups/cpu.max").write_text(text, encoding="ascii")

    def layout(self, usable: range | None = None) -> Layout:
        return layout(
            range(self.count) if usable is None else usable,
            devices=self.folder / "devices",
            groups=self.folder / "groups",
            own=self.folder / "none",
        )


@pytest.fixture
def machine(tmp_path: Path) -> Described:
    return Described(folder=tmp_path)


def test_a_core_with_two_threads_is_painted_on_once(machine: Described) -> None:
    """Eight processors of four cores give four threads."""
    machine.node([each for _ in range(4) for each in machine.core(threads=2)])
    assert machine.layout() == Layout(choices=(4,))


def test_of_two_sockets_one_is_taken_and_both_may_be_tried(machine: Described) -> None:
    """64 cores on two sockets: 32 by rule; 64 only where measuring says so."""
    for socket in range(2):
        machine.node([each for _ in range(32) for each in machine.core(socket=socket, threads=2)])
    assert machine.layout() == Layout(choices=(32, 64))


def test_a_socket_may_be_several_nodes(machine: Described) -> None:
    """Four nodes to a socket: the node by rule, the socket and the machine to be tried."""
    for number in range(8):
        machine.node([each for _ in range(12) for each in machine.core(socket=number // 4)])
    assert machine.layout().choices == (12, 48, 96)


def test_of_two_kinds_of_cores_the_fast_ones_paint(machine: Described) -> None:
    """Eight fast cores of two threads, four small ones: eight by rule, twelve to be tried."""
    fast = [each for _ in range(8) for each in machine.core(threads=2)]
    small = [each for _ in range(4) for each in machine.core()]
    machine.node(fast + small)
    machine.write("cpu_core/cpus", "0-15")
    machine.write("cpu_atom/cpus", "16-19")
    assert machine.layout() == Layout(choices=(8, 12), mixed=True)


def test_kinds_told_by_capacity_are_understood(machine: Described) -> None:
    """Four cores of capacity 1024 and four of 446, as ARM boards say it."""
    machine.node([each for _ in range(4) for each in machine.core(capacity=1024)])
    for _ in range(4):
        machine.core(capacity=446)
    assert machine.layout() == Layout(choices=(4, 8), mixed=True)


def test_a_container_counts_what_it_is_given(machine: Described) -> None:
    """Two and a half processors' time of sixteen cores is three threads, bound to none of them."""
    machine.node([each for _ in range(16) for each in machine.core()])
    machine.limit("250000 100000")
    assert machine.layout() == Layout(choices=(3,), limited=True)


def test_a_process_bound_to_some_processors_stays_there(machine: Described) -> None:
    """Both threads of two cores are left to us: two threads."""
    machine.node([each for _ in range(8) for each in machine.core(threads=2)])
    assert machine.layout(range(4, 8)) == Layout(choices=(2,))


def test_where_the_system_says_nothing_every_processor_counts(tmp_path: Path) -> None:
    """No /sys at all, as on other systems: as many threads as processors, at least one."""
    nowhere = tmp_path / "none"
    assert layout(range(6), devices=nowhere, groups=nowhere, own=nowhere) == Layout(choices=(6,))
    assert layout((), devices=nowhere, groups=nowhere, own=nowhere).threads == 1


def test_odd_limits_are_no_limits(tmp_path: Path) -> None:
    """ "max", nonsense and a period of nothing leave it unlimited; less than one is one."""
    for text, expected in (("max 100000", None), ("a b", None), ("5 0", None), ("100 100000", 1)):
        (tmp_path / "cpu.max").write_text(text, encoding="ascii")
        assert quota(tmp_path, tmp_path / "none") == expected
    assert listed("0-3,8, x,5-y") == frozenset({0, 1, 2, 3, 8})


def test_this_machine_has_something_to_paint_on() -> None:
    """Whatever it is: one thread at least, never more than processors."""
    assert 1 <= layout().threads <= max(layout().choices) <= len(affinity())
