-- A mechanic who accepted and did not come.
INSERT INTO {absences} (mechanic_id, session_id, number, customer_id, at) VALUES ('max', '0199c0de-0000-7000-8001-000000000006', 2, 'fay', {-390m});
