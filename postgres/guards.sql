-- The guards: triggers that keep the structure whoever writes. They know which
-- steps are legal, and that a session carries its request, slot, events and
-- money with it; they know no policy, so what is owed they only mark.
--
-- Curfew's own writes raise the version by one and bring their event. A row
-- inserted with version 0, or whose status changes while its version does not,
-- was written by another program: the guard does the rest.
--
-- Triggers that write run with the rights of the tables' owner, so that another
-- program needs none but to the table it writes. Firing a trigger takes no right
-- to its function; attaching a function takes one, and nobody but the owner has
-- it. Those with the owner's rights also refuse any table but their own, before
-- they touch a value: its type, and so what a cast or an operator does, would be
-- the choice of whoever made that table.

CREATE TABLE IF NOT EXISTS curfew.session_transitions (
    from_status text NOT NULL,
    to_status   text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
DELETE FROM curfew.session_transitions;
INSERT INTO curfew.session_transitions (from_status, to_status) VALUES
    ('', 'scheduled'), ('', 'waiting'),
    ('scheduled', 'scheduled'), ('scheduled', 'waiting'), ('scheduled', 'cancelled'),
    ('waiting', 'waiting'), ('waiting', 'live'), ('waiting', 'cancelled'),
    ('live', 'live'), ('live', 'completed'), ('live', 'cancelled');

-- The legal steps of a payment's outcome.
CREATE TABLE IF NOT EXISTS curfew.outcome_steps (
    from_outcome text NOT NULL,
    to_outcome   text NOT NULL,
    PRIMARY KEY (from_outcome, to_outcome)
);
DELETE FROM curfew.outcome_steps;
INSERT INTO curfew.outcome_steps (from_outcome, to_outcome) VALUES
    ('', 'promised'), ('', 'fulfilled'), ('', 'deferred'), ('', 'held'), ('', 'credited'), ('', 'refund_due'), ('', 'refunded'), ('', 'void'), ('', 'ignored'),
    ('promised', 'fulfilled'), ('promised', 'deferred'), ('promised', 'held'), ('promised', 'credited'), ('promised', 'refund_due'), ('promised', 'refunded'), ('promised', 'void'),
    ('fulfilled', 'credited'), ('fulfilled', 'refund_due'), ('fulfilled', 'forfeited'), ('fulfilled', 'refunded'), ('fulfilled', 'held'), ('fulfilled', 'void'),
    ('deferred', 'fulfilled'), ('deferred', 'refund_due'), ('deferred', 'refunded'), ('deferred', 'held'), ('deferred', 'void'),
    ('held', 'fulfilled'), ('held', 'deferred'), ('held', 'refund_due'), ('held', 'refunded'), ('held', 'void'), ('held', 'ignored'),
    ('credited', 'fulfilled'), ('credited', 'refund_due'), ('credited', 'refunded'), ('credited', 'held'), ('credited', 'void'),
    ('refund_due', 'refunding'), ('refund_due', 'fulfilled'), ('refund_due', 'refund_due'), ('refund_due', 'refunded'), ('refund_due', 'void'),
    ('refunding', 'refunded'), ('refunding', 'refunding'), ('refunding', 'refund_due'),
    ('refunded', 'refund_due'),
    ('forfeited', 'credited'), ('forfeited', 'refund_due'), ('forfeited', 'refunded'), ('forfeited', 'void'),
    ('void', 'credited'), ('void', 'refund_due'), ('void', 'held'), ('void', 'refunded'),
    ('ignored', 'held'), ('ignored', 'deferred');

-- Refuses an illegal step, and says what would be legal.
CREATE OR REPLACE FUNCTION curfew.guard_legal(was text, becomes text, id uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM curfew.session_transitions t WHERE t.from_status = was AND t.to_status = becomes) THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
        'session %s cannot go from %s to %s: %s', id, coalesce(nullif(was, ''), 'nothing'), becomes, coalesce(
            'legal is ' || (SELECT string_agg(t.to_status, ', ' ORDER BY t.to_status)
                FROM curfew.session_transitions t WHERE t.from_status = was),
            'it has ended for ever'));
END $$;

