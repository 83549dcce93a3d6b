-- +goose Up

-- The keys with which services call. A secret is kept as its SHA-256, in hex. After a rotation
-- the one before counts until old_until. A scope that is NULL is no limit. What is revoked stays,
-- so that people see it.
CREATE TABLE curfew.api_keys (
    id              uuid        PRIMARY KEY,
    name            text        NOT NULL CHECK (name <> ''), -- of the service, as an actor
    hash            text        NOT NULL CHECK (hash <> ''),
    old_hash        text        NOT NULL DEFAULT '',
    old_until       timestamptz,
    customer_prefix text        CHECK (customer_prefix <> ''), -- with which the ids of its customers begin
    routes          text        CHECK (routes <> ''),          -- names and groups of routes, with spaces between them
    max_amount      bigint      CHECK (max_amount >= 0),       -- in the smallest unit of a payment's currency
    expires_at      timestamptz,                               -- NULL: never
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text        NOT NULL,
    rotated_at      timestamptz,
    used_at         timestamptz,                               -- the last use, to the minute
    revoked_at      timestamptz,
    revoked_by      text        NOT NULL DEFAULT '',
    version         bigint      NOT NULL DEFAULT 1
);

-- Tokens of the local key that count no more: one by its id (jti), or all of a subject (role:id)
-- that were issued before.
CREATE TABLE curfew.revocations (
    noun  text        NOT NULL CHECK (noun IN ('token', 'subject')),
    name  text        NOT NULL CHECK (name <> ''),
    at    timestamptz NOT NULL DEFAULT now(),
    actor text        NOT NULL,
    PRIMARY KEY (noun, name)
);
CREATE INDEX revocations_at ON curfew.revocations (at);

-- Browsers that are, or were, signed in, by the id of their cookie. They are forgotten a while
-- after they signed in.
CREATE TABLE curfew.sign_ins (
    id         text        PRIMARY KEY,
    role       text        NOT NULL,
    subject    text        NOT NULL,
    browser    text        NOT NULL DEFAULT '', -- what it says of itself
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(), -- the last use, to a quarter of a minute
    ended_at   timestamptz
);
CREATE INDEX sign_ins_created ON curfew.sign_ins (created_at);
