-- +goose Up

-- Work that a person started and may leave: a cleanup, an undo, a comparison with the provider's books.
-- Whoever carries it out holds a lease. When that has ended, another may take the job over, as its
-- next attempt.
CREATE TABLE curfew.jobs (
    id           uuid        PRIMARY KEY,
    kind         text        NOT NULL CHECK (kind IN ('cleanup', 'undo', 'reconcile')),
    body         text        NOT NULL, -- what was asked for, as JSON
    actor        text        NOT NULL,
    run_id       uuid,                 -- the run that records it; NULL: it has none
    state        text        NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled')),
    phase        text        NOT NULL DEFAULT '',
    done         bigint      NOT NULL DEFAULT 0,
    total        bigint      NOT NULL DEFAULT -1, -- below 0: nobody knows yet
    result       text        NOT NULL DEFAULT '', -- the whole answer, as JSON
    error        text        NOT NULL DEFAULT '',
    cancelled_by text        NOT NULL DEFAULT '', -- who asked it to stop
    holder       text        NOT NULL CHECK (holder <> ''),
    attempt      bigint      NOT NULL CHECK (attempt > 0),
    lease_until  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    CHECK ((state = 'running') = (finished_at IS NULL))
);
CREATE INDEX jobs_created ON curfew.jobs (created_at, id);
CREATE INDEX jobs_running ON curfew.jobs (lease_until, id) WHERE state = 'running';
