-- What a second person was asked for. The audit log is a chain that only the program makes.
INSERT INTO {approvals} (id, action, customer_id, target, body, summary, state, asked_by, asked_at, expires_at)
    VALUES ('0199c0de-0000-7000-8010-000000000001', 'refundCheckout', 'eve', '0199c0de-0000-7000-8003-000000000005', '{}', 'refund 29.00 EUR', 'pending', 'admin:mara', {-20m}, {600m});
