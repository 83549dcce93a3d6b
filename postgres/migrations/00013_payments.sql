-- +goose Up

-- A checkout may be a line of another's payment, or turn out to be the same one:
-- line_of is that payment, the id of its first checkout. An appointment keeps its
-- time and an extension its session until they can be served. The concern is what
-- health has to say of a checkout that stays as it is.
--
-- The constraint is checked for new rows only: the old ones kept to a narrower one.
ALTER TABLE curfew.checkouts
    ADD COLUMN line_of   uuid,
    ADD COLUMN line      integer     NOT NULL DEFAULT 1,
    ADD COLUMN starts_at timestamptz,
    ADD COLUMN extends   text        NOT NULL DEFAULT '',
    ADD COLUMN concern   text        NOT NULL DEFAULT '',
    DROP CONSTRAINT checkouts_outcome_check,
    ADD CONSTRAINT checkouts_outcome_check CHECK (outcome IN ('promised', 'fulfilled', 'deferred', 'held', 'credited', 'refund_due',
        'refunding', 'refunded', 'forfeited', 'void', 'ignored')) NOT VALID;
CREATE INDEX checkouts_lines ON curfew.checkouts (line_of) WHERE line_of IS NOT NULL;
CREATE INDEX checkouts_concerns ON curfew.checkouts (concern, updated_at) WHERE concern <> '';
DROP INDEX curfew.checkouts_unsettled;
CREATE INDEX checkouts_unsettled ON curfew.checkouts (outcome, created_at, id)
    WHERE outcome IN ('promised', 'deferred', 'held', 'refund_due', 'refunding');

-- The names of payments. Each row of one payment has the same checkout_id, that of
-- its first checkout, and the same version: 0 while nobody but the shop has spoken.
-- The customer is the one without a name (\x7f) while there is no checkout. Somebody
-- has to settle the checkouts of a payment whose version is above the judged one.
ALTER TABLE curfew.payment_refs
    ADD COLUMN version       bigint  NOT NULL DEFAULT 0,
    ADD COLUMN judged        bigint  NOT NULL DEFAULT 0,
    ADD COLUMN names_payment boolean NOT NULL DEFAULT false;
CREATE INDEX payment_refs_checkout ON curfew.payment_refs (checkout_id);
CREATE INDEX payment_refs_unjudged ON curfew.payment_refs (checkout_id) WHERE judged < version;

-- What providers said of payments. Nobody's provider is that of an older program,
-- which kept only that something was paid.
CREATE TABLE curfew.payment_facts (
    payment  uuid        NOT NULL,
    provider text        NOT NULL,
    account  text        NOT NULL,
    kind     text        NOT NULL,
    object   text        NOT NULL,
    state    text        NOT NULL,
    amount   bigint      NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency text        NOT NULL DEFAULT '',
    reason   text        NOT NULL DEFAULT '',
    at       timestamptz,
    until    timestamptz,
    told_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (payment, provider, account, kind, object, state)
);

-- Messages of providers that were genuine and could not be used.
CREATE TABLE curfew.provider_messages (
    provider    text        NOT NULL,
    account     text        NOT NULL,
    id          text        NOT NULL,
    type        text        NOT NULL,
    body        text        NOT NULL,
    reason      text        NOT NULL,
    at          timestamptz,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, account, id)
);
