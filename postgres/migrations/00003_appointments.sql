-- +goose Up

-- What is to be given back of a payment: of an appointment that was cancelled
-- late, a share.
SET LOCAL statement_timeout = 0;
ALTER TABLE curfew.checkouts ADD COLUMN refund_amount bigint NOT NULL DEFAULT 0 CHECK (refund_amount >= 0);
UPDATE curfew.checkouts SET refund_amount = amount WHERE outcome IN ('refund_due', 'refunding', 'refunded');
