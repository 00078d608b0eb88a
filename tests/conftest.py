"""What holds for the whole suite: a skipped test is red, and nobody's own settings leak in."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """The settings of whoever runs the tests are not the tests' business."""
    for name in [name for name in os.environ if name.startswith("ATELIER_")]:
        del os.environ[name]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A test that did not run proved nothing: skipped and expected failures make the run red."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and exitstatus == 0:
        idle = [
            each
            for kind in ("skipped", "xfailed", "xpassed")
            for each in reporter.stats.get(kind, [])
        ]
        if idle:
            reporter.write_line(f"{len(idle)} tests did not really run, which counts as red")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