-- What follows a session that became so, except its event.
CREATE OR REPLACE FUNCTION curfew.guard_follow(s curfew.sessions, request_status text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE curfew.session_requests r SET status = request_status, ended_at = now()
    WHERE r.customer_id = s.customer_id AND r.session_id = s.id AND r.status || '' IN ('pending', 'accepted');
    DELETE FROM curfew.mechanic_slots m WHERE m.session_id = s.id AND m.customer_id = s.customer_id;
    IF s.status = 'cancelled' THEN
        UPDATE curfew.checkouts c SET money_due = true, updated_at = now()
        WHERE c.customer_id = s.customer_id AND (c.id = s.checkout_id OR c.session_id = s.id) AND c.outcome = 'fulfilled';
    END IF;
END $$;

-- The event that made a session what it is.
CREATE OR REPLACE FUNCTION curfew.guard_event(s curfew.sessions, was text, who text, why text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason)
    VALUES (s.customer_id, s.id, s.version, 'session', gen_random_uuid(), was, s.status, who, why)
$$;

-- Before another program's INSERT: an overdue session of the same customer does
-- not stand in its way.
CREATE OR REPLACE FUNCTION curfew.guard_settle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s curfew.sessions;
    was text;
    offered boolean;
BEGIN
    IF TG_RELID <> 'curfew.sessions'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.sessions';
    END IF;
    PERFORM curfew.guard_legal('', NEW.status, NEW.id);
    FOR s IN SELECT * FROM curfew.sessions o
        WHERE o.customer_id = NEW.customer_id AND o.status IN ('waiting', 'live') AND o.expires_at < now() AND o.adopted_from = '' FOR UPDATE
    LOOP
        offered := EXISTS (SELECT FROM curfew.session_requests r
            WHERE r.customer_id = s.customer_id AND r.session_id = s.id AND r.status || '' IN ('pending', 'accepted'));
        was := s.status;
        s.version := s.version + 1;
        s.ended_at := now();
        s.expires_at := NULL;
        s.status := 'cancelled';
        IF was = 'live' THEN
            s.status := 'completed';
            s.end_reason := 'overran';
            s.ended_at := LEAST(now(), s.started_at + make_interval(secs => s.duration_seconds));
        ELSIF s.mechanic_id IS NOT NULL AND s.mechanic_joined_at IS NOT NULL THEN
            s.end_reason := 'no_show';
        ELSIF s.mechanic_id IS NOT NULL THEN
            s.end_reason := 'unattended';
        ELSIF offered THEN
            s.end_reason := 'expired';
        ELSE
            s.end_reason := 'orphaned';
        END IF;
        UPDATE curfew.sessions o
        SET status = s.status, version = s.version, ended_at = s.ended_at, expires_at = NULL, end_reason = s.end_reason
        WHERE o.customer_id = s.customer_id AND o.id = s.id;
        PERFORM curfew.guard_follow(s, CASE s.end_reason
            WHEN 'overran' THEN 'completed' WHEN 'no_show' THEN 'cancelled' WHEN 'unattended' THEN 'cancelled' ELSE 'expired' END);
        PERFORM curfew.guard_event(s, was, 'system:guard', s.end_reason);
    END LOOP;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER guard_sessions_settle BEFORE INSERT ON curfew.sessions
    FOR EACH ROW WHEN (NEW.version = 0) EXECUTE FUNCTION curfew.guard_settle();

-- After another program's INSERT: its first version and event.
CREATE OR REPLACE FUNCTION curfew.guard_created() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> 'curfew.sessions'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.sessions';
    END IF;
    UPDATE curfew.sessions s SET version = 1 WHERE s.customer_id = NEW.customer_id AND s.id = NEW.id;
    NEW.version := 1;
    PERFORM curfew.guard_event(NEW, '', 'system:foreign', 'another program');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER guard_sessions_created AFTER INSERT ON curfew.sessions
    FOR EACH ROW WHEN (NEW.version = 0) EXECUTE FUNCTION curfew.guard_created();

-- Our own step is legal. This is called for each row of a sweep, so it is
-- short, has only the rights of who writes, and sets no search_path, which would
-- cost more than the look: it names its operators' schema instead.
GRANT SELECT ON curfew.session_transitions TO PUBLIC;
CREATE OR REPLACE FUNCTION curfew.guard_moved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    legal pg_catalog.text;
BEGIN
    IF NOT EXISTS (SELECT FROM curfew.session_transitions t
        WHERE t.from_status OPERATOR(pg_catalog.=) OLD.status AND t.to_status OPERATOR(pg_catalog.=) NEW.status)
    THEN
        SELECT pg_catalog.string_agg(t.to_status, ', ' ORDER BY t.to_status) INTO legal
        FROM curfew.session_transitions t WHERE t.from_status OPERATOR(pg_catalog.=) OLD.status;
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = pg_catalog.format(
            'session %s cannot go from %s to %s: %s', OLD.id, OLD.status, NEW.status,
            CASE WHEN legal IS NULL THEN 'it has ended for ever' ELSE pg_catalog.concat('legal is ', legal) END);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER guard_sessions_moved BEFORE UPDATE ON curfew.sessions
    FOR EACH ROW WHEN (NEW.version = OLD.version + 1) EXECUTE FUNCTION curfew.guard_moved();

-- Another program's step is legal, and brings with it what ours bring.
CREATE OR REPLACE FUNCTION curfew.guard_foreign() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> 'curfew.sessions'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.sessions';
    END IF;
    IF NEW.version <> OLD.version THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            'session %s has version %s, which cannot become %s: leave it to the guards', OLD.id, OLD.version, NEW.version);
    END IF;
    PERFORM curfew.guard_legal(OLD.status, NEW.status, OLD.id);
    NEW.version := OLD.version + 1;
    IF NEW.status = 'live' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
    ELSIF NEW.status IN ('completed', 'cancelled') THEN
        NEW.ended_at := coalesce(NEW.ended_at, now());
        NEW.end_reason := coalesce(NEW.end_reason, 'foreign');
        NEW.expires_at := NULL;
        -- The session's tally is counted after this, its request's within: locked
        -- in our order, they meet our own endings without a deadlock.
        PERFORM curfew.tally('session', NEW.status, 0::bigint);
        PERFORM curfew.guard_follow(NEW, NEW.status);
    END IF;
    PERFORM curfew.guard_event(NEW, OLD.status, 'system:foreign', 'another program');
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER guard_sessions_foreign BEFORE UPDATE ON curfew.sessions
    FOR EACH ROW WHEN (NEW.version <> OLD.version + 1 AND (NEW.version <> OLD.version OR NEW.status <> OLD.status))
    EXECUTE FUNCTION curfew.guard_foreign();

