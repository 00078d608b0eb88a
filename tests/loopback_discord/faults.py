"""Trouble on demand: what goes wrong, at which route, how often, before or after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.loopback_discord.errors import ApiError


class Hold:
    """A response that is held back: `reached` once the server has committed."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._go = asyncio.Event()

    def release(self) -> None:
        """Let the response go."""
        self._go.set()

    async def wait(self) -> None:
        """The server's side of it."""
        self.reached.set()
        await self._go.wait()


class Cut(Exception):
    """The connection is to be reset, without an answer."""


@dataclass(kw_only=True)
class Fault:
    """One kind of trouble, for the next `times` calls of `route` that `when` accepts."""

    route: str
    """Name of a handler: "answer", "edit_original", "create_message", "edit_message", …"""
    error: ApiError | None = None
    reset: bool = False
    hold: Hold | None = None
    committed: bool = False
    """After the server has done what was asked, not instead of it."""
    times: int = 1
    when: Callable[[dict[str, Any]], bool] = lambda body: True
    hits: int = 0

    async def strike(self) -> None:
        """Raise what was planned, or hold."""
        self.hits += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.reset:
            raise Cut
        if self.error is not None:
            raise self.error


@dataclass
class Faults:
    """What is planned, in order."""

    planned: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> Fault:
        """Plan it."""
        self.planned.append(fault)
        return fault

    async def strike(self, route: str, body: dict[str, Any], *, committed: bool) -> None:
        """Let the first that fits happen."""
        for fault in self.planned:
            if (
                fault.route == route
                and fault.committed == committed
                and fault.hits < fault.times
                and fault.when(body)
            ):
                await fault.strike()
                return
