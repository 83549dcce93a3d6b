-- +goose Up

-- What the provider calls the money, and how far a refund has come. next_at is
-- when the worker comes back; none: at once.
ALTER TABLE checkouts ADD COLUMN payment_id   TEXT    NOT NULL DEFAULT '';
ALTER TABLE checkouts ADD COLUMN refund_id    TEXT    NOT NULL DEFAULT '';
ALTER TABLE checkouts ADD COLUMN attempts     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE checkouts ADD COLUMN next_at      INTEGER;
ALTER TABLE checkouts ADD COLUMN first_try_at INTEGER;
ALTER TABLE checkouts ADD COLUMN disputed_at  INTEGER;
ALTER TABLE checkouts ADD COLUMN note         TEXT    NOT NULL DEFAULT '';
CREATE INDEX checkouts_refunds ON checkouts (next_at, id) WHERE outcome IN ('refund_due', 'refunding');
CREATE INDEX checkouts_payment ON checkouts (payment_id) WHERE payment_id <> '';
CREATE INDEX checkouts_disputed ON checkouts (disputed_at) WHERE disputed_at IS NOT NULL;
-- Ids are in the order of time: lists walk this index.
CREATE INDEX checkouts_id ON checkouts (id);

-- What providers say that they gave back of a payment, also where they say it
-- before the payment is known. Unique beyond one customer, so without a
-- foreign key.
CREATE TABLE payment_repayments (
    payment_id TEXT    PRIMARY KEY NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount >= 0),
    currency   TEXT    NOT NULL DEFAULT '',
    at         INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER))
) STRICT;
