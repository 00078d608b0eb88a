"""How Discord points at people, channels and roles, for sentences that name them."""

from __future__ import annotations

from collections.abc import Iterable

from bot.desk.texts.office import Marks
from bot.on_discord.escaping import block, plain

WRITTEN = 300
"""Characters of what somebody wrote, within a sentence."""

MARKS = Marks(
    person=lambda external: f"<@{external}>" if external.isdecimal() else plain(external, 80),
    channel=lambda external: f"<#{external}>",
    role=lambda external: f"<@&{external}>",
    text=lambda written: plain(written, WRITTEN),
)


def listing(lines: Iterable[str], limit: int) -> str:
    """Lines as one block of code that can be copied, as many whole ones as fit into `limit`."""
    kept: list[str] = []
    for line in lines:
        inside = block(line).removeprefix("```\n").removesuffix("\n```")
        if sum(map(len, kept)) + len(kept) + len(inside) + len("```\n\n```") > limit:
            break
        kept.append(inside)
    return "\n".join(["```", *kept, "```"])
