-- +goose Up

-- Money that is reserved at payment may be taken later. The capture of a checkout says how
-- far that is; nothing: its money is taken at payment. One at risk has a payment that may be
-- worth less than its price, so no mechanic may accept its session.
ALTER TABLE checkouts ADD COLUMN capture TEXT NOT NULL DEFAULT '' CHECK (capture IN ('', 'authorised', 'due', 'capturing', 'captured',
    'failed', 'releasing', 'released'));
ALTER TABLE checkouts ADD COLUMN at_risk INTEGER NOT NULL DEFAULT 0 CHECK (at_risk IN (0, 1));
CREATE INDEX checkouts_captures ON checkouts (next_at, id) WHERE capture IN ('due', 'capturing', 'releasing');
CREATE INDEX checkouts_credit_age ON checkouts (updated_at, id) WHERE outcome = 'credited';

-- How the books of a provider and Curfew's differ, until they agree.
CREATE TABLE payment_differences (
    checkout_id TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    ref         TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    first_at    INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    last_at     INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    PRIMARY KEY (checkout_id, kind)
) STRICT;

-- Messages that came in a provider's name and were not accepted, by reason.
CREATE TABLE refused_messages (
    provider TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    count    INTEGER NOT NULL,
    first_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    last_at  INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
    PRIMARY KEY (provider, reason)
) STRICT;
