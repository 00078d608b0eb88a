-- Reason: people, places, the line of jobs, their pictures, and how fast this machine paints.
--
-- Credits are whole hundredths, times whole milliseconds since 1970 (UTC): sums and comparisons
-- are exact. Words people wrote stand in people.name, places.name, people.defaults, jobs.ask and
-- jobs.request alone, so that a person can be forgotten while the bare sums of a place remain.

CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    external TEXT NOT NULL,
    name TEXT NOT NULL,
    defaults TEXT,
    banned_until INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (platform, external)
) STRICT;

CREATE TABLE places (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    external TEXT NOT NULL,
    name TEXT NOT NULL,
    budget INTEGER,
    place_budget INTEGER,
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    created_at INTEGER NOT NULL,
    UNIQUE (platform, external)
) STRICT;

-- The queue and the ledger in one: `charge` is what a job weighs in the budgets, at first its cost.
-- The columns from `model` to `pictures` repeat what `request` says, for the estimate of waiting.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public TEXT NOT NULL UNIQUE,
    person INTEGER NOT NULL REFERENCES people (id),
    place INTEGER NOT NULL REFERENCES places (id),
    address TEXT,
    key TEXT,
    ask TEXT NOT NULL,
    request TEXT NOT NULL,
    notes TEXT NOT NULL,
    model TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    guided INTEGER NOT NULL CHECK (guided IN (0, 1)),
    steps INTEGER NOT NULL,
    pictures INTEGER NOT NULL CHECK (pictures > 0),
    cost INTEGER NOT NULL CHECK (cost > 0),
    charge INTEGER NOT NULL CHECK (charge BETWEEN 0 AND cost),
    turn INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    slot INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    last_chance INTEGER NOT NULL DEFAULT 0 CHECK (last_chance IN (0, 1)),
    share REAL NOT NULL DEFAULT 0 CHECK (share BETWEEN 0 AND 1),
    error TEXT,
    message TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    delivered_at INTEGER,
    CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'failed', 'cancelled'))),
    CHECK ((error IS NOT NULL) = (state = 'failed')),
    CHECK (charge = CASE state WHEN 'failed' THEN 0 WHEN 'cancelled' THEN charge ELSE cost END)
) STRICT;

