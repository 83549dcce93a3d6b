-- A payment of which only its provider has told, and a message that nobody can read.
INSERT INTO {payment_refs} (ref, customer_id, checkout_id, plan, version, judged, names_payment) VALUES ('pi_told', '', '0199c0de-0000-7000-8003-000000000099', '', 1, 1, TRUE);
INSERT INTO {payment_facts} (payment, provider, account, kind, object, state, amount, currency, reason, at, until, told_at)
    VALUES ('0199c0de-0000-7000-8003-000000000099', 'stripe', '', 'attempt', 'ch_told', 'failed', 0, '', 'the card was declined', {-70m}, NULL, {-69m});
INSERT INTO {provider_messages} (provider, account, id, type, body, reason, at, received_at) VALUES ('stripe', '', 'evt_odd', 'charge.odd', '{}', 'nobody knows this type', {-70m}, {-69m});