-- A session that mirrors a row of the marketplace's own changes with that row, by
-- curfew.adopt alone, which sets curfew.adopting.
CREATE OR REPLACE FUNCTION curfew.guard_mirrored() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.adopted_from <> '' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            'session %s mirrors row %s of %s, and only curfew.adopt writes it: change that row', OLD.id, OLD.adopted_id, OLD.adopted_from);
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
        'session %s would mirror row %s of %s, and only curfew.adopt may write that', NEW.id, NEW.adopted_id, NEW.adopted_from);
END $$;
CREATE OR REPLACE TRIGGER guard_sessions_mirrored BEFORE UPDATE ON curfew.sessions
    FOR EACH ROW WHEN ((OLD.adopted_from <> '' OR NEW.adopted_from <> '') AND coalesce(current_setting('curfew.adopting', true), '') <> 'on')
    EXECUTE FUNCTION curfew.guard_mirrored();
CREATE OR REPLACE TRIGGER guard_sessions_adopted BEFORE INSERT ON curfew.sessions
    FOR EACH ROW WHEN (NEW.adopted_from <> '' AND coalesce(current_setting('curfew.adopting', true), '') <> 'on')
    EXECUTE FUNCTION curfew.guard_mirrored();

-- Refuses an illegal outcome, and says what would be legal.
CREATE OR REPLACE FUNCTION curfew.guard_outcome(was text, becomes text, id uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM curfew.outcome_steps o WHERE o.from_outcome = was AND o.to_outcome = becomes) THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
        'checkout %s cannot go from %s to %s: %s', id, coalesce(nullif(was, ''), 'nothing'), becomes, coalesce(
            'legal is ' || (SELECT string_agg(o.to_outcome, ', ' ORDER BY o.to_outcome)
                FROM curfew.outcome_steps o WHERE o.from_outcome = was),
            'no step is legal'));
