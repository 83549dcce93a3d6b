-- +goose Up

-- Not CREATE SCHEMA IF NOT EXISTS: that asks for the right to make schemas even
-- where an administrator has made this one already.
-- +goose StatementBegin
DO $$ BEGIN
    IF to_regnamespace('curfew') IS NULL THEN
        CREATE SCHEMA curfew;
    END IF;
END $$;
-- +goose StatementEnd

-- A customer's claim on one live slot. Every row that has not ended has a
-- deadline. customer_id comes first in every key, so that the tables can be
-- sharded by customer.
CREATE TABLE curfew.sessions (
    customer_id        text        NOT NULL CHECK (octet_length(customer_id) BETWEEN 1 AND 128),
    id                 uuid        NOT NULL,
    mechanic_id        text        CHECK (octet_length(mechanic_id) BETWEEN 1 AND 128),
    checkout_id        uuid,
    plan               text        NOT NULL DEFAULT '',
    kind               text        NOT NULL DEFAULT 'chat' CHECK (kind IN ('chat', 'video', 'diagnostic')),
    duration_seconds   integer     NOT NULL DEFAULT 1800 CHECK (duration_seconds > 0),
    status             text        NOT NULL CHECK (status IN ('scheduled', 'waiting', 'live', 'completed', 'cancelled')),
    version            bigint      NOT NULL DEFAULT 0 CHECK (version >= 0),
    created_at         timestamptz NOT NULL DEFAULT now(),
    starts_at          timestamptz,
    expires_at         timestamptz,
    accepted_at        timestamptz,
    customer_joined_at timestamptz,
    mechanic_joined_at timestamptz,
    started_at         timestamptz,
    ended_at           timestamptz,
    end_reason         text,
    PRIMARY KEY (customer_id, id),
    CONSTRAINT sessions_deadline CHECK (status IN ('completed', 'cancelled') OR (expires_at IS NOT NULL AND isfinite(expires_at))),
    CONSTRAINT sessions_ended CHECK ((status IN ('completed', 'cancelled')) = (ended_at IS NOT NULL)),
    CONSTRAINT sessions_scheduled CHECK (status <> 'scheduled' OR starts_at IS NOT NULL)
);
CREATE UNIQUE INDEX sessions_one_open ON curfew.sessions (customer_id) WHERE status IN ('waiting', 'live');
CREATE INDEX sessions_deadline ON curfew.sessions (expires_at, id) INCLUDE (status, mechanic_id) WHERE status IN ('scheduled', 'waiting', 'live');
CREATE INDEX sessions_id ON curfew.sessions (id);
CREATE UNIQUE INDEX sessions_one_open_a_checkout ON curfew.sessions (customer_id, checkout_id) WHERE status IN ('scheduled', 'waiting', 'live');

