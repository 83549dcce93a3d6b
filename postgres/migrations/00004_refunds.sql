-- +goose Up

-- What the provider calls the money, and how far a refund has come. next_at is
-- when the worker comes back; none: at once.
ALTER TABLE curfew.checkouts
    ADD COLUMN payment_id   text        NOT NULL DEFAULT '',
    ADD COLUMN refund_id    text        NOT NULL DEFAULT '',
    ADD COLUMN attempts     integer     NOT NULL DEFAULT 0,
    ADD COLUMN next_at      timestamptz,
    ADD COLUMN first_try_at timestamptz,
    ADD COLUMN disputed_at  timestamptz,
    ADD COLUMN note         text        NOT NULL DEFAULT '';
CREATE INDEX checkouts_refunds ON curfew.checkouts (next_at NULLS FIRST, id) WHERE outcome IN ('refund_due', 'refunding');
CREATE INDEX checkouts_payment ON curfew.checkouts (payment_id) WHERE payment_id <> '';
CREATE INDEX checkouts_disputed ON curfew.checkouts (disputed_at) WHERE disputed_at IS NOT NULL;
-- Ids are in the order of time: lists walk this index.
CREATE INDEX checkouts_id ON curfew.checkouts (id);

-- What providers say that they gave back of a payment, also where they say it
-- before the payment is known. Unique beyond one customer, so without a
-- foreign key.
CREATE TABLE curfew.payment_repayments (
    payment_id text        PRIMARY KEY,
    amount     bigint      NOT NULL CHECK (amount >= 0),
    currency   text        NOT NULL DEFAULT '',
    at         timestamptz NOT NULL DEFAULT now()
);
