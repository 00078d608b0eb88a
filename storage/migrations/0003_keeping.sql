-- Reason: pictures stay as long as there is room; people look through theirs, search, pin, forget.
--
-- Words people wrote now also stand in prompts. `uploads` says who brought which file: the same
-- bytes are one file, however many people brought them.

-- The stored picture that a job starts from ("picture:<id>", "upload:<id>"): while the job is open,
-- that is not swept away.
ALTER TABLE jobs ADD COLUMN needs TEXT;

UPDATE jobs
SET needs = json_extract(request, '$.source')
WHERE state = 'queued';

UPDATE jobs
SET needs = json_extract(request, '$.source')
WHERE state = 'running';

CREATE INDEX jobs_needing ON jobs (needs) WHERE needs IS NOT NULL AND finished_at IS NULL;

-- Whose picture it is stands here once more, for an index of the living ones of each person.
-- `thumbnail` and `latent` are the bytes of the small files beside the picture; 0: there is none.
ALTER TABLE pictures ADD COLUMN person INTEGER REFERENCES people (id);
ALTER TABLE pictures ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
ALTER TABLE pictures ADD COLUMN thumbnail INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pictures ADD COLUMN latent INTEGER NOT NULL DEFAULT 0;

UPDATE pictures
SET person = (SELECT person FROM jobs WHERE jobs.id = pictures.job);

CREATE INDEX pictures_of_person ON pictures (person, job DESC, nth) WHERE deleted_at IS NULL;
CREATE INDEX pictures_pinned ON pictures (person, job DESC, nth)
    WHERE deleted_at IS NULL AND pinned = 1;
CREATE INDEX pictures_unpinned ON pictures (created_at, id)
    WHERE deleted_at IS NULL AND pinned = 0;
CREATE INDEX pictures_with_latents ON pictures (created_at, id)
    WHERE deleted_at IS NULL AND latent > 0;

-- How much room the living pictures take, with what stands beside them. It follows by itself, like
-- the sums of the line.
CREATE TABLE picture_sums (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    pictures INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

INSERT INTO picture_sums (id, pictures, bytes)
SELECT 0, COUNT(*), COALESCE(SUM(bytes), 0)
FROM pictures
WHERE deleted_at IS NULL;

CREATE TRIGGER pictures_take_room AFTER INSERT ON pictures
WHEN NEW.deleted_at IS NULL
BEGIN
    UPDATE picture_sums
    SET pictures = pictures + 1,
        bytes = bytes + NEW.bytes + NEW.thumbnail + NEW.latent;
END;

CREATE TRIGGER pictures_change_room
AFTER UPDATE OF deleted_at, bytes, thumbnail, latent ON pictures
BEGIN
    UPDATE picture_sums
    SET pictures = pictures + (NEW.deleted_at IS NULL) - (OLD.deleted_at IS NULL),
        bytes = bytes
            + (NEW.deleted_at IS NULL) * (NEW.bytes + NEW.thumbnail + NEW.latent)
            - (OLD.deleted_at IS NULL) * (OLD.bytes + OLD.thumbnail + OLD.latent);
END;

CREATE TRIGGER pictures_give_room AFTER DELETE ON pictures
WHEN OLD.deleted_at IS NULL
BEGIN
    UPDATE picture_sums
    SET pictures = pictures - 1,
        bytes = bytes - OLD.bytes - OLD.thumbnail - OLD.latent;
END;

CREATE TABLE uploads (
    id TEXT NOT NULL,
    person INTEGER NOT NULL REFERENCES people (id),
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (id, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_of_person ON uploads (person, id);
CREATE INDEX uploads_by_use ON uploads (used_at, id, bytes);

-- The words of every job's prompt, each with whose it is ("17·fox"), so that nobody's search meets
-- the words of others. They come folded and apart; the tokenizer has but to split them. It is filled
-- in later, many jobs at a time: merging its parts would cost enqueueing 30 ms now and then.
CREATE VIRTUAL TABLE prompts USING fts5 (words, tokenize = 'ascii');

CREATE TRIGGER jobs_leave_prompts AFTER DELETE ON jobs
BEGIN
    DELETE FROM prompts
    WHERE rowid = OLD.id;
END;

-- One row: the last job whose words can be found.
CREATE TABLE searchable (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    upto INTEGER NOT NULL
) STRICT;

INSERT INTO searchable (id, upto) VALUES (0, 0);

CREATE INDEX audit_of_person ON audit (person, id);

-- Who wants to be forgotten, with all jobs up to one of them. What is left of these are bare rows
-- that budgets still need; they go when they do not count any more.
CREATE TABLE forgotten (
    person INTEGER PRIMARY KEY REFERENCES people (id),
    upto INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    done_at INTEGER
) STRICT;
