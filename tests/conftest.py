"""What holds for the whole suite: a skipped test is red, and nobody's own settings leak in."""

from __future__ import annotations

import codecs
import contextlib
import gc
import hashlib
import locale
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import structlog

from tests import tiny

LOGGERS = ("", "uvicorn", "uvicorn.error", "uvicorn.access")


def pytest_configure(config: pytest.Config) -> None:
    """The settings of whoever runs the tests are not the tests' business."""
    for name in [name for name in os.environ if name.startswith("ATELIER_")]:
        del os.environ[name]
    os.environ["PYTHONUTF8"] = "1"  # nor is their locale: what tests start speaks UTF-8
    if codecs.lookup(locale.getencoding()).name == "ascii":
        with contextlib.suppress(locale.Error):  # by it axe-playwright reads its script
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")


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


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Commands and servers set up the log of their process; in a test that is everybody's.

    What one test leaves behind would be written to its own standard error, which is closed by then.
    """
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(each, list(each.handlers), each.level, each.propagate) for each in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True, scope="module")
def libraries_are_no_garbage() -> Iterator[None]:
    """Two million objects of theirs take half a second each time that garbage is looked for.

    Exporting a model looks for it a dozen times; what came before a module is left out of it.
    """
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def tiny_model(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Gives the model folder (IR and card) of a tiny random model of a family; not to be changed.

    What an export gives is kept from run to run, for as long as nothing it is made by changes.
    """
    return _kept(pytestconfig, lambda family, folder: tiny.export(family, folder, name=family))


@pytest.fixture(scope="session")
def tiny_source(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Gives the diffusers folder of a tiny random model of a family; not to be changed either."""
    return _kept(pytestconfig, tiny.make)


def _kept(config: pytest.Config, made: Callable[[str, Path], Path]) -> Callable[[str], Path]:
    key = hashlib.sha256(Path(tiny.__file__).read_bytes())
    for library in ("torch", "diffusers", "transformers", "optimum-intel", "openvino"):
        key.update(version(library).encode())
    assert config.cache is not None
    shelf = config.cache.mkdir(f"tiny-{made.__name__.strip('<>')}-{key.hexdigest()[:12]}")

    def give(family: str) -> Path:
        folder = shelf / family
        if not folder.exists():
            fresh = shelf / f".{family}-{os.getpid()}"
            shutil.rmtree(fresh, ignore_errors=True)
            made(family, fresh)
            with contextlib.suppress(OSError):  # another run was quicker
                fresh.rename(folder)
        return folder

    return give
