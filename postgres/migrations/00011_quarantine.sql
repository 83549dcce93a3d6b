-- +goose Up

-- What could not be settled while everything around it could: it is set apart
-- and tried again at next_at. Of a customer the id is the nil UUID. A row stays
-- as long as what it names stands as it did, in the version that it had.
CREATE TABLE curfew.quarantine (
    customer_id text        NOT NULL,
    noun        text        NOT NULL CHECK (noun IN ('session', 'payment', 'customer', 'event', 'delivery')),
    id          uuid        NOT NULL,
    version     bigint      NOT NULL DEFAULT 0,
    step        text        NOT NULL,
    first_error text        NOT NULL,
    last_error  text        NOT NULL,
    tries       bigint      NOT NULL DEFAULT 1,
    since       timestamptz NOT NULL DEFAULT now(),
    tried_at    timestamptz NOT NULL DEFAULT now(),
    next_at     timestamptz NOT NULL,
    PRIMARY KEY (customer_id, noun, id)
);

-- Findings of health that an operator has acknowledged, by their code.
CREATE TABLE curfew.acknowledgements (
    code     text        PRIMARY KEY,
    actor    text        NOT NULL,
    reason   text        NOT NULL,
    severity text        NOT NULL,
    count    bigint      NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    until    timestamptz NOT NULL
);
