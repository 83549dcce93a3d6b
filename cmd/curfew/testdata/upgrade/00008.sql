-- A dispute that was told before its payment.
INSERT INTO {payment_repayments} (payment_id, amount, currency, at, disputed_at) VALUES ('pi_early', 0, '', {-20m}, {-20m});
