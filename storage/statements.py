"""Owns every statement on the table of jobs; here together so that their plans can be checked.

Each is served by an index made for it: the line of queued jobs ordered by (turn, id), and the
covering sums of charges per person, place and address.
"""

from __future__ import annotations

from storage.errors import Scope

STANDING = """
WITH who AS MATERIALIZED (
    SELECT
        people.banned_until,
        people.budget,
        MAX(:since, COALESCE(people.reset_at, 0)) AS since,
        members.banned_until AS banned_here,
        COALESCE(members.budget, :person_in_place_budget) AS budget_here,
        MAX(:since, COALESCE(members.reset_at, 0)) AS since_here
    FROM (SELECT 1)
    LEFT JOIN people ON people.id = :person
    LEFT JOIN members ON members.person = :person AND members.place = :place
)
SELECT
    who.banned_until,
    who.banned_here,
    (SELECT paused FROM places WHERE id = :place) AS paused,
    (
        SELECT COUNT(*)
        FROM jobs
        WHERE state = 'queued'
        AND person = :person
    ) AS waiting,
    (
        SELECT COUNT(*)
        FROM jobs
        WHERE :waiting_here_limit IS NOT NULL
        AND state = 'queued'
        AND person = :person
        AND place = :place
    ) AS waiting_here,
    (
        SELECT COALESCE(SUM(jobs), 0)
        FROM line_sums
        WHERE size = 25600
    ) AS queued,
    who.since AS person_since,
    (
        SELECT COALESCE(SUM(charge), 0)
        FROM jobs
        WHERE person = :person
        AND created_at > who.since
        AND charge > 0
    ) AS person_used,
    COALESCE(who.budget, :person_budget) + (
        SELECT COALESCE(SUM(credits), 0)
        FROM gifts
        WHERE person = :person
        AND place IS NULL
        AND created_at > :since
    ) AS person_budget,
    who.since_here AS person_in_place_since,
    (
        SELECT COALESCE(SUM(charge), 0)
        FROM jobs
        WHERE who.budget_here IS NOT NULL
        AND person = :person
        AND created_at > who.since_here
        AND charge > 0
        AND place = :place
    ) AS person_in_place_used,
    who.budget_here + (
        SELECT COALESCE(SUM(credits), 0)
        FROM gifts
        WHERE person = :person
        AND place = :place
        AND created_at > :since
    ) AS person_in_place_budget,
    :since AS place_since,
    (
        SELECT COALESCE(SUM(charge), 0)
        FROM jobs
        WHERE :place_budget IS NOT NULL
        AND place = :place
        AND created_at > :since
        AND created_at < (:since / 3600000 + 1) * 3600000
        AND charge > 0
    ) + (
        SELECT COALESCE(SUM(charge), 0)
        FROM place_sums
        WHERE :place_budget IS NOT NULL
        AND place = :place
        AND hour > :since / 3600000
    ) AS place_used,
    :place_budget AS place_budget,
    :since AS address_since,
    (
        SELECT COALESCE(SUM(charge), 0)
        FROM jobs
        WHERE :address_budget IS NOT NULL
        AND address = :address
        AND created_at > :since
        AND charge > 0
    ) AS address_used,
    :address_budget AS address_budget
FROM who
"""
"""Where a request stands against every limit: the facts that `ENQUEUE` decides on.

Budgets are what they are now, with what was given on top; nothing used before a reset counts. A
budget that is NULL does not apply.
"""

