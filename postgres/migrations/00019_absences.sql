-- +goose Up

-- The mechanics who accepted a session and did not come: one row for each time. The number is
-- that of the session's event.
CREATE TABLE curfew.absences (
    mechanic_id text        NOT NULL,
    session_id  uuid        NOT NULL,
    number      bigint      NOT NULL,
    customer_id text        NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mechanic_id, session_id, number)
);

-- When the marketplace was told that nobody has accepted the session yet.
ALTER TABLE curfew.sessions ADD COLUMN nudged_at timestamptz;

-- When the mechanic last had a live stream, since they accepted the session. NULL: not at all.
ALTER TABLE curfew.mechanic_slots ADD COLUMN seen_at timestamptz;
