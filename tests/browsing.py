"""Where the system's Chromium is, and how tests start it: headless, and silent on the network."""

from __future__ import annotations

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def browser_path() -> str:
    """The browser's program; the test fails where there is none, and says what to do."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    assert found, "no Chromium: `make chromium` says what to do"
    return found[0]