_ENQUEUE = """
INSERT INTO jobs (
    public, person, place, address, key, ask, request, notes,
    filled, private, message, parent, needs, mask, loads,
    model, width, height, guided, steps, pictures, cost, charge, created_at, turn
)
SELECT
    :public, :person, :place, :address, :key, :ask, :request, :notes,
    :filled, :private, :message, :parent, :needs, :mask, :loads,
    :model, :width, :height, :guided, :steps, :pictures, :cost, :cost,
    MAX(:now, person_since + 1, person_in_place_since + 1),
    :cost + MAX(
        (SELECT clock FROM service WHERE id = 0),
        COALESCE(
            (
                SELECT MAX(turn)
                FROM jobs
                WHERE state = 'queued'
                AND person = :person
                AND last_chance = 0
            ),
            0
        ),
        COALESCE((SELECT MAX(turn) FROM early WHERE person = :person), 0)
    )
FROM standing
WHERE COALESCE(banned_until, 0) <= :now
AND COALESCE(banned_here, 0) <= :now
AND COALESCE(paused, 0) = 0
AND waiting < :waiting_limit
AND (:waiting_here_limit IS NULL OR waiting_here < :waiting_here_limit)
AND queued < :queue_limit
AND person_used + :cost <= person_budget
AND (person_in_place_budget IS NULL OR person_in_place_used + :cost <= person_in_place_budget)
AND (place_budget IS NULL OR place_used + :cost <= place_budget)
AND (address_budget IS NULL OR address_used + :cost <= address_budget)
RETURNING *
"""

ENQUEUE = "\n".join(("WITH standing AS MATERIALIZED (", STANDING, ")", _ENQUEUE))
"""Check, reserve and persist in one: it inserts the job, or nothing.

A job is made after every reset before it, by the clock too: one that was set back, or that has not
moved on since, would let it cost nothing.

The turn is that of start-time fair queueing: a job finishes, in a world where everybody is served
at once, `cost` after the person's job before it, or after what is being served now. Only queued
jobs need a look: whatever of theirs was claimed has a turn the clock has reached, or was early.
"""


def _frees(scope: str) -> str:
    return f"""
SELECT MIN(created_at) AS created_at
FROM (
    SELECT created_at, SUM(charge) OVER (ORDER BY created_at) AS freed
    FROM jobs
    WHERE {scope}
    AND created_at > :since
    AND charge > 0
)
WHERE freed >= :needed
"""  # noqa: S608 - the four scopes stand below


FREES: dict[Scope, str] = {
    "person": _frees("person = :person"),
    "person_in_place": _frees("person = :person AND place = :place"),
    "place": _frees("place = :place"),
    "address": _frees("address = :address"),
}
"""Per scope, when the job was made with which, counted from the oldest, enough has left."""

GIFTS = """
SELECT created_at, credits
FROM gifts
WHERE person = :person
AND place IS NULL
AND created_at > :since
ORDER BY created_at
"""

GIFTS_HERE = """
SELECT created_at, credits
FROM gifts
WHERE person = :person
AND place = :place
AND created_at > :since
ORDER BY created_at
"""

BY_KEY = """
SELECT *
FROM jobs
WHERE person = :person
AND key = :key
"""

CLAIM = """
UPDATE jobs
SET state = 'running',
    started_at = :now
WHERE state = 'queued'
AND id = (
    SELECT id
    FROM jobs
    WHERE state = 'queued'
    ORDER BY turn, id
    LIMIT 1
)
AND NOT EXISTS (
    SELECT 1
    FROM jobs
    WHERE state = 'running'
    AND slot = 0
)
RETURNING *
"""

HEAD = """
SELECT id, turn, loads, turn < (SELECT clock FROM service WHERE id = 0) AS late
FROM jobs
WHERE state = 'queued'
ORDER BY turn, id
LIMIT 1
"""
"""Whose turn it is; `late` if everybody after it was to be served later, whatever they load."""

FIRST_OF_MODEL = """
SELECT id, turn, cost
FROM jobs
WHERE state = 'queued'
AND last_chance = 0
AND loads = :loads
ORDER BY turn, id
LIMIT 1
"""

OVERTAKEN = """
SELECT COALESCE(SUM(cost), 0) AS cost
FROM early
WHERE (turn, job) > (:turn, :id)
"""
"""What was claimed early of all that comes after a job: nobody behind it was overtaken by more."""

