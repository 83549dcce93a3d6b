-- +goose Up

-- Support looks payments up by e-mail. Letters of ASCII count alike whatever
-- their case.
CREATE INDEX checkouts_email ON checkouts (lower(email), id) WHERE email <> '';

-- What credits amount to is summed from this index alone.
CREATE INDEX checkouts_credit_totals ON checkouts (currency, amount) WHERE outcome = 'credited';

-- A bank's dispute may be told before its payment is known.
ALTER TABLE payment_repayments ADD COLUMN disputed_at INTEGER;
