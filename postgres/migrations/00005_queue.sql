-- +goose Up

SET LOCAL statement_timeout = 0;

-- The queue is read in the order in which sessions began to wait; before that
-- come steps of how long a session may wait. Within a step the overdue lie
-- before the others, so a page begins behind them, however many there are that
-- no sweep has ended yet (decision 7, docs/decisions/0007-the-sweeper.md).
CREATE INDEX sessions_queue ON curfew.sessions (
    width_bucket(expires_at - coalesce(starts_at, created_at), '{00:01:00.000001, 00:02:00.000001, 00:03:00.000001, 00:05:00.000001,
        00:10:00.000001, 00:15:00.000001, 00:20:00.000001, 00:30:00.000001, 00:45:00.000001, 01:00:00.000001, 01:30:00.000001,
        02:00:00.000001, 04:00:00.000001, 08:00:00.000001, 24:00:00.000001}'::interval[]),
    coalesce(starts_at, created_at), id
) WHERE status = 'waiting' AND mechanic_id IS NULL;

-- Health counts what has not ended from this index alone.
DROP INDEX curfew.sessions_deadline;
CREATE INDEX sessions_deadline ON curfew.sessions (expires_at, id) INCLUDE (status, mechanic_id, created_at)
    WHERE status IN ('scheduled', 'waiting', 'live');
