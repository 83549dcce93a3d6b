-- A row that could not be settled and is by now, and a finding that somebody knows of.
INSERT INTO {quarantine} (customer_id, noun, id, version, step, first_error, last_error, tries, since, tried_at, next_at)
    VALUES ('fay', 'session', '0199c0de-0000-7000-8001-000000000006', 1, 'end', 'it was refused', 'it was refused', 2, {-390m}, {-388m}, {-384m});
INSERT INTO {acknowledgements} (code, actor, reason, severity, count, at, until) VALUES ('queue_unwatched', 'admin:mara', 'they are at lunch', 'warning', 1, {-5m}, {600m});
