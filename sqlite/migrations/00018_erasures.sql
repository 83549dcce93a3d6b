-- +goose Up

-- What was erased of whom: a plan until erased_at. Then the customer is what the customer's id has
-- become. The reason is the operator's, and says why, not who.
CREATE TABLE erasures (
    id          TEXT    PRIMARY KEY NOT NULL,
    customer_id TEXT    NOT NULL,
    pseudonym   TEXT    NOT NULL DEFAULT '', -- empty: the id stays
    version     INTEGER NOT NULL,            -- how many events there were
    held        TEXT    NOT NULL DEFAULT '{}', -- how many rows, by table
    actor       TEXT    NOT NULL,
    reason      TEXT    NOT NULL DEFAULT '',
    planned_at  INTEGER NOT NULL,
    erased_at   INTEGER
) STRICT;
CREATE INDEX erasures_planned ON erasures (planned_at);
CREATE INDEX erasures_customer ON erasures (customer_id);