CLAIM_EARLY = """
UPDATE jobs
SET state = 'running',
    started_at = :now
WHERE state = 'queued'
AND id = :id
AND NOT EXISTS (
    SELECT 1
    FROM jobs
    WHERE state = 'running'
    AND slot = 0
)
RETURNING *
"""

WAS_EARLY = """
INSERT INTO early (job, person, turn, cost)
VALUES (:id, :person, :turn, :cost)
"""
"""The clock stays, since the line has not come so far."""

REACHED = """
DELETE FROM early
WHERE turn < :turn
"""

NOT_EARLY = """
DELETE FROM early
WHERE job = :id
"""

SERVED = """
UPDATE service
SET clock = MAX(clock, :turn)
WHERE id = 0
"""
"""The clock of service goes on with every claim; who was idle starts from here, without credit."""

_BEFORE = """
WITH
job AS (
    SELECT id, turn, turn / 100 AS small, turn / 25600 AS large
    FROM jobs
    WHERE id = :id
    AND state = 'queued'
),
before AS (
    SELECT line_sums.model, line_sums.width, line_sums.height, line_sums.guided, line_sums.steps,
        line_sums.jobs, line_sums.pictures
    FROM job
    CROSS JOIN line_sums
    WHERE line_sums.size = 25600
    AND line_sums.block < job.large
    UNION ALL
    SELECT line_sums.model, line_sums.width, line_sums.height, line_sums.guided, line_sums.steps,
        line_sums.jobs, line_sums.pictures
    FROM job
    CROSS JOIN line_sums
    WHERE line_sums.size = 100
    AND line_sums.block >= job.large * 256
    AND line_sums.block < job.small
    UNION ALL
    SELECT other.model, other.width, other.height, other.guided, other.steps,
        1, other.pictures
    FROM job
    CROSS JOIN jobs AS other
    WHERE other.state = 'queued'
    AND other.turn >= job.small * 100
    AND other.turn < job.turn
    UNION ALL
    SELECT other.model, other.width, other.height, other.guided, other.steps,
        1, other.pictures
    FROM job
    CROSS JOIN jobs AS other
    WHERE other.state = 'queued'
    AND other.turn = job.turn
    AND other.id < job.id
)
"""
"""What waits before a queued job: in large blocks, then in small ones, then one by one."""

_POSITION = """
SELECT 1 + (SELECT COALESCE(SUM(jobs), 0) FROM before) AS position
FROM job
"""

POSITION = _BEFORE + _POSITION

_AHEAD = """
SELECT model, width, height, guided, steps, SUM(pictures) AS count
FROM before
GROUP BY model, width, height, guided, steps
"""

AHEAD = _BEFORE + _AHEAD

FINISH = """
UPDATE jobs
SET state = 'done',
    share = 1,
    notes = :notes,
    finished_at = :now
WHERE id = :id
AND state = 'running'
RETURNING *
"""

KEEP_PICTURE = """
INSERT INTO pictures (
    id, job, nth, seed, file, width, height, bytes, sha256, thumbnail, latent, veil, created_at,
    person
)
VALUES (
    :id, :job, :index, :seed, :file, :width, :height, :bytes, :sha256, :thumbnail, :latent, :veil,
    :now, (SELECT person FROM jobs WHERE id = :job)
)
"""

FAIL = """
UPDATE jobs
SET state = 'failed',
    error = :error,
    deaths = deaths + :deaths,
    charge = 0,
    finished_at = :now
WHERE id = :id
AND state = 'running'
RETURNING *
"""

CANCEL_QUEUED = """
UPDATE jobs
SET state = 'cancelled',
    charge = 0,
    finished_at = :now
WHERE id = :id
AND state = 'queued'
RETURNING *
"""

CANCEL_RUNNING = """
UPDATE jobs
SET state = 'cancelled',
    share = :share,
    charge = :charge,
    finished_at = :now
WHERE id = :id
AND state = 'running'
RETURNING *
"""

