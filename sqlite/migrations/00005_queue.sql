-- +goose Up

-- The queue is read in the order in which sessions began to wait. The deadline
-- stands in the index, so that overdue rows are passed by without being read.
CREATE INDEX sessions_queue ON sessions (coalesce(starts_at, created_at), id, expires_at) WHERE status = 'waiting' AND mechanic_id IS NULL;
