-- +goose Up

-- Work that a person started and may leave: a cleanup, an undo, a comparison with the provider's books.
-- Whoever carries it out holds a lease. When that has ended, another may take the job over, as its
-- next attempt.
CREATE TABLE jobs (
    id           TEXT    PRIMARY KEY NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('cleanup', 'undo', 'reconcile')),
    body         TEXT    NOT NULL, -- what was asked for, as JSON
    actor        TEXT    NOT NULL,
    run_id       TEXT,             -- the run that records it; NULL: it has none
    state        TEXT    NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled')),
    phase        TEXT    NOT NULL DEFAULT '',
    done         INTEGER NOT NULL DEFAULT 0,
    total        INTEGER NOT NULL DEFAULT -1, -- below 0: nobody knows yet
    result       TEXT    NOT NULL DEFAULT '', -- the whole answer, as JSON
    error        TEXT    NOT NULL DEFAULT '',
    cancelled_by TEXT    NOT NULL DEFAULT '', -- who asked it to stop
    holder       TEXT    NOT NULL CHECK (holder <> ''),
    attempt      INTEGER NOT NULL CHECK (attempt > 0),
    lease_until  INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    CHECK ((state = 'running') = (finished_at IS NULL))
) STRICT;
CREATE INDEX jobs_created ON jobs (created_at, id);
CREATE INDEX jobs_running ON jobs (lease_until, id) WHERE state = 'running';
