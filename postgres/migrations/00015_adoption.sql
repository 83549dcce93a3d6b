-- +goose Up

-- A session may mirror a row of a table that the marketplace has already. That row is the
-- truth; only curfew.adopt, below, writes its mirror. adopted_from is the name of the table's
-- mapping, adopted_word the row's own status. A row that is opened again after its end is
-- mirrored by a further generation.
ALTER TABLE curfew.sessions
    ADD COLUMN adopted_from       text    NOT NULL DEFAULT '',
    ADD COLUMN adopted_id         text    NOT NULL DEFAULT '',
    ADD COLUMN adopted_generation integer NOT NULL DEFAULT 0,
    ADD COLUMN adopted_word       text    NOT NULL DEFAULT '';
CREATE UNIQUE INDEX sessions_adopted ON curfew.sessions (adopted_from, adopted_id, adopted_generation) WHERE adopted_from <> '';
CREATE INDEX sessions_adopted_deadline ON curfew.sessions (adopted_from, expires_at, id) INCLUDE (status, mechanic_id, created_at)
    WHERE adopted_from <> '' AND status IN ('scheduled', 'waiting', 'live');

-- The mirrors of what nobody may end do not lie in the way of a sweep.
DROP INDEX curfew.sessions_deadline;
CREATE INDEX sessions_deadline ON curfew.sessions (expires_at, id) INCLUDE (status, mechanic_id, created_at)
    WHERE status IN ('scheduled', 'waiting', 'live') AND adopted_from = '';

-- The mirror has no checkout, and many are inserted: none of them touches a tally until it
-- has ended. So the tally of ('checkout', 'fulfilled') is how many more fulfilled checkouts
-- there are than sessions, without the mirrors that have not ended.
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
    IF TG_ARGV[0] = 'session' THEN
        PERFORM curfew.tally('checkout', 'fulfilled', -sum(moved.d))
        FROM (SELECT was.status, was.adopted_from, -1 AS d FROM was UNION ALL SELECT became.status, became.adopted_from, 1 FROM became) moved
        WHERE moved.adopted_from <> '' AND moved.status IN ('cancelled', 'completed') HAVING sum(moved.d) <> 0;
    END IF;
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
        PERFORM curfew.tally('checkout', 'fulfilled', -count(*)) FROM became
        WHERE checkout_id IS NULL AND (adopted_from = '' OR status IN ('cancelled', 'completed')) HAVING count(*) > 0;
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
        PERFORM curfew.tally('checkout', 'fulfilled', count(*)) FROM was
        WHERE adopted_from = '' OR status IN ('cancelled', 'completed') HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER tally_sessions_marked BEFORE INSERT ON curfew.sessions
    FOR EACH ROW WHEN (NEW.status IN ('completed', 'cancelled') OR (NEW.checkout_id IS NULL AND NEW.adopted_from = ''))
    EXECUTE FUNCTION curfew.tally_mark();

-- The tables that are adopted. The mapping is that of the last process that read the table.
CREATE TABLE curfew.adoptions (
    name       text        PRIMARY KEY,
    relation   text        NOT NULL,
    mapping    text        NOT NULL DEFAULT '',
    mode       text        NOT NULL CHECK (mode IN ('off', 'shadow', 'enforce')),
    rules      text[]      NOT NULL DEFAULT '{}', -- the end reasons that are enforced
    since      timestamptz NOT NULL DEFAULT now(), -- of the mode
    shadowed   timestamptz,                        -- since when it has been read without a break
    read_at    timestamptz,                        -- the last time that it was read whole
    read_took  interval,
    unread     text        NOT NULL DEFAULT '',    -- why the last reading failed
    installed  text        NOT NULL DEFAULT ''     -- the digest of the triggers
);

-- What is odd about their rows, until it is not.
CREATE TABLE curfew.adoption_findings (
    name       text        NOT NULL,
    code       text        NOT NULL,
    adopted_id text        NOT NULL DEFAULT '',
    detail     text        NOT NULL DEFAULT '',
    count      bigint      NOT NULL DEFAULT 1,
    first_at   timestamptz NOT NULL DEFAULT now(),
    last_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, code, adopted_id)
);

