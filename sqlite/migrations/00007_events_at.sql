-- +goose Up

-- Live streams walk the history in the order of time. Since mechanics can be
-- seen to be connected, each process that serves says how many are: in signals
-- named 'streams:' and its own name, until it is silent.
CREATE INDEX events_at ON events (at, id);
ALTER TABLE signals ADD COLUMN n INTEGER NOT NULL DEFAULT 0;
