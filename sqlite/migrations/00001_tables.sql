-- +goose Up

-- Times are microseconds since 1970, UTC. The defaults are for other programs:
-- their library may be too old for unixepoch('subsec').

-- A customer's claim on one live slot. Every row that has not ended has a
-- deadline. customer_id comes first in every key, so that the tables can be
-- sharded by customer.
CREATE TABLE sessions (
    customer_id        TEXT    NOT NULL CHECK (length(CAST(customer_id AS BLOB)) BETWEEN 1 AND 128),
    id                 TEXT    NOT NULL,
    mechanic_id        TEXT    CHECK (length(CAST(mechanic_id AS BLOB)) BETWEEN 1 AND 128),
    checkout_id        TEXT,
    plan               TEXT    NOT NULL DEFAULT '',
    kind               TEXT    NOT NULL DEFAULT 'chat' CHECK (kind IN ('chat', 'video', 'diagnostic')),
    duration_seconds   INTEGER NOT NULL DEFAULT 1800 CHECK (duration_seconds > 0),
    status             TEXT    NOT NULL CHECK (status IN ('scheduled', 'waiting', 'live', 'completed', 'cancelled')),
    version            INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    created_at         INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    starts_at          INTEGER,
    expires_at         INTEGER,
    accepted_at        INTEGER,
    customer_joined_at INTEGER,
    mechanic_joined_at INTEGER,
    started_at         INTEGER,
    ended_at           INTEGER,
    end_reason         TEXT,
    PRIMARY KEY (customer_id, id),
    CONSTRAINT sessions_deadline CHECK (status IN ('completed', 'cancelled') OR expires_at IS NOT NULL),
    -- An ended row has an end. It is not a constraint, because another program
    -- writes only the status, and a trigger here can add the end only after that.
    CONSTRAINT sessions_ended CHECK (status IN ('completed', 'cancelled') OR ended_at IS NULL),
    CONSTRAINT sessions_scheduled CHECK (status <> 'scheduled' OR starts_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX sessions_one_open ON sessions (customer_id) WHERE status IN ('waiting', 'live');
CREATE INDEX sessions_deadline ON sessions (expires_at, id, status, mechanic_id, created_at) WHERE status IN ('scheduled', 'waiting', 'live');
CREATE INDEX sessions_id ON sessions (id);
CREATE UNIQUE INDEX sessions_one_open_a_checkout ON sessions (customer_id, checkout_id) WHERE status IN ('scheduled', 'waiting', 'live');

CREATE TABLE session_requests (
    customer_id   TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    session_id    TEXT    NOT NULL,
    mechanic_id   TEXT,
    customer_name TEXT    NOT NULL DEFAULT '',
    status        TEXT    NOT NULL CHECK (status IN ('pending', 'accepted', 'cancelled', 'expired', 'completed')),
    created_at    INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    ended_at      INTEGER,
    PRIMARY KEY (customer_id, id),
    FOREIGN KEY (customer_id, session_id) REFERENCES sessions (customer_id, id),
    CONSTRAINT session_requests_mechanic CHECK (status <> 'accepted' OR mechanic_id IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX session_requests_one_open ON session_requests (customer_id, session_id) WHERE status IN ('pending', 'accepted');
CREATE INDEX session_requests_session ON session_requests (customer_id, session_id);
CREATE INDEX session_requests_queue ON session_requests (created_at, id) WHERE status = 'pending';
CREATE INDEX session_requests_id ON session_requests (id);

-- One payment and its one present outcome.
CREATE TABLE checkouts (
    customer_id TEXT    NOT NULL CHECK (length(CAST(customer_id AS BLOB)) BETWEEN 1 AND 128),
    id          TEXT    NOT NULL,
    ref         TEXT    NOT NULL DEFAULT '',
    plan        TEXT    NOT NULL,
    amount      INTEGER NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency    TEXT    NOT NULL DEFAULT '',
    email       TEXT    NOT NULL DEFAULT '',
    name        TEXT    NOT NULL DEFAULT '',
    metadata    TEXT    NOT NULL DEFAULT '{}',
    outcome     TEXT    NOT NULL CHECK (outcome IN ('fulfilled', 'deferred', 'held', 'credited', 'refund_due', 'refunding', 'refunded', 'forfeited')),
    version     INTEGER NOT NULL CHECK (version > 0),
    session_id  TEXT,       -- the first session, for ever
    retry_until INTEGER,
    money_due   INTEGER NOT NULL DEFAULT 0 CHECK (money_due IN (0, 1)),
    created_at  INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    updated_at  INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    PRIMARY KEY (customer_id, id),
    CONSTRAINT checkouts_deferred CHECK (outcome <> 'deferred' OR retry_until IS NOT NULL)
) STRICT;
CREATE INDEX checkouts_unsettled ON checkouts (outcome, created_at, id) WHERE outcome IN ('deferred', 'held', 'refund_due', 'refunding');
CREATE INDEX checkouts_credits ON checkouts (customer_id, plan, created_at, id) WHERE outcome = 'credited';
CREATE INDEX checkouts_retry ON checkouts (retry_until) WHERE outcome = 'deferred';
CREATE INDEX checkouts_money_due ON checkouts (updated_at, id) WHERE money_due;

-- The claim of a payment's reference: unique beyond one customer, so a small
-- table of its own without a foreign key.
CREATE TABLE payment_refs (
    ref         TEXT PRIMARY KEY NOT NULL,
    customer_id TEXT NOT NULL,
    checkout_id TEXT NOT NULL,
    plan        TEXT NOT NULL
) STRICT;

-- The claim of a caller's idempotency key.
CREATE TABLE idempotency_keys (
    customer_id TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    checkout_id TEXT    NOT NULL,
    session_id  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    PRIMARY KEY (customer_id, key)
) STRICT;

-- There is a row exactly while the mechanic is busy.
CREATE TABLE mechanic_slots (
    mechanic_id TEXT    PRIMARY KEY NOT NULL,
    customer_id TEXT    NOT NULL,
    session_id  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER))
) STRICT;
CREATE INDEX mechanic_slots_session ON mechanic_slots (session_id);

-- The history: written in the transaction of the change, never changed after.
CREATE TABLE events (
    customer_id TEXT    NOT NULL,
    subject_id  TEXT    NOT NULL,
    number      INTEGER NOT NULL CHECK (number > 0),
    subject     TEXT    NOT NULL CHECK (subject IN ('session', 'checkout')),
    id          TEXT    NOT NULL,
    from_status TEXT    NOT NULL DEFAULT '',
    to_status   TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    reason      TEXT    NOT NULL DEFAULT '',
    run_id      TEXT,
    at          INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    PRIMARY KEY (customer_id, subject_id, number)
) STRICT;
CREATE INDEX events_run ON events (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE runs (
    id          TEXT    PRIMARY KEY NOT NULL,
    trigger     TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    reason      TEXT    NOT NULL DEFAULT '',
    started_at  INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    finished_at INTEGER,
    outcome     TEXT    NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed')),
    error       TEXT    NOT NULL DEFAULT '',
    stats       TEXT    NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX runs_newest ON runs (started_at DESC, id DESC);

CREATE TABLE previews (
    id         TEXT    PRIMARY KEY NOT NULL,
    created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    body       TEXT    NOT NULL
) STRICT;

CREATE TABLE refusals (
    customer_id TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    session_id  TEXT    NOT NULL,
    at          INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    PRIMARY KEY (customer_id, id)
) STRICT;
CREATE INDEX refusals_at ON refusals (at, customer_id);

-- What processes leave for each other: 'sweep', 'queue', and one-time names.
CREATE TABLE signals (
    name  TEXT    PRIMARY KEY NOT NULL,
    at    INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    lag   INTEGER NOT NULL DEFAULT 0, -- microseconds
    until INTEGER
) STRICT;
