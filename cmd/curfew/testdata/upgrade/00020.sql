-- A job that has ended.
INSERT INTO {jobs} (id, kind, body, actor, state, phase, done, total, result, holder, attempt, lease_until, created_at, finished_at)
    VALUES ('0199c0de-0000-7000-8012-000000000001', 'cleanup', '{}', 'admin:mara', 'succeeded', '', 1, 1, '{}', 'one', 1, {-29m}, {-30m}, {-29m});