REQUEUE = """
UPDATE jobs
SET state = 'queued',
    started_at = NULL,
    deaths = deaths + :deaths
WHERE id = :id
AND state = 'running'
RETURNING *
"""

LAST_CHANCE = """
UPDATE jobs
SET last_chance = 1,
    turn = cost + MAX(
        (SELECT clock FROM service WHERE id = 0),
        COALESCE((SELECT MAX(turn) FROM jobs WHERE state = 'queued'), 0)
    )
WHERE id = :id
AND state = 'queued'
RETURNING *
"""
"""Behind everybody who waits now, so that nobody innocent pays if it is poison."""

MOVE_FIRST = """
UPDATE jobs
SET turn = MAX(
    0,
    MIN(
        (SELECT clock FROM service WHERE id = 0),
        (SELECT MIN(turn) FROM jobs WHERE state = 'queued')
    ) - 1
)
WHERE id = :id
AND state = 'queued'
RETURNING *
"""
"""Before everybody who waits now, and before what is being served: nobody overtakes it."""

MOVE_LAST = """
UPDATE jobs
SET turn = 1 + (SELECT MAX(turn) FROM jobs WHERE state = 'queued')
WHERE id = :id
AND state = 'queued'
RETURNING *
"""

RUNNING = """
SELECT *
FROM jobs
WHERE state = 'running'
AND slot = 0
"""

BY_ID = """
SELECT *
FROM jobs
WHERE id = :id
"""

BY_IDS = """
SELECT *
FROM jobs
WHERE id IN (SELECT value FROM json_each(:ids))
"""

BY_PUBLIC = """
SELECT *
FROM jobs
WHERE public = :public
"""

OF_PERSON = """
SELECT *
FROM jobs
WHERE person = :person
AND id < :before
AND ask <> '{}'
ORDER BY id DESC
LIMIT :limit
"""
"""What was forgotten is nobody's history any more."""

LINE = """
SELECT *
FROM jobs
WHERE state = 'queued'
ORDER BY turn, id
LIMIT :limit
"""

LINE_OF_PLACE = """
SELECT *
FROM jobs
WHERE state = 'queued'
AND place = :place
ORDER BY turn, id
LIMIT :limit
"""

LENGTH = """
SELECT COALESCE(SUM(jobs), 0) AS waiting
FROM line_sums
WHERE size = 25600
"""

OLDEST = """
SELECT MIN(created_at) AS oldest
FROM jobs
WHERE state = 'queued'
"""

UNFINISHED = """
SELECT jobs.*
FROM jobs
CROSS JOIN places ON places.id = jobs.place
WHERE jobs.state = 'running'
AND jobs.slot = 0
AND places.platform = :platform
UNION ALL
SELECT *
FROM (
    SELECT jobs.*
    FROM jobs
    CROSS JOIN places ON places.id = jobs.place
    WHERE jobs.state = 'queued'
    AND places.platform = :platform
    ORDER BY jobs.turn, jobs.id
    LIMIT :limit
)
"""

WAITING = """
SELECT COUNT(*) AS waiting
FROM jobs
WHERE state = 'queued'
AND person = :person
"""

UNDELIVERED = """
SELECT jobs.*
FROM jobs
CROSS JOIN places ON places.id = jobs.place
WHERE jobs.finished_at IS NOT NULL
AND jobs.delivered_at IS NULL
AND (:platform IS NULL OR places.platform = :platform)
ORDER BY jobs.finished_at, jobs.id
LIMIT :limit
"""

DELIVERED = """
UPDATE jobs
SET delivered_at = :now
WHERE id = :id
AND finished_at IS NOT NULL
AND delivered_at IS NULL
RETURNING *
"""

SET_MESSAGE = """
UPDATE jobs
SET message = :message
WHERE id = :id
RETURNING *
"""
