-- Reason: programs ask with keys of their own, which can be taken back one by one.
--
-- A key is told once, when it is made; what stands here only recognizes it. Its person has the
-- platform "api" and the key's public id, so that budgets, bans and the line know it like anybody.

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY,
    public TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    person INTEGER NOT NULL UNIQUE REFERENCES people (id),
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE UNIQUE INDEX api_keys_in_use ON api_keys (name) WHERE revoked_at IS NULL;
