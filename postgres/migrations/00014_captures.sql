-- +goose Up

-- Money that is reserved at payment may be taken later. The capture of a checkout says how
-- far that is; nothing: its money is taken at payment. One at risk has a payment that may be
-- worth less than its price, so no mechanic may accept its session.
ALTER TABLE curfew.checkouts
    ADD COLUMN capture text    NOT NULL DEFAULT '',
    ADD COLUMN at_risk boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT checkouts_capture_check CHECK (capture IN ('', 'authorised', 'due', 'capturing', 'captured', 'failed',
        'releasing', 'released')) NOT VALID;
CREATE INDEX checkouts_captures ON curfew.checkouts (next_at, id) WHERE capture IN ('due', 'capturing', 'releasing');
CREATE INDEX checkouts_credit_age ON curfew.checkouts (updated_at, id) WHERE outcome = 'credited';

-- How the books of a provider and Curfew's differ, until they agree.
CREATE TABLE curfew.payment_differences (
    checkout_id uuid        NOT NULL,
    kind        text        NOT NULL,
    ref         text        NOT NULL,
    detail      text        NOT NULL,
    first_at    timestamptz NOT NULL DEFAULT now(),
    last_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (checkout_id, kind)
);

-- Messages that came in a provider's name and were not accepted, by reason.
CREATE TABLE curfew.refused_messages (
    provider text        NOT NULL,
    reason   text        NOT NULL,
    count    bigint      NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, reason)
);
