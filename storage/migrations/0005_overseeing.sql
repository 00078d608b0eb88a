-- Reason: operators want to see how fast it went, and what was refused or went wrong.
--
-- Both tables bound themselves. No words people wrote stand in them, and who was forgotten leaves
-- the second one.

-- What came of the jobs that ended in an hour (counted from 1970), per kind of work. Like the sums
-- of the line it follows by itself; unlike the jobs it stays when people are forgotten.
CREATE TABLE hours (
    hour INTEGER NOT NULL,
    model TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    pictures INTEGER NOT NULL DEFAULT 0,
    painted_ms INTEGER NOT NULL DEFAULT 0,
    waited_ms INTEGER NOT NULL DEFAULT 0,
    longest_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, model)
) STRICT, WITHOUT ROWID;

INSERT INTO hours
SELECT
    finished_at / 3600000,
    model,
    SUM(state = 'done'),
    SUM(state = 'failed'),
    SUM(state = 'cancelled'),
    SUM((state = 'done') * pictures),
    SUM((state = 'done') * MAX(0, finished_at - COALESCE(started_at, finished_at))),
    SUM((state = 'done') * MAX(0, COALESCE(started_at, created_at) - created_at)),
    MAX((state = 'done') * MAX(0, COALESCE(started_at, created_at) - created_at))
FROM jobs
WHERE finished_at IS NOT NULL
GROUP BY finished_at / 3600000, model;

CREATE TRIGGER jobs_make_hours AFTER UPDATE OF finished_at ON jobs
WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL
BEGIN
    INSERT INTO hours
    VALUES (
        NEW.finished_at / 3600000,
        NEW.model,
        NEW.state = 'done',
        NEW.state = 'failed',
        NEW.state = 'cancelled',
        (NEW.state = 'done') * NEW.pictures,
        (NEW.state = 'done') * MAX(0, NEW.finished_at - COALESCE(NEW.started_at, NEW.finished_at)),
        (NEW.state = 'done') * MAX(0, COALESCE(NEW.started_at, NEW.created_at) - NEW.created_at),
        (NEW.state = 'done') * MAX(0, COALESCE(NEW.started_at, NEW.created_at) - NEW.created_at)
    )
    ON CONFLICT DO UPDATE
    SET done = done + excluded.done,
        failed = failed + excluded.failed,
        cancelled = cancelled + excluded.cancelled,
        pictures = pictures + excluded.pictures,
        painted_ms = painted_ms + excluded.painted_ms,
        waited_ms = waited_ms + excluded.waited_ms,
        longest_ms = MAX(longest_ms, excluded.longest_ms);
END;

-- Four hundred days are kept.
CREATE TRIGGER hours_pass AFTER INSERT ON hours
BEGIN
    DELETE FROM hours
    WHERE hour < NEW.hour - 9600;
END;

-- What was refused, which jobs failed, and what else went wrong; `times` is how often at once.
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('refused', 'failed', 'trouble')),
    code TEXT NOT NULL,
    platform TEXT NOT NULL,
    person INTEGER REFERENCES people (id),
    job TEXT,
    detail TEXT NOT NULL,
    times INTEGER NOT NULL CHECK (times > 0),
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX incidents_of_kind ON incidents (kind, id);
CREATE INDEX incidents_of_person ON incidents (person) WHERE person IS NOT NULL;

-- Two thousand of each kind are kept, so that many of one do not push the others out.
CREATE TRIGGER incidents_pass AFTER INSERT ON incidents
BEGIN
    DELETE FROM incidents
    WHERE kind = NEW.kind
    AND id <= (
        SELECT id
        FROM incidents
        WHERE kind = NEW.kind
        ORDER BY id DESC
        LIMIT 1 OFFSET 2000
    );
END;

CREATE TRIGGER forgotten_leave_incidents AFTER UPDATE OF done_at ON forgotten
WHEN NEW.done_at IS NOT NULL
BEGIN
    DELETE FROM incidents
    WHERE person = NEW.person;
END;

CREATE INDEX people_banned ON people (banned_until) WHERE banned_until IS NOT NULL;