END $$;

-- A payment is recorded with an outcome that it can begin with. Admissions
-- call nothing.
CREATE OR REPLACE FUNCTION curfew.guard_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> 'curfew.checkouts'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.checkouts';
    END IF;
    PERFORM curfew.guard_outcome('', NEW.outcome, NEW.id);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER guard_checkouts_recorded BEFORE INSERT ON curfew.checkouts
    FOR EACH ROW WHEN (NEW.outcome <> 'fulfilled') EXECUTE FUNCTION curfew.guard_recorded();

-- Our own step is legal; another program's, too, and gets its version and event.
-- The first, too, is called for each row of a sweep.
GRANT SELECT ON curfew.outcome_steps TO PUBLIC;
CREATE OR REPLACE FUNCTION curfew.guard_settled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    legal pg_catalog.text;
BEGIN
    IF NOT EXISTS (SELECT FROM curfew.outcome_steps o
        WHERE o.from_outcome OPERATOR(pg_catalog.=) OLD.outcome AND o.to_outcome OPERATOR(pg_catalog.=) NEW.outcome)
    THEN
        SELECT pg_catalog.string_agg(o.to_outcome, ', ' ORDER BY o.to_outcome) INTO legal
        FROM curfew.outcome_steps o WHERE o.from_outcome OPERATOR(pg_catalog.=) OLD.outcome;
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = pg_catalog.format(
            'checkout %s cannot go from %s to %s: %s', OLD.id, OLD.outcome, NEW.outcome,
            CASE WHEN legal IS NULL THEN 'no step is legal' ELSE pg_catalog.concat('legal is ', legal) END);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER guard_checkouts_settled BEFORE UPDATE ON curfew.checkouts
    FOR EACH ROW WHEN (NEW.version = OLD.version + 1 AND NEW.outcome <> OLD.outcome)
    EXECUTE FUNCTION curfew.guard_settled();
CREATE OR REPLACE FUNCTION curfew.guard_settled_foreign() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> 'curfew.checkouts'::regclass THEN
        RAISE insufficient_privilege USING MESSAGE = 'this trigger belongs to curfew.checkouts';
    END IF;
    IF NEW.version <> OLD.version THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            'checkout %s has version %s, which cannot become %s: leave it to the guards', OLD.id, OLD.version, NEW.version);
    END IF;
    PERFORM curfew.guard_outcome(OLD.outcome, NEW.outcome, OLD.id);
    NEW.version := OLD.version + 1;
    NEW.money_due := false;
    NEW.updated_at := now();
    INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason)
    VALUES (NEW.customer_id, NEW.id, NEW.version, 'checkout', gen_random_uuid(), OLD.outcome, NEW.outcome, 'system:foreign', 'another program');
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER guard_checkouts_foreign BEFORE UPDATE ON curfew.checkouts
    FOR EACH ROW WHEN (NEW.version <> OLD.version + 1 AND (NEW.version <> OLD.version OR NEW.outcome <> OLD.outcome))
    EXECUTE FUNCTION curfew.guard_settled_foreign();

-- What has not ended, or is not settled, is not deleted.
CREATE OR REPLACE FUNCTION curfew.guard_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(TG_ARGV[0], OLD.id);
END $$;
CREATE OR REPLACE TRIGGER guard_sessions_kept BEFORE DELETE ON curfew.sessions
    FOR EACH ROW WHEN (OLD.status NOT IN ('completed', 'cancelled'))
    EXECUTE FUNCTION curfew.guard_kept('session %s has not ended and cannot be deleted: set its status to ''cancelled'' instead');
CREATE OR REPLACE TRIGGER guard_checkouts_kept BEFORE DELETE ON curfew.checkouts
    FOR EACH ROW WHEN (OLD.money_due OR OLD.outcome IN ('promised', 'deferred', 'held', 'refund_due', 'refunding')
        OR OLD.capture IN ('authorised', 'due', 'capturing', 'releasing'))
    EXECUTE FUNCTION curfew.guard_kept('checkout %s is not settled and cannot be deleted');