-- `state` stands in the indexes of the queued because SQLite would else look it up in every row.
CREATE UNIQUE INDEX jobs_key ON jobs (person, key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX jobs_running ON jobs (slot) WHERE state = 'running';
CREATE INDEX jobs_line
    ON jobs (state, turn, id, model, width, height, guided, steps, pictures)
    WHERE state = 'queued';
CREATE INDEX jobs_waiting ON jobs (state, person, last_chance, turn) WHERE state = 'queued';
CREATE INDEX jobs_spent_by_person ON jobs (person, created_at, place, charge) WHERE charge > 0;
CREATE INDEX jobs_spent_in_place ON jobs (place, created_at, charge) WHERE charge > 0;
CREATE INDEX jobs_spent_from_address ON jobs (address, created_at, charge)
    WHERE charge > 0 AND address IS NOT NULL;
CREATE INDEX jobs_of_person ON jobs (person, id);
CREATE INDEX jobs_undelivered ON jobs (finished_at, id)
    WHERE finished_at IS NOT NULL AND delivered_at IS NULL;

-- The line summed up per kind of picture in blocks of 100 and of 25,600 turns, so that position and
-- estimate need not look at 100,000 jobs one by one. Like an index it follows by itself, in the
-- transaction of every change; nothing else writes here.
CREATE TABLE line_sums (
    size INTEGER NOT NULL,
    block INTEGER NOT NULL,
    model TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    guided INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    pictures INTEGER NOT NULL,
    PRIMARY KEY (size, block, model, width, height, guided, steps)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER jobs_enter_line AFTER INSERT ON jobs
WHEN NEW.state = 'queued'
BEGIN
    INSERT INTO line_sums
    VALUES (
        100, NEW.turn / 100,
        NEW.model, NEW.width, NEW.height, NEW.guided, NEW.steps, 1, NEW.pictures
    ), (
        25600, NEW.turn / 25600,
        NEW.model, NEW.width, NEW.height, NEW.guided, NEW.steps, 1, NEW.pictures
    )
    ON CONFLICT DO UPDATE
    SET jobs = jobs + excluded.jobs,
        pictures = pictures + excluded.pictures;
END;

CREATE TRIGGER jobs_leave_line AFTER UPDATE OF state, turn ON jobs
WHEN OLD.state = 'queued'
BEGIN
    INSERT INTO line_sums
    VALUES (
        100, OLD.turn / 100,
        OLD.model, OLD.width, OLD.height, OLD.guided, OLD.steps, -1, -OLD.pictures
    ), (
        25600, OLD.turn / 25600,
        OLD.model, OLD.width, OLD.height, OLD.guided, OLD.steps, -1, -OLD.pictures
    )
    ON CONFLICT DO UPDATE
    SET jobs = jobs + excluded.jobs,
        pictures = pictures + excluded.pictures;
    DELETE FROM line_sums
    WHERE size = 100
    AND block = OLD.turn / 100
    AND jobs = 0;
    DELETE FROM line_sums
    WHERE size = 25600
    AND block = OLD.turn / 25600
    AND jobs = 0;
END;

CREATE TRIGGER jobs_return_to_line AFTER UPDATE OF state, turn ON jobs
WHEN NEW.state = 'queued'
BEGIN
    INSERT INTO line_sums
    VALUES (
        100, NEW.turn / 100,
        NEW.model, NEW.width, NEW.height, NEW.guided, NEW.steps, 1, NEW.pictures
    ), (
        25600, NEW.turn / 25600,
        NEW.model, NEW.width, NEW.height, NEW.guided, NEW.steps, 1, NEW.pictures
    )
    ON CONFLICT DO UPDATE
    SET jobs = jobs + excluded.jobs,
        pictures = pictures + excluded.pictures;
END;

CREATE TRIGGER jobs_waiting_are_kept BEFORE DELETE ON jobs
WHEN OLD.state = 'queued'
BEGIN
    SELECT RAISE(ABORT, 'a job that waits is cancelled, not deleted');
END;

-- The charges of a place summed up per hour of creation, for places with very many jobs a day. Like
-- an index, too: the truth is `jobs.charge`.
CREATE TABLE place_sums (
    place INTEGER NOT NULL REFERENCES places (id),
    hour INTEGER NOT NULL,
    charge INTEGER NOT NULL,
    PRIMARY KEY (place, hour)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER jobs_are_charged AFTER INSERT ON jobs
BEGIN
    INSERT INTO place_sums
    VALUES (NEW.place, NEW.created_at / 3600000, NEW.charge)
    ON CONFLICT DO UPDATE
    SET charge = charge + excluded.charge;
END;

CREATE TRIGGER jobs_are_refunded AFTER UPDATE OF charge ON jobs
BEGIN
    UPDATE place_sums
    SET charge = charge + NEW.charge - OLD.charge
    WHERE place = OLD.place
    AND hour = OLD.created_at / 3600000;
END;

CREATE TRIGGER jobs_are_deleted AFTER DELETE ON jobs
BEGIN
    UPDATE place_sums
    SET charge = charge - OLD.charge
    WHERE place = OLD.place
    AND hour = OLD.created_at / 3600000;
END;

-- One row: the turn up to which everybody has been served (the virtual time of fair queueing).
CREATE TABLE service (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    clock INTEGER NOT NULL
) STRICT;

INSERT INTO service (id, clock) VALUES (0, 0);

CREATE TABLE pictures (
    id TEXT PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (id),
    nth INTEGER NOT NULL CHECK (nth >= 0),
    seed INTEGER NOT NULL,
    file TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    UNIQUE (job, nth)
) STRICT, WITHOUT ROWID;

CREATE TABLE speeds (
    model TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    guided INTEGER NOT NULL CHECK (guided IN (0, 1)),
    step_seconds REAL NOT NULL,
    other_seconds REAL NOT NULL,
    PRIMARY KEY (model, width, height, guided)
) STRICT, WITHOUT ROWID;