-- What would have been ended in shadow, and what became of it: a regret went on to live.
CREATE TABLE curfew.adoption_verdicts (
    name       text        NOT NULL,
    session_id uuid        NOT NULL,
    adopted_id text        NOT NULL,
    reason     text        NOT NULL,
    deadline   timestamptz NOT NULL,
    judged_at  timestamptz NOT NULL DEFAULT now(),
    became     text        NOT NULL DEFAULT '' CHECK (became IN ('', 'lived', 'ended', 'moved')),
    became_at  timestamptz,
    PRIMARY KEY (name, session_id, reason)
);

-- One of their rows, in Curfew's words. A status that is NULL is a word that nobody has
-- mapped. Its deadline is that of their own column (expires_at); else, from the moment that
-- it entered its state, what the policy makes of their columns (until), or wait after now.
CREATE TYPE curfew.adopted_row AS (
    adopted_id       text,
    word             text,
    status           text,
    customer_id      text,
    mechanic_id      text,
    plan             text,
    duration_seconds integer,
    created_at       timestamptz,
    starts_at        timestamptz,
    expires_at       timestamptz,
    until            timestamptz,
    wait             interval,
    accepted_at      timestamptz,
    started_at       timestamptz,
    ended_at         timestamptz
);

-- Ids that follow from names, so that whoever mirrors a row first makes the same session.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopted_uuid(source text, adopted_id text, generation integer, noun text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN overlay(overlay(md5(source || E'\n' || adopted_id || E'\n' || generation::text || E'\n' || noun) PLACING '8' FROM 13 FOR 1) PLACING 'a' FROM 17 FOR 1)::uuid;
-- +goose StatementEnd

-- Remembers what is odd about a row.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopt_found(source text, what text, about text, said text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO curfew.adoption_findings AS f (name, code, adopted_id, detail) VALUES (source, what, about, left(said, 500))
    ON CONFLICT (name, code, adopted_id) DO UPDATE SET detail = excluded.detail, count = f.count + 1, last_at = now()
$$;
-- +goose StatementEnd

-- Forgets what was odd about rows that are mirrored now.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopt_right(source text, ids text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM curfew.adoption_findings f
    WHERE f.name = source AND f.adopted_id = ANY (ids) AND f.code IN ('unknown_status', 'second_open', 'customer_unusable', 'drift')
$$;
-- +goose StatementEnd

-- Mirrors a row that is open and has no open mirror. Returns whether it is mirrored now: the
-- customer may hold the slot with another session.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopt_new(source text, who text, why text, run uuid, r curfew.adopted_row, was curfew.sessions) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s curfew.sessions;
BEGIN
    IF octet_length(r.customer_id) NOT BETWEEN 1 AND 128 OR octet_length(r.mechanic_id) NOT BETWEEN 1 AND 128 THEN
        PERFORM curfew.adopt_found(source, 'customer_unusable', r.adopted_id, 'the ids of customers and mechanics have 1 to 128 bytes');
        RETURN 0;
    END IF;
    s.adopted_generation := coalesce(was.adopted_generation + 1, 0);
    INSERT INTO curfew.sessions AS n (customer_id, id, adopted_from, adopted_id, adopted_generation, adopted_word, mechanic_id, plan,
        duration_seconds, status, version, created_at, starts_at, expires_at, accepted_at, started_at)
    VALUES (r.customer_id, curfew.adopted_uuid(source, r.adopted_id, s.adopted_generation, 'session'), source, r.adopted_id,
        s.adopted_generation, r.word, r.mechanic_id, coalesce(r.plan, ''), coalesce(r.duration_seconds, 1800), r.status, 1,
        coalesce(r.created_at, now()), CASE WHEN r.status = 'scheduled' THEN coalesce(r.starts_at, r.created_at, now()) ELSE r.starts_at END,
        coalesce(r.expires_at, r.until, now() + r.wait), r.accepted_at,
        CASE WHEN r.status = 'live' THEN coalesce(r.started_at, now()) END)
    ON CONFLICT DO NOTHING RETURNING * INTO s;
    IF s.id IS NULL THEN
        SELECT o.* INTO s FROM curfew.sessions o WHERE o.customer_id = r.customer_id AND o.status IN ('waiting', 'live');
        IF s.adopted_from || ' ' || s.adopted_id IS DISTINCT FROM source || ' ' || r.adopted_id THEN
            PERFORM curfew.adopt_found(source, 'second_open', r.adopted_id, format('customer %s has another open session: %s', r.customer_id,
                CASE WHEN s.adopted_from = '' THEN s.id::text ELSE format('row %s of %s', s.adopted_id, s.adopted_from) END));
        END IF;
        RETURN 0;
    END IF;
    PERFORM curfew.adopt_offer(s);
    INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason, run_id)
    VALUES (s.customer_id, s.id, 1, 'session', gen_random_uuid(), '', s.status, who,
        CASE WHEN was.id IS NULL THEN why ELSE 'their row was opened again' END, run);
    PERFORM curfew.adopt_right(source, ARRAY[r.adopted_id]);
    RETURN 1;
END $$;
-- +goose StatementEnd

-- Gives an open session its request, and its mechanic's slot if that is free.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopt_offer(s curfew.sessions) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM curfew.mechanic_slots m WHERE m.session_id = s.id AND m.mechanic_id IS DISTINCT FROM s.mechanic_id;
    IF s.status = 'live' AND s.mechanic_id IS NULL THEN
        UPDATE curfew.session_requests q SET status = 'completed', ended_at = now()
        WHERE q.customer_id = s.customer_id AND q.session_id = s.id AND q.status IN ('pending', 'accepted');
    END IF;
    IF s.status = 'scheduled' OR (s.status = 'live' AND s.mechanic_id IS NULL) THEN
        RETURN;
    END IF;
    UPDATE curfew.session_requests q SET mechanic_id = s.mechanic_id, status = CASE WHEN s.mechanic_id IS NULL THEN 'pending' ELSE 'accepted' END
    WHERE q.customer_id = s.customer_id AND q.session_id = s.id AND q.status IN ('pending', 'accepted');
    IF NOT FOUND THEN
        INSERT INTO curfew.session_requests (customer_id, id, session_id, mechanic_id, status)
        VALUES (s.customer_id, curfew.adopted_uuid(s.adopted_from, s.adopted_id, s.adopted_generation, 'request'), s.id, s.mechanic_id,
            CASE WHEN s.mechanic_id IS NULL THEN 'pending' ELSE 'accepted' END);
    END IF;
    IF s.mechanic_id IS NOT NULL THEN
        INSERT INTO curfew.mechanic_slots (mechanic_id, customer_id, session_id) VALUES (s.mechanic_id, s.customer_id, s.id) ON CONFLICT DO NOTHING;
    END IF;
END $$;
-- +goose StatementEnd

-- Moves an open mirror one step, to what the row says.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopt_step(INOUT s curfew.sessions, becomes text, who text, why text, ending text, run uuid, r curfew.adopted_row)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was text := s.status;
    same boolean := s.status = becomes AND (s.mechanic_id IS NULL) = (r.mechanic_id IS NULL)
        AND s.duration_seconds = coalesce(r.duration_seconds, s.duration_seconds) AND s.starts_at IS NOT DISTINCT FROM coalesce(r.starts_at, s.starts_at);
    over boolean := becomes IN ('completed', 'cancelled');
BEGIN
    UPDATE curfew.sessions o SET
        status = becomes,
        version = o.version + 1,
        adopted_word = r.word,
        mechanic_id = CASE WHEN over THEN coalesce(r.mechanic_id, o.mechanic_id) ELSE r.mechanic_id END,
        plan = coalesce(r.plan, o.plan),
        duration_seconds = coalesce(r.duration_seconds, o.duration_seconds),
        starts_at = coalesce(r.starts_at, o.starts_at),
        accepted_at = coalesce(r.accepted_at, CASE WHEN r.mechanic_id IS NOT NULL THEN coalesce(o.accepted_at, now()) END),
        started_at = CASE WHEN becomes IN ('live', 'completed') THEN coalesce(r.started_at, o.started_at, now()) ELSE o.started_at END,
        expires_at = CASE WHEN NOT over THEN coalesce(r.expires_at, CASE WHEN same THEN o.expires_at END, r.until, now() + r.wait, o.expires_at) END,
        ended_at = CASE WHEN over THEN coalesce(r.ended_at, now()) END,
        end_reason = CASE WHEN over THEN coalesce(ending, CASE becomes WHEN 'completed' THEN 'finished' ELSE 'foreign' END) END
    WHERE o.customer_id = s.customer_id AND o.id = s.id
    RETURNING o.* INTO s;
    IF over THEN
        UPDATE curfew.session_requests q SET ended_at = now(), status = CASE
            WHEN becomes = 'completed' THEN 'completed' WHEN s.end_reason IN ('expired', 'orphaned', 'missed') THEN 'expired' ELSE 'cancelled' END
        WHERE q.customer_id = s.customer_id AND q.session_id = s.id AND q.status || '' IN ('pending', 'accepted');
        DELETE FROM curfew.mechanic_slots m WHERE m.session_id = s.id AND m.customer_id = s.customer_id;
    ELSE
        PERFORM curfew.adopt_offer(s);
    END IF;
    INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason, run_id)
    VALUES (s.customer_id, s.id, s.version, 'session', gen_random_uuid(), was, s.status, who, why, run);
END $$;
-- +goose StatementEnd

-- Brings one mirror to what its row says, by legal steps alone. A row that went back, or has
-- another customer, ends its mirror and begins a new one.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopt_one(source text, who text, why text, ending text, run uuid, r curfew.adopted_row) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s curfew.sessions;
    step text;
    steps text[];
    open boolean := r.status IN ('scheduled', 'waiting', 'live') AND r.customer_id IS NOT NULL;
BEGIN
    IF r.status IS NULL THEN
        PERFORM curfew.adopt_found(source, 'unknown_status', r.adopted_id, format('status %s is not mapped', r.word));
        RETURN 0;
    END IF;
    SELECT o.* INTO s FROM curfew.sessions o
    WHERE o.adopted_from = source AND o.adopted_from <> '' AND o.adopted_id = r.adopted_id
    ORDER BY o.adopted_generation DESC LIMIT 1 FOR UPDATE;
    IF s.id IS NULL OR s.ended_at IS NOT NULL THEN
        IF open THEN
            RETURN curfew.adopt_new(source, who, why, run, r, s);
        END IF;
        PERFORM curfew.adopt_right(source, ARRAY[r.adopted_id]);
        RETURN 0;
    END IF;
    IF open AND (s.customer_id <> r.customer_id OR (s.status, r.status) IN (('waiting', 'scheduled'), ('live', 'scheduled'), ('live', 'waiting'))) THEN
        PERFORM curfew.adopt_step(s, 'cancelled', who, CASE WHEN s.customer_id <> r.customer_id THEN 'their row has another customer'
            ELSE 'their row went back to ' || r.status END, NULL, run, r);
        SELECT o.* INTO s FROM curfew.sessions o WHERE o.customer_id = s.customer_id AND o.id = s.id;
        RETURN 1 + curfew.adopt_new(source, who, why, run, r, s);
    END IF;
    IF s.status = r.status THEN
        IF (s.adopted_word, s.mechanic_id, s.plan, s.duration_seconds, s.starts_at, s.expires_at) IS NOT DISTINCT FROM (r.word, r.mechanic_id,
            coalesce(r.plan, s.plan), coalesce(r.duration_seconds, s.duration_seconds), coalesce(r.starts_at, s.starts_at),
            coalesce(r.expires_at, s.expires_at)) THEN
            RETURN 0;
        END IF;
        steps := ARRAY[s.status];
    ELSE
        steps := CASE s.status || ' ' || CASE WHEN open OR r.status = 'completed' THEN r.status ELSE 'cancelled' END
            WHEN 'scheduled live' THEN '{waiting,live}' WHEN 'scheduled completed' THEN '{waiting,live,completed}'
            WHEN 'waiting completed' THEN '{live,completed}' ELSE ARRAY[CASE WHEN open OR r.status = 'completed' THEN r.status ELSE 'cancelled' END] END;
    END IF;
    IF s.status = 'scheduled' AND steps[1] = 'waiting' THEN
        BEGIN
            s := curfew.adopt_step(s, 'waiting', who, why, NULL, run, r);
            steps := steps[2:];
        EXCEPTION WHEN unique_violation THEN
            PERFORM curfew.adopt_found(source, 'second_open', r.adopted_id, format('customer %s has another open session', s.customer_id));
            IF open THEN
                RETURN 0;
            END IF;
            steps := '{cancelled}';
        END;
    END IF;
    FOREACH step IN ARRAY steps LOOP
        s := curfew.adopt_step(s, step, who, why, ending, run, r);
    END LOOP;
    PERFORM curfew.adopt_right(source, ARRAY[r.adopted_id]);
    RETURN 1;
END $$;
-- +goose StatementEnd

-- Mirrors rows. This alone writes mirrors: for the triggers on their table, and for who reads it.
-- Returns how many mirrors changed.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopt(source text, who text, why text, ending text, run uuid, rows curfew.adopted_row[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n integer;
    made text[];
    r curfew.adopted_row;
    was text := coalesce(current_setting('curfew.adopting', true), '');
BEGIN
    PERFORM pg_catalog.set_config('curfew.adopting', 'on', true); -- for the guards; as an attribute of the function only a superuser could set it
    -- The common case first, in as few statements as it takes: rows that are new, and wait.
    BEGIN
        WITH new AS (
            INSERT INTO curfew.sessions AS s (customer_id, id, adopted_from, adopted_id, adopted_word, plan, duration_seconds, status, version,
                created_at, starts_at, expires_at)
            SELECT a.customer_id, curfew.adopted_uuid(source, a.adopted_id, 0, 'session'), source, a.adopted_id, a.word,
                coalesce(a.plan, ''), coalesce(a.duration_seconds, 1800), 'waiting', 1, coalesce(a.created_at, now()), a.starts_at,
                coalesce(a.expires_at, a.until, now() + a.wait)
            FROM pg_catalog.unnest(rows) a
            WHERE a.status = 'waiting' AND a.mechanic_id IS NULL AND octet_length(a.customer_id) BETWEEN 1 AND 128
            RETURNING s.customer_id, s.id, s.adopted_id
        ), offered AS (
            INSERT INTO curfew.session_requests (customer_id, id, session_id, status)
            SELECT new.customer_id, curfew.adopted_uuid(source, new.adopted_id, 0, 'request'), new.id, 'pending' FROM new
        ), told AS (
            INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason, run_id)
            SELECT new.customer_id, new.id, 1, 'session', gen_random_uuid(), '', 'waiting', who, why, run FROM new
        )
        SELECT array_agg(new.adopted_id), count(*) INTO made, n FROM new;
    EXCEPTION WHEN unique_violation THEN -- one is not new, or its customer has another: row by row
        n := 0;
    END;
    IF EXISTS (SELECT FROM curfew.adoption_findings f WHERE f.name = source AND f.adopted_id <> '') THEN
        PERFORM curfew.adopt_right(source, made);
    END IF;
    IF n = cardinality(rows) THEN
        PERFORM pg_catalog.set_config('curfew.adopting', was, true);
        RETURN n;
    END IF;
    FOR r IN SELECT a.* FROM pg_catalog.unnest(rows) a WHERE made IS NULL OR a.adopted_id <> ALL (made) LOOP
        n := n + curfew.adopt_one(source, who, why, ending, run, r);
    END LOOP;
    PERFORM pg_catalog.set_config('curfew.adopting', was, true);
    RETURN n;
END $$;
-- +goose StatementEnd

-- Ends the mirrors of rows that are gone; ids NULL: of all.
-- +goose StatementBegin
CREATE FUNCTION curfew.adopt_gone(source text, who text, why text, run uuid, ids text[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n integer := 0;
    s curfew.sessions;
    r curfew.adopted_row;
    was text := coalesce(current_setting('curfew.adopting', true), '');
BEGIN
    PERFORM pg_catalog.set_config('curfew.adopting', 'on', true); -- for the guards; as an attribute of the function only a superuser could set it
    FOR s IN SELECT o.* FROM curfew.sessions o WHERE o.adopted_from = source AND o.adopted_from <> ''
        AND o.status IN ('scheduled', 'waiting', 'live') AND (ids IS NULL OR o.adopted_id = ANY (ids)) ORDER BY o.id FOR UPDATE
    LOOP
        r.adopted_id := s.adopted_id;
        r.word := s.adopted_word;
        r.mechanic_id := s.mechanic_id;
        s := curfew.adopt_step(s, 'cancelled', who, why, NULL, run, r);
        n := n + 1;
    END LOOP;
    DELETE FROM curfew.adoption_findings f WHERE f.name = source AND f.adopted_id <> '' AND (ids IS NULL OR f.adopted_id = ANY (ids));
    PERFORM pg_catalog.set_config('curfew.adopting', was, true);
    RETURN n;
END $$;
-- +goose StatementEnd
