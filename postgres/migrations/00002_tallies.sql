-- +goose Up

-- How many rows have ended, so that nobody need count them: health stays exact
-- and cheap over millions of them. Decision 2 (docs/decisions/0002-tallies.md).
--
-- A figure is the sum over its shards; each connection has one, so that endings
-- at the same moment do not meet. The triggers that keep it are no guards:
-- they are always there. No admission calls one: the rows it inserts are open,
-- and its one fulfilled checkout goes with its one session. So the tally of
-- ('checkout', 'fulfilled') is how many more fulfilled checkouts there are than
-- sessions; who inserts a session for a checkout that exists already counts
-- that session there.
CREATE TABLE curfew.tallies (
    shard  integer NOT NULL,
    noun   text    NOT NULL CHECK (noun IN ('session', 'request', 'checkout')),
    status text    NOT NULL,
    n      bigint  NOT NULL,
    PRIMARY KEY (shard, noun, status)
) WITH (fillfactor = 20);

SET LOCAL statement_timeout = 0;
LOCK TABLE curfew.sessions, curfew.session_requests, curfew.checkouts IN SHARE ROW EXCLUSIVE MODE;

INSERT INTO curfew.tallies (shard, noun, status, n)
SELECT 0, 'session', status, count(*) FROM curfew.sessions WHERE status IN ('completed', 'cancelled') GROUP BY status
UNION ALL
SELECT 0, 'request', status, count(*) FROM curfew.session_requests WHERE status IN ('cancelled', 'expired', 'completed') GROUP BY status
UNION ALL
SELECT 0, 'checkout', outcome, count(*) FROM curfew.checkouts WHERE outcome <> 'fulfilled' GROUP BY outcome
UNION ALL
SELECT 0, 'checkout', 'fulfilled',
    (SELECT count(*) FROM curfew.checkouts WHERE outcome = 'fulfilled') - (SELECT count(*) FROM curfew.sessions);

-- They run with the rights of the tables' owner: another program may write a
-- session without any right to the tallies.
-- +goose StatementBegin
CREATE FUNCTION curfew.tally(noun text, status text, difference bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO curfew.tallies AS t (shard, noun, status, n) VALUES (pg_backend_pid() % 16, $1, $2, $3)
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION curfew.tally(text, text, bigint) FROM PUBLIC;

-- Rows that ended, of sessions or requests (argument 1: the noun). The order of
-- the statuses is the order of locks.
-- +goose StatementBegin
CREATE FUNCTION curfew.tally_ended() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, TG_ARGV[0], moved.status, sum(moved.d)
    FROM (SELECT was.status, -1 AS d FROM was UNION ALL SELECT became.status, 1 FROM became) moved
    WHERE moved.status IN ('cancelled', 'completed', 'expired')
    GROUP BY moved.status HAVING sum(moved.d) <> 0 ORDER BY moved.status
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- A row whose INSERT must be counted: a session or request that has ended, a
-- session without a checkout, a checkout that is not fulfilled. It only makes
-- its statement's own trigger look, and those that follow in the transaction;
-- counting row by row would take a time that grows with their square.
-- +goose StatementBegin
CREATE FUNCTION curfew.tally_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.set_config('curfew.tally', 'on', true);
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION curfew.tally_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
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
CREATE FUNCTION curfew.tally_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
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
CREATE FUNCTION curfew.tally_checkouts_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, 'checkout', moved.outcome, sum(moved.d)
    FROM (SELECT was.outcome, -1 AS d FROM was UNION ALL SELECT became.outcome, 1 FROM became) moved
    GROUP BY moved.outcome HAVING sum(moved.d) <> 0 ORDER BY moved.outcome
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION curfew.tally_checkouts_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, 'checkout', became.outcome, count(*) FROM became WHERE became.outcome <> 'fulfilled'
    GROUP BY became.outcome ORDER BY became.outcome
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION curfew.tally_checkouts_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO curfew.tallies AS t (shard, noun, status, n)
    SELECT pg_backend_pid() % 16, 'checkout', was.outcome, -count(*) FROM was GROUP BY was.outcome ORDER BY was.outcome
    ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER tally_sessions_updated AFTER UPDATE ON curfew.sessions
    REFERENCING OLD TABLE AS was NEW TABLE AS became FOR EACH STATEMENT EXECUTE FUNCTION curfew.tally_ended('session');
CREATE TRIGGER tally_sessions_marked BEFORE INSERT ON curfew.sessions
    FOR EACH ROW WHEN (NEW.status IN ('completed', 'cancelled') OR NEW.checkout_id IS NULL) EXECUTE FUNCTION curfew.tally_mark();
CREATE TRIGGER tally_sessions_inserted AFTER INSERT ON curfew.sessions REFERENCING NEW TABLE AS became
    FOR EACH STATEMENT WHEN (current_setting('curfew.tally', true) = 'on') EXECUTE FUNCTION curfew.tally_inserted('session');
CREATE TRIGGER tally_sessions_deleted AFTER DELETE ON curfew.sessions
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION curfew.tally_deleted('session');

CREATE TRIGGER tally_requests_updated AFTER UPDATE ON curfew.session_requests
    REFERENCING OLD TABLE AS was NEW TABLE AS became FOR EACH STATEMENT EXECUTE FUNCTION curfew.tally_ended('request');
CREATE TRIGGER tally_requests_marked BEFORE INSERT ON curfew.session_requests
    FOR EACH ROW WHEN (NEW.status IN ('cancelled', 'expired', 'completed')) EXECUTE FUNCTION curfew.tally_mark();
CREATE TRIGGER tally_requests_inserted AFTER INSERT ON curfew.session_requests REFERENCING NEW TABLE AS became
    FOR EACH STATEMENT WHEN (current_setting('curfew.tally', true) = 'on') EXECUTE FUNCTION curfew.tally_inserted('request');
CREATE TRIGGER tally_requests_deleted AFTER DELETE ON curfew.session_requests
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION curfew.tally_deleted('request');

CREATE TRIGGER tally_checkouts_updated AFTER UPDATE ON curfew.checkouts
    REFERENCING OLD TABLE AS was NEW TABLE AS became FOR EACH STATEMENT EXECUTE FUNCTION curfew.tally_checkouts_updated();
CREATE TRIGGER tally_checkouts_marked BEFORE INSERT ON curfew.checkouts
    FOR EACH ROW WHEN (NEW.outcome <> 'fulfilled') EXECUTE FUNCTION curfew.tally_mark();
CREATE TRIGGER tally_checkouts_inserted AFTER INSERT ON curfew.checkouts REFERENCING NEW TABLE AS became
    FOR EACH STATEMENT WHEN (current_setting('curfew.tally', true) = 'on') EXECUTE FUNCTION curfew.tally_checkouts_inserted();
CREATE TRIGGER tally_checkouts_deleted AFTER DELETE ON curfew.checkouts
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION curfew.tally_checkouts_deleted();
