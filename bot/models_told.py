"""How every task of `atelier models` says that it could not be done: one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from engine.errors import Refusal
from engine.fetching import FetchError


class Declined(Exception):
    """Why a task was not begun: what somebody has to say differently, or did not agree to."""


def told(work: Callable[[], int | None]) -> int:
    """Do it, and say in one line why not: exit code 0, 1 (not reached), 2 or 130 (Ctrl-C)."""
    try:
        code = work() or 0
        sys.stdout.flush()
        return code
    except FetchError as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Refusal, Declined, OSError) as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("atelier: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def size(number: float) -> str:
    """Bytes as people say them."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"
