-- +goose Up

-- Who may use this schema could attach a function that runs with the owner's
-- rights to a table of their own, and have it run what a cast, an operator or a
-- default of theirs says, as the owner. So nobody but the owner may execute a
-- function here, which is what attaching one takes; firing a trigger that is
-- there takes nothing. Each function also refuses a table that is not its own
-- before it looks at a row, wherever it may be attached already.

-- Called by the functions below, whose rights it has then.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION curfew.tally(noun text, status text, difference bigint) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO curfew.tallies AS t (shard, noun, status, n) VALUES (pg_backend_pid() % 16, $1, $2, $3)
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n
$$;
-- +goose StatementEnd

-- Rows that ended, of sessions or requests (argument 1: the noun). The order of
-- the statuses is the order of locks.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION curfew.tally_ended() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID NOT IN ('curfew.sessions'::regclass, 'curfew.session_requests'::regclass) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.sessions and curfew.session_requests';
    END IF;
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, TG_ARGV[0], moved.status, sum(moved.d)
    FROM (SELECT was.status, -1 AS d FROM was UNION ALL SELECT became.status, 1 FROM became) moved
    WHERE moved.status IN ('cancelled', 'completed', 'expired')
    GROUP BY moved.status HAVING sum(moved.d) <> 0 ORDER BY moved.status
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION curfew.tally_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID NOT IN ('curfew.sessions'::regclass, 'curfew.session_requests'::regclass) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.sessions and curfew.session_requests';
    END IF;
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, TG_ARGV[0], became.status, count(*) FROM became
    WHERE became.status IN ('cancelled', 'completed', 'expired')
    GROUP BY became.status ORDER BY became.status
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    IF TG_ARGV[0] = 'session' THEN
        PERFORM curfew.tally('checkout', 'fulfilled', -count(*)) FROM became WHERE checkout_id IS NULL HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION curfew.tally_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID NOT IN ('curfew.sessions'::regclass, 'curfew.session_requests'::regclass) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.sessions and curfew.session_requests';
    END IF;
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, TG_ARGV[0], was.status, -count(*) FROM was
    WHERE was.status IN ('cancelled', 'completed', 'expired')
    GROUP BY was.status ORDER BY was.status
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    IF TG_ARGV[0] = 'session' THEN
        PERFORM curfew.tally('checkout', 'fulfilled', count(*)) FROM was HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION curfew.tally_checkouts_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> 'curfew.checkouts'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.checkouts';
    END IF;
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, 'checkout', moved.outcome, sum(moved.d)
    FROM (SELECT was.outcome, -1 AS d FROM was UNION ALL SELECT became.outcome, 1 FROM became) moved
    GROUP BY moved.outcome HAVING sum(moved.d) <> 0 ORDER BY moved.outcome
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION curfew.tally_checkouts_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> 'curfew.checkouts'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.checkouts';
    END IF;
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, 'checkout', became.outcome, count(*) FROM became WHERE became.outcome <> 'fulfilled'
    GROUP BY became.outcome ORDER BY became.outcome
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION curfew.tally_checkouts_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> 'curfew.checkouts'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.checkouts';
    END IF;
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, 'checkout', was.outcome, -count(*) FROM was GROUP BY was.outcome ORDER BY was.outcome
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- Functions that another role put here are that role's.
-- +goose StatementBegin
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'curfew'::regnamespace AND pg_catalog.pg_has_role(p.proowner, 'USAGE')
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f);
    END LOOP;
END $$;
-- +goose StatementEnd