CREATE OR REPLACE TRIGGER guard_events_kept BEFORE DELETE ON curfew.events
    FOR EACH ROW EXECUTE FUNCTION curfew.guard_kept('event %s is history and stays as it is');
-- Nobody's history goes over to the customer whose payment it turns out to be.
-- Whether it was told is no part of it. An erasure, which sets curfew.erasing,
-- replaces who it names and what they wrote, and no step of it.
CREATE OR REPLACE TRIGGER guard_events_unchanged BEFORE UPDATE ON curfew.events
    FOR EACH ROW WHEN ((OLD.subject_id, OLD.number, OLD.subject, OLD.id, OLD.from_status, OLD.to_status, OLD.run_id, OLD.at)
            IS DISTINCT FROM (NEW.subject_id, NEW.number, NEW.subject, NEW.id, NEW.from_status, NEW.to_status, NEW.run_id, NEW.at)
        OR (((OLD.customer_id <> NEW.customer_id AND OLD.customer_id <> E'\x7f') OR (OLD.actor, OLD.reason) IS DISTINCT FROM (NEW.actor, NEW.reason))
            AND coalesce(current_setting('curfew.erasing', true), '') <> 'on'))
    EXECUTE FUNCTION curfew.guard_kept('event %s is history and stays as it is');

-- TRUNCATE fires no row's trigger: the tallies would go on counting what is gone.
CREATE OR REPLACE FUNCTION curfew.guard_untruncated() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('curfew.%s cannot be truncated: %s', TG_TABLE_NAME, TG_ARGV[0]);
END $$;
CREATE OR REPLACE TRIGGER guard_sessions_untruncated BEFORE TRUNCATE ON curfew.sessions
    EXECUTE FUNCTION curfew.guard_untruncated('delete those that have ended by DELETE, and cancel the others');
CREATE OR REPLACE TRIGGER guard_session_requests_untruncated BEFORE TRUNCATE ON curfew.session_requests
    EXECUTE FUNCTION curfew.guard_untruncated('delete those that have ended by DELETE');
CREATE OR REPLACE TRIGGER guard_checkouts_untruncated BEFORE TRUNCATE ON curfew.checkouts
    EXECUTE FUNCTION curfew.guard_untruncated('delete those that are settled by DELETE');
CREATE OR REPLACE TRIGGER guard_payment_refs_untruncated BEFORE TRUNCATE ON curfew.payment_refs
    EXECUTE FUNCTION curfew.guard_untruncated('a payment without its reference is taken for a new one when it is reported again');
CREATE OR REPLACE TRIGGER guard_idempotency_keys_untruncated BEFORE TRUNCATE ON curfew.idempotency_keys
    EXECUTE FUNCTION curfew.guard_untruncated('a repeated call would be taken for a new one; old keys are deleted by Curfew itself');
CREATE OR REPLACE TRIGGER guard_payment_repayments_untruncated BEFORE TRUNCATE ON curfew.payment_repayments
    EXECUTE FUNCTION curfew.guard_untruncated('what was given back would be owed again');
CREATE OR REPLACE TRIGGER guard_payment_facts_untruncated BEFORE TRUNCATE ON curfew.payment_facts
    EXECUTE FUNCTION curfew.guard_untruncated('a payment without its facts is taken for one that was paid');
CREATE OR REPLACE TRIGGER guard_mechanic_slots_untruncated BEFORE TRUNCATE ON curfew.mechanic_slots
    EXECUTE FUNCTION curfew.guard_untruncated('cancel the sessions instead, which frees their slots');
CREATE OR REPLACE TRIGGER guard_events_untruncated BEFORE TRUNCATE ON curfew.events
    EXECUTE FUNCTION curfew.guard_untruncated('an event is history and stays as it is');
CREATE OR REPLACE TRIGGER guard_tallies_untruncated BEFORE TRUNCATE ON curfew.tallies
    EXECUTE FUNCTION curfew.guard_untruncated('run `curfew migrate --recount` to count anew');
