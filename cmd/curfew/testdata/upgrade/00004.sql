-- What a provider calls the money, what it gave back, and what its customer disputes.
UPDATE {checkouts} SET payment_id = 'pi_' || customer_id WHERE outcome <> 'held';
UPDATE {checkouts} SET refund_id = 're_kim', attempts = 1, first_try_at = {-899m} WHERE customer_id = 'kim';
UPDATE {checkouts} SET disputed_at = {-50m}, note = 'the bank asks' WHERE customer_id = 'eve';
INSERT INTO {payment_repayments} (payment_id, amount, currency, at) VALUES ('pi_kim', 2900, 'eur', {-890m}), ('pi_nobody', 100, 'eur', {-80m});
