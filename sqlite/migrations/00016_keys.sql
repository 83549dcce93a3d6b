-- +goose Up

-- The keys with which services call. A secret is kept as its SHA-256, in hex. After a rotation
-- the one before counts until old_until. A scope that is NULL is no limit. What is revoked stays,
-- so that people see it.
CREATE TABLE api_keys (
    id              TEXT    PRIMARY KEY NOT NULL,
    name            TEXT    NOT NULL CHECK (name <> ''), -- of the service, as an actor
    hash            TEXT    NOT NULL CHECK (hash <> ''),
    old_hash        TEXT    NOT NULL DEFAULT '',
    old_until       INTEGER,
    customer_prefix TEXT    CHECK (customer_prefix <> ''), -- with which the ids of its customers begin
    routes          TEXT    CHECK (routes <> ''),          -- names and groups of routes, with spaces between them
    max_amount      INTEGER CHECK (max_amount >= 0),       -- in the smallest unit of a payment's currency
    expires_at      INTEGER,                               -- NULL: never
    created_at      INTEGER NOT NULL,
    created_by      TEXT    NOT NULL,
    rotated_at      INTEGER,
    used_at         INTEGER,                               -- the last use, to the minute
    revoked_at      INTEGER,
    revoked_by      TEXT    NOT NULL DEFAULT '',
    version         INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Tokens of the local key that count no more: one by its id (jti), or all of a subject (role:id)
-- that were issued before.
CREATE TABLE revocations (
    noun  TEXT    NOT NULL CHECK (noun IN ('token', 'subject')),
    name  TEXT    NOT NULL CHECK (name <> ''),
    at    INTEGER NOT NULL,
    actor TEXT    NOT NULL,
    PRIMARY KEY (noun, name)
) STRICT;
CREATE INDEX revocations_at ON revocations (at);

-- Browsers that are, or were, signed in, by the id of their cookie. They are forgotten a while
-- after they signed in.
CREATE TABLE sign_ins (
    id         TEXT    PRIMARY KEY NOT NULL,
    role       TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    browser    TEXT    NOT NULL DEFAULT '', -- what it says of itself
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL, -- the last use, to a quarter of a minute
    ended_at   INTEGER
) STRICT;
CREATE INDEX sign_ins_created ON sign_ins (created_at);
