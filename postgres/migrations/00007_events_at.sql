-- +goose Up

-- Live streams walk the history in the order of time. Since mechanics can be
-- seen to be connected, each process that serves says how many are: in signals
-- named 'streams:' and its own name, until it is silent.
SET LOCAL statement_timeout = 0;
CREATE INDEX events_at ON curfew.events (at, id);
ALTER TABLE curfew.signals ADD COLUMN n bigint NOT NULL DEFAULT 0;