CREATE TABLE curfew.session_requests (
    customer_id   text        NOT NULL,
    id            uuid        NOT NULL,
    session_id    uuid        NOT NULL,
    mechanic_id   text,
    customer_name text        NOT NULL DEFAULT '',
    status        text        NOT NULL CHECK (status IN ('pending', 'accepted', 'cancelled', 'expired', 'completed')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz,
    PRIMARY KEY (customer_id, id),
    FOREIGN KEY (customer_id, session_id) REFERENCES curfew.sessions (customer_id, id),
    CONSTRAINT session_requests_mechanic CHECK (status <> 'accepted' OR mechanic_id IS NOT NULL)
);
CREATE UNIQUE INDEX session_requests_one_open ON curfew.session_requests (customer_id, session_id) WHERE status IN ('pending', 'accepted');
CREATE INDEX session_requests_session ON curfew.session_requests (customer_id, session_id);
CREATE INDEX session_requests_queue ON curfew.session_requests (created_at, id) WHERE status = 'pending';
CREATE INDEX session_requests_id ON curfew.session_requests (id);

-- One payment and its one present outcome.
CREATE TABLE curfew.checkouts (
    customer_id text        NOT NULL CHECK (octet_length(customer_id) BETWEEN 1 AND 128),
    id          uuid        NOT NULL,
    ref         text        NOT NULL DEFAULT '',
    plan        text        NOT NULL,
    amount      bigint      NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency    text        NOT NULL DEFAULT '',
    email       text        NOT NULL DEFAULT '',
    name        text        NOT NULL DEFAULT '',
    metadata    jsonb       NOT NULL DEFAULT '{}',
    outcome     text        NOT NULL CHECK (outcome IN ('fulfilled', 'deferred', 'held', 'credited', 'refund_due', 'refunding', 'refunded', 'forfeited')),
    version     bigint      NOT NULL CHECK (version > 0),
    session_id  uuid,       -- the first session, for ever
    retry_until timestamptz,
    money_due   boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, id),
    CONSTRAINT checkouts_deferred CHECK (outcome <> 'deferred' OR retry_until IS NOT NULL)
);
CREATE INDEX checkouts_unsettled ON curfew.checkouts (outcome, created_at, id) WHERE outcome IN ('deferred', 'held', 'refund_due', 'refunding');
CREATE INDEX checkouts_credits ON curfew.checkouts (customer_id, plan, created_at, id) WHERE outcome = 'credited';
CREATE INDEX checkouts_retry ON curfew.checkouts (retry_until) WHERE outcome = 'deferred';
CREATE INDEX checkouts_money_due ON curfew.checkouts (updated_at, id) WHERE money_due;

-- The claim of a payment's reference: unique beyond one customer, so a small
-- table of its own without a foreign key.
CREATE TABLE curfew.payment_refs (
    ref         text PRIMARY KEY,
    customer_id text NOT NULL,
    checkout_id uuid NOT NULL,
    plan        text NOT NULL
);

-- The claim of a caller's idempotency key.
CREATE TABLE curfew.idempotency_keys (
    customer_id text NOT NULL,
    key         text NOT NULL,
    checkout_id uuid NOT NULL,
    session_id  uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, key)
);

-- There is a row exactly while the mechanic is busy.
CREATE TABLE curfew.mechanic_slots (
    mechanic_id text PRIMARY KEY,
    customer_id text NOT NULL,
    session_id  uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mechanic_slots_session ON curfew.mechanic_slots (session_id);

-- The history: written in the transaction of the change, never changed after.
CREATE TABLE curfew.events (
    customer_id text        NOT NULL,
    subject_id  uuid        NOT NULL,
    number      bigint      NOT NULL CHECK (number > 0),
    subject     text        NOT NULL CHECK (subject IN ('session', 'checkout')),
    id          uuid        NOT NULL,
    from_status text        NOT NULL DEFAULT '',
    to_status   text        NOT NULL,
    actor       text        NOT NULL,
    reason      text        NOT NULL DEFAULT '',
    run_id      uuid,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, subject_id, number)
);
CREATE INDEX events_run ON curfew.events (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE curfew.runs (
    id          uuid        PRIMARY KEY,
    trigger     text        NOT NULL,
    actor       text        NOT NULL,
    reason      text        NOT NULL DEFAULT '',
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome     text        NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed')),
    error       text        NOT NULL DEFAULT '',
    stats       jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX runs_newest ON curfew.runs (started_at DESC, id DESC);

CREATE TABLE curfew.previews (
    id         uuid        PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    body       jsonb       NOT NULL
);

CREATE TABLE curfew.refusals (
    customer_id text        NOT NULL,
    id          uuid        NOT NULL,
    session_id  uuid        NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, id)
);
CREATE INDEX refusals_at ON curfew.refusals (at, customer_id);

-- What processes leave for each other: 'sweep', 'queue', and one-time names.
CREATE TABLE curfew.signals (
    name  text        PRIMARY KEY,
    at    timestamptz NOT NULL DEFAULT now(),
    lag   interval    NOT NULL DEFAULT '0',
    until timestamptz
);
