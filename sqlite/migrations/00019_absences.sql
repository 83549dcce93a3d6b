-- +goose Up

-- The mechanics who accepted a session and did not come: one row for each time. The number is
-- that of the session's event.
CREATE TABLE absences (
    mechanic_id TEXT    NOT NULL,
    session_id  TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    customer_id TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (mechanic_id, session_id, number)
) STRICT;

-- When the marketplace was told that nobody has accepted the session yet.
ALTER TABLE sessions ADD COLUMN nudged_at INTEGER;

-- When the mechanic last had a live stream, since they accepted the session. NULL: not at all.
ALTER TABLE mechanic_slots ADD COLUMN seen_at INTEGER;
