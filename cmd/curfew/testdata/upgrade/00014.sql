-- What differs from the provider's books, and messages that were not proven.
INSERT INTO {payment_differences} (checkout_id, kind, ref, detail, first_at, last_at) VALUES ('0199c0de-0000-7000-8003-000000000005', 'amount', 'cs_eve', 'the provider says 2800', {-60m}, {-30m});
INSERT INTO {refused_messages} (provider, reason, count, first_at, last_at) VALUES ('stripe', 'the signature is wrong', 3, {-60m}, {-30m});
