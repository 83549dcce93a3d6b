-- +goose Up

-- What is to be given back of a payment: of an appointment that was cancelled
-- late, a share.
ALTER TABLE checkouts ADD COLUMN refund_amount INTEGER NOT NULL DEFAULT 0 CHECK (refund_amount >= 0);
UPDATE checkouts SET refund_amount = amount WHERE outcome IN ('refund_due', 'refunding', 'refunded');
