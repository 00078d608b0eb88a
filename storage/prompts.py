"""Owns what can be found by its words: the index of prompts, filled later and read newest first.

Every word is indexed together with whose it is, so that a search among one person's jobs costs
nothing for those of all others.
"""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata

from storage.database import Database
from storage.job import Job, job_of

BATCH = 200
"""So many jobs are indexed in one transaction: some 10 ms in which nobody else writes."""
MOST_BATCHES = 20
"""A search waits for so many batches at most; what is older than that comes with time."""
MOST_WORDS = 12
PURGED = 64
PAUSE_S = 0.02
"""So many pages are rewritten at a time, with a rest in between for whoever else writes."""
UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
"""Characters of scripts that put no space between words: each is found as a word of its own."""

BEHIND = """
SELECT id
FROM jobs
WHERE id > (SELECT upto FROM searchable WHERE id = 0)
ORDER BY id
LIMIT 1
"""

UNINDEXED = """
SELECT id, person, json_extract(request, '$.prompt') AS prompt
FROM jobs
WHERE id > (SELECT upto FROM searchable WHERE id = 0)
ORDER BY id
LIMIT :limit
"""

INDEX = """
INSERT INTO prompts (rowid, words)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')
FROM json_each(:rows)
"""

INDEXED = """
UPDATE searchable
SET upto = :upto
WHERE id = 0
"""

CHANGES = "SELECT total_changes() AS changes"

MERGE = """
INSERT INTO prompts (prompts, rank)
VALUES ('merge', :pages)
"""
"""The index's own way to rewrite itself bit by bit; a negative number begins with all of it."""

FIND = """
SELECT jobs.*
FROM prompts
CROSS JOIN jobs ON jobs.id = prompts.rowid
WHERE prompts MATCH :match
AND prompts.rowid < :before
ORDER BY prompts.rowid DESC
LIMIT :limit
"""


class Prompts:
    """Finds jobs by words of their prompt."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(
        self, person: int, search: str, *, before: int | None = None, limit: int = 50
    ) -> list[Job]:
        """This person's jobs with all these words, or words that begin so, newest first.

        `before` is the number of the last one already seen.
        """
        wanted = match(person, search)
        if wanted is None:
            return []
        await self.catch_up()
        values = {"match": wanted, "before": 2**62 if before is None else before, "limit": limit}
        return [job_of(row) for row in await self._db.read(FIND, values)]

    async def catch_up(self, batches: int = MOST_BATCHES) -> bool:
        """Index what is not indexed yet, in so many batches at most; whether that was all."""
        for _ in range(batches):
            if await self._db.read_one(BEHIND) is None:
                return True
            await self._index()
        return await self._db.read_one(BEHIND) is None

    async def purge(self) -> None:
        """Rewrite the index without the words of what was deleted, in small steps.

        Until then no search finds these, but they still stand in the file.
        """
        pages = -PURGED
        while True:
            async with self._db.transaction() as transaction:
                before = await transaction.one(CHANGES)
                await transaction.one(MERGE, {"pages": pages})
                after = await transaction.one(CHANGES)
            assert before is not None  # both always have a row
            assert after is not None
            if after["changes"] - before["changes"] < 2:  # as the index's makers say
                return
            pages = PURGED
            await asyncio.sleep(PAUSE_S)

    async def _index(self) -> None:
        async with self._db.transaction() as transaction:
            found = await transaction.all(UNINDEXED, {"limit": BATCH})
            rows = [
                (row["id"], " ".join(words_of(row["person"], row["prompt"])))
                for row in found
                if row["prompt"]
            ]
            if found:
                await transaction.one(INDEX, {"rows": json.dumps(rows)})
                await transaction.one(INDEXED, {"upto": found[-1]["id"]})


def match(person: int, search: str) -> str | None:
    """The query for all words of `search`, each as a beginning, or None if it has no word.

    What stands together in a script without spaces has to stand together in the prompt.
    """
    wanted = [" ".join(words_of(person, part)) for part in re.findall(r"\w+", folded(search))]
    return " AND ".join(f'"{each}" *' for each in wanted[:MOST_WORDS] if each) or None


def words_of(person: int, text: str) -> list[str]:
    """The words of `text`, as they stand in the index."""
    return [
        f"{person}·{word}" for word in re.findall(r"[^\W_]+", UNSPACED.sub(r" \1 ", folded(text)))
    ]


def folded(text: str) -> str:
    """`text` without case, accents and other marks, however its characters are composed."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in apart if not unicodedata.category(each).startswith("M"))
    return unicodedata.normalize("NFC", bare)
