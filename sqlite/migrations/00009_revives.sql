-- +goose Up

-- The ended session that this one revives, because the run that ended it was
-- undone. Each is revived at most once.
ALTER TABLE sessions ADD COLUMN revives TEXT;
CREATE UNIQUE INDEX sessions_revives ON sessions (customer_id, revives) WHERE revives IS NOT NULL;

-- The run that this one undid.
ALTER TABLE runs ADD COLUMN undoes TEXT;
CREATE INDEX runs_undoes ON runs (undoes) WHERE undoes IS NOT NULL;
