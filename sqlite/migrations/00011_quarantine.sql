-- +goose Up

-- What could not be settled while everything around it could: it is set apart
-- and tried again at next_at. Of a customer the id is the nil UUID. A row stays
-- as long as what it names stands as it did, in the version that it had.
CREATE TABLE quarantine (
    customer_id TEXT    NOT NULL,
    noun        TEXT    NOT NULL CHECK (noun IN ('session', 'payment', 'customer', 'event', 'delivery')),
    id          TEXT    NOT NULL,
    version     INTEGER NOT NULL DEFAULT 0,
    step        TEXT    NOT NULL,
    first_error TEXT    NOT NULL,
    last_error  TEXT    NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 1,
    since       INTEGER NOT NULL,
    tried_at    INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    PRIMARY KEY (customer_id, noun, id)
) STRICT;

-- Findings of health that an operator has acknowledged, by their code.
CREATE TABLE acknowledgements (
    code     TEXT    PRIMARY KEY NOT NULL,
    actor    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    severity TEXT    NOT NULL,
    count    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    until    INTEGER NOT NULL
) STRICT;
