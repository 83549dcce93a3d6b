-- An erasure that was planned.
INSERT INTO {erasures} (id, customer_id, pseudonym, version, held, actor, planned_at) VALUES ('0199c0de-0000-7000-8011-000000000001', 'fay', '', 3, '{}', 'admin:mara', {-30m});
