-- +goose Up

-- The ended session that this one revives, because the run that ended it was
-- undone. Each is revived at most once.
ALTER TABLE curfew.sessions ADD COLUMN revives uuid;
CREATE UNIQUE INDEX sessions_revives ON curfew.sessions (customer_id, revives) WHERE revives IS NOT NULL;

-- The run that this one undid.
ALTER TABLE curfew.runs ADD COLUMN undoes uuid;
CREATE INDEX runs_undoes ON curfew.runs (undoes) WHERE undoes IS NOT NULL;
