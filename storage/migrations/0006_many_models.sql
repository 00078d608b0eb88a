-- Reason: several models are on offer, so that jobs of one are painted together; pictures can be
-- judged, and sources be masked.

-- The model whose networks a job needs in memory; NULL where it needs none.
ALTER TABLE jobs ADD COLUMN loads TEXT;

UPDATE jobs
SET loads = json_extract(request, '$.model')
WHERE state = 'queued'
AND json_extract(request, '$.upscale.of') IS NULL;

CREATE INDEX jobs_line_of_model ON jobs (state, last_chance, loads, turn, id, cost)
    WHERE state = 'queued' AND last_chance = 0;

-- The index of the line says which model each job loads, for choosing without its row.
DROP INDEX jobs_line;
CREATE INDEX jobs_line
    ON jobs (state, turn, id, model, width, height, guided, steps, pictures, loads)
    WHERE state = 'queued';

-- Jobs that were claimed before those of lower turns, since their model was in memory. A row goes
-- when the line has reached its turn. What stands here bounds how much anybody is overtaken.
CREATE TABLE early (
    job INTEGER PRIMARY KEY,
    person INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    cost INTEGER NOT NULL
) STRICT;

CREATE INDEX early_by_turn ON early (turn, job, cost);
CREATE INDEX early_of_person ON early (person, turn);

-- How long a model takes from the disk to being ready.
CREATE TABLE load_times (
    model TEXT PRIMARY KEY,
    seconds REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- The mask of a job ("upload:<id>") stays, like what it needs, while the job is open.
ALTER TABLE jobs ADD COLUMN mask TEXT;
CREATE INDEX jobs_masked ON jobs (mask) WHERE mask IS NOT NULL AND finished_at IS NULL;

-- How a picture is shown: 0 as it is, 1 behind a veil, 2 to nobody.
ALTER TABLE pictures ADD COLUMN veil INTEGER NOT NULL DEFAULT 0 CHECK (veil IN (0, 1, 2));
