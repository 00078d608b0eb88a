-- Reason: servers have rules of their own, people have a standing in each, jobs can be private.
--
-- A gift counts for the rolling window after it was made, like the charge of a job. What somebody
-- used before `reset_at` does not count any more. Words people wrote now also stand in jobs.filled,
-- places.rules and audit.

ALTER TABLE jobs ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
ALTER TABLE jobs ADD COLUMN parent TEXT;
-- `ask` with the style and the negative that applied, where defaults filled them.
ALTER TABLE jobs ADD COLUMN filled TEXT;

ALTER TABLE places ADD COLUMN rules TEXT;

ALTER TABLE people ADD COLUMN budget INTEGER;
ALTER TABLE people ADD COLUMN reset_at INTEGER;

CREATE TABLE members (
    person INTEGER NOT NULL REFERENCES people (id),
    place INTEGER NOT NULL REFERENCES places (id),
    banned_until INTEGER,
    budget INTEGER,
    reset_at INTEGER,
    PRIMARY KEY (person, place)
) STRICT, WITHOUT ROWID;

-- Without a place it counts everywhere.
CREATE TABLE gifts (
    id INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES people (id),
    place INTEGER REFERENCES places (id),
    credits INTEGER NOT NULL CHECK (credits > 0),
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX gifts_to_person ON gifts (person, place, created_at, credits);

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who did what where; without a place it was done to all of them.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    place INTEGER REFERENCES places (id),
    person INTEGER NOT NULL REFERENCES people (id),
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_of_place ON audit (place, id);

-- The place joins the index, so that those who wait are counted per place without their rows.
DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (state, person, last_chance, turn, place)
    WHERE state = 'queued';
CREATE INDEX jobs_line_of_place ON jobs (state, place, turn, id) WHERE state = 'queued';
