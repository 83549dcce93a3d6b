-- +goose Up

-- What was erased of whom: a plan until erased_at. Then the customer is what the customer's id has
-- become. The reason is the operator's, and says why, not who.
CREATE TABLE curfew.erasures (
    id          uuid        PRIMARY KEY,
    customer_id text        NOT NULL,
    pseudonym   text        NOT NULL DEFAULT '', -- empty: the id stays
    version     bigint      NOT NULL,            -- how many events there were
    held        jsonb       NOT NULL DEFAULT '{}', -- how many rows, by table
    actor       text        NOT NULL,
    reason      text        NOT NULL DEFAULT '',
    planned_at  timestamptz NOT NULL DEFAULT now(),
    erased_at   timestamptz
);
CREATE INDEX erasures_planned ON curfew.erasures (planned_at);
CREATE INDEX erasures_customer ON curfew.erasures (customer_id);
