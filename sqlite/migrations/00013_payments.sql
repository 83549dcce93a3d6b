-- +goose Up

-- A checkout may be a line of another's payment, or turn out to be the same one:
-- line_of is that payment, the id of its first checkout. An appointment keeps its
-- time and an extension its session until they can be served. The concern is what
-- health has to say of a checkout that stays as it is.
--
-- A CHECK cannot be altered, so the table is made anew. Its guards are put back when
-- the migration is over; those of other tables name it, and stay as they are.
PRAGMA legacy_alter_table = ON;

CREATE TABLE checkouts_new (
    customer_id   TEXT    NOT NULL CHECK (length(CAST(customer_id AS BLOB)) BETWEEN 1 AND 128),
    id            TEXT    NOT NULL,
    ref           TEXT    NOT NULL DEFAULT '',
    plan          TEXT    NOT NULL,
    amount        INTEGER NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency      TEXT    NOT NULL DEFAULT '',
    email         TEXT    NOT NULL DEFAULT '',
    name          TEXT    NOT NULL DEFAULT '',
    metadata      TEXT    NOT NULL DEFAULT '{}',
    outcome       TEXT    NOT NULL CHECK (outcome IN ('promised', 'fulfilled', 'deferred', 'held', 'credited', 'refund_due', 'refunding',
        'refunded', 'forfeited', 'void', 'ignored')),
    version       INTEGER NOT NULL CHECK (version > 0),
    session_id    TEXT,       -- the first session, for ever
    retry_until   INTEGER,
    money_due     INTEGER NOT NULL DEFAULT 0 CHECK (money_due IN (0, 1)),
    created_at    INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    updated_at    INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    refund_amount INTEGER NOT NULL DEFAULT 0 CHECK (refund_amount >= 0),
    payment_id    TEXT    NOT NULL DEFAULT '',
    refund_id     TEXT    NOT NULL DEFAULT '',
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_at       INTEGER,
    first_try_at  INTEGER,
    disputed_at   INTEGER,
    note          TEXT    NOT NULL DEFAULT '',
    line_of       TEXT,
    line          INTEGER NOT NULL DEFAULT 1,
    starts_at     INTEGER,
    extends       TEXT    NOT NULL DEFAULT '',
    concern       TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (customer_id, id),
    CONSTRAINT checkouts_deferred CHECK (outcome <> 'deferred' OR retry_until IS NOT NULL)
) STRICT;
INSERT INTO checkouts_new (customer_id, id, ref, plan, amount, currency, email, name, metadata, outcome, version, session_id, retry_until,
    money_due, created_at, updated_at, refund_amount, payment_id, refund_id, attempts, next_at, first_try_at, disputed_at, note)
SELECT customer_id, id, ref, plan, amount, currency, email, name, metadata, outcome, version, session_id, retry_until,
    money_due, created_at, updated_at, refund_amount, payment_id, refund_id, attempts, next_at, first_try_at, disputed_at, note
FROM checkouts;
DROP TABLE checkouts;
ALTER TABLE checkouts_new RENAME TO checkouts;
PRAGMA legacy_alter_table = OFF;

CREATE INDEX checkouts_unsettled ON checkouts (outcome, created_at, id)
    WHERE outcome IN ('promised', 'deferred', 'held', 'refund_due', 'refunding');
CREATE INDEX checkouts_credits ON checkouts (customer_id, plan, created_at, id) WHERE outcome = 'credited';
CREATE INDEX checkouts_retry ON checkouts (retry_until) WHERE outcome = 'deferred';
CREATE INDEX checkouts_money_due ON checkouts (updated_at, id) WHERE money_due;
CREATE INDEX checkouts_refunds ON checkouts (next_at, id) WHERE outcome IN ('refund_due', 'refunding');
CREATE INDEX checkouts_payment ON checkouts (payment_id) WHERE payment_id <> '';
CREATE INDEX checkouts_disputed ON checkouts (disputed_at) WHERE disputed_at IS NOT NULL;
CREATE INDEX checkouts_id ON checkouts (id);
CREATE INDEX checkouts_email ON checkouts (lower(email), id) WHERE email <> '';
CREATE INDEX checkouts_credit_totals ON checkouts (currency, amount) WHERE outcome = 'credited';
CREATE INDEX checkouts_lines ON checkouts (line_of) WHERE line_of IS NOT NULL;
CREATE INDEX checkouts_concerns ON checkouts (concern, updated_at) WHERE concern <> '';

-- A checkout becomes fulfilled with an admission, whose session makes up for it.
-- +goose StatementBegin
CREATE TRIGGER tally_checkouts_updated AFTER UPDATE OF outcome ON checkouts WHEN NEW.outcome <> OLD.outcome
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'checkout' AND status = OLD.outcome;
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'checkout' AND status = NEW.outcome AND NEW.outcome <> 'fulfilled';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_checkouts_inserted AFTER INSERT ON checkouts WHEN NEW.outcome <> 'fulfilled'
BEGIN
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'checkout' AND status = NEW.outcome;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_checkouts_deleted AFTER DELETE ON checkouts
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'checkout' AND status = OLD.outcome;
END;
-- +goose StatementEnd

INSERT INTO tallies (shard, noun, status, n) VALUES (0, 'checkout', 'promised', 0), (0, 'checkout', 'void', 0), (0, 'checkout', 'ignored', 0)
ON CONFLICT DO NOTHING;

-- The names of payments. Each row of one payment has the same checkout_id, that of
-- its first checkout, and the same version: 0 while nobody but the shop has spoken.
-- The customer is the one without a name (char(127)) while there is no checkout.
ALTER TABLE payment_refs ADD COLUMN version       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment_refs ADD COLUMN judged        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment_refs ADD COLUMN names_payment INTEGER NOT NULL DEFAULT 0 CHECK (names_payment IN (0, 1));
CREATE INDEX payment_refs_checkout ON payment_refs (checkout_id);
CREATE INDEX payment_refs_unjudged ON payment_refs (checkout_id) WHERE judged < version;

-- What providers said of payments. Nobody's provider is that of an older program,
-- which kept only that something was paid.
CREATE TABLE payment_facts (
    payment  TEXT    NOT NULL,
    provider TEXT    NOT NULL,
    account  TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    object   TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    amount   INTEGER NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency TEXT    NOT NULL DEFAULT '',
    reason   TEXT    NOT NULL DEFAULT '',
    at       INTEGER,
    until    INTEGER,
    told_at  INTEGER NOT NULL,
    PRIMARY KEY (payment, provider, account, kind, object, state)
) STRICT;

-- Messages of providers that were genuine and could not be used.
CREATE TABLE provider_messages (
    provider    TEXT    NOT NULL,
    account     TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    at          INTEGER,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (provider, account, id)
) STRICT;
