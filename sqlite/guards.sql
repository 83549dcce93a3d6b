-- The guards: triggers that keep the structure whoever writes. They know which
-- steps are legal, and that a session carries its request, slot, events and
-- money with it; they know no policy, so what is owed they only mark.
--
-- Curfew's own writes raise the version by one and bring their event. A row
-- inserted with version 0, or whose status changes while its version does not,
-- was written by another program: the guard does the rest.
--
-- They run in the library of the program that writes, which may be as old as
-- 3.37: no unixepoch('subsec'), and RAISE takes a literal only. A trigger here
-- cannot change the row it is asked about, so the AFTER triggers complete it.
--
-- The conflict clause of the outer statement holds within triggers too: what
-- must not be replaced by INSERT OR REPLACE is refused before.

CREATE TABLE IF NOT EXISTS session_transitions (
    from_status TEXT NOT NULL,
    to_status   TEXT NOT NULL,
    PRIMARY KEY (from_status, to_status)
) STRICT;
DELETE FROM session_transitions;
INSERT INTO session_transitions (from_status, to_status) VALUES
    ('', 'scheduled'), ('', 'waiting'),
    ('scheduled', 'scheduled'), ('scheduled', 'waiting'), ('scheduled', 'cancelled'),
    ('waiting', 'waiting'), ('waiting', 'live'), ('waiting', 'cancelled'),
    ('live', 'live'), ('live', 'completed'), ('live', 'cancelled');

-- The legal steps of a payment's outcome.
CREATE TABLE IF NOT EXISTS outcome_steps (
    from_outcome TEXT NOT NULL,
    to_outcome   TEXT NOT NULL,
    PRIMARY KEY (from_outcome, to_outcome)
) STRICT;
DELETE FROM outcome_steps;
INSERT INTO outcome_steps (from_outcome, to_outcome) VALUES
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

-- Before another program's INSERT: an overdue session of the same customer does
-- not stand in its way. The event is written first, with what is to become of
-- the session; guard_sessions_moved completes it as it completes any foreign
-- step. A session that still holds the slot then is refused.
CREATE TRIGGER guard_sessions_settle BEFORE INSERT ON sessions WHEN NEW.version = 0
BEGIN
    SELECT CASE NEW.status
        WHEN 'live' THEN RAISE(ABORT, 'a session cannot go from nothing to live: legal is scheduled, waiting')
        WHEN 'completed' THEN RAISE(ABORT, 'a session cannot go from nothing to completed: legal is scheduled, waiting')
        WHEN 'cancelled' THEN RAISE(ABORT, 'a session cannot go from nothing to cancelled: legal is scheduled, waiting')
        ELSE RAISE(ABORT, 'a session cannot begin so: legal is scheduled, waiting') END
    WHERE NOT EXISTS (SELECT 1 FROM session_transitions WHERE from_status = '' AND to_status = NEW.status);

    INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason)
    SELECT s.customer_id, s.id, s.version + 1, 'session', '', s.status,
        CASE WHEN s.status = 'live' THEN 'completed' ELSE 'cancelled' END, 'system:guard',
        CASE WHEN s.status = 'live' THEN 'overran'
            WHEN s.mechanic_id IS NOT NULL AND s.mechanic_joined_at IS NOT NULL THEN 'no_show'
            WHEN s.mechanic_id IS NOT NULL THEN 'unattended'
            WHEN EXISTS (SELECT 1 FROM session_requests r
                WHERE r.customer_id = s.customer_id AND r.session_id = s.id AND r.status IN ('pending', 'accepted')) THEN 'expired'
            ELSE 'orphaned' END
    FROM sessions s
    WHERE s.customer_id = NEW.customer_id AND s.status IN ('waiting', 'live')
      AND s.expires_at < CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER);

    UPDATE sessions SET (status, end_reason) = (
        SELECT e.to_status, e.reason FROM events e
        WHERE e.customer_id = sessions.customer_id AND e.subject_id = sessions.id AND e.number = sessions.version + 1)
    WHERE customer_id = NEW.customer_id AND status IN ('waiting', 'live')
      AND EXISTS (SELECT 1 FROM events e
        WHERE e.customer_id = sessions.customer_id AND e.subject_id = sessions.id AND e.number = sessions.version + 1);

    SELECT RAISE(ABORT, 'Customer already has an active or pending session. Only one session allowed at a time.')
    WHERE NEW.status IN ('waiting', 'live') AND EXISTS (
        SELECT 1 FROM sessions s WHERE s.customer_id = NEW.customer_id AND s.id <> NEW.id AND s.status IN ('waiting', 'live'));
END;

-- After another program's INSERT: its first version and event.
CREATE TRIGGER guard_sessions_created AFTER INSERT ON sessions WHEN NEW.version = 0
BEGIN
    SELECT RAISE(ABORT, 'this session is there already: change it by UPDATE')
    WHERE EXISTS (SELECT 1 FROM events e WHERE e.customer_id = NEW.customer_id AND e.subject_id = NEW.id);
    UPDATE sessions SET version = 1 WHERE customer_id = NEW.customer_id AND id = NEW.id;
    INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason)
    VALUES (NEW.customer_id, NEW.id, 1, 'session', '', '', NEW.status, 'system:foreign', 'another program');
END;

-- Every step is legal. (A row that has ended and has no end yet is one that
-- guard_sessions_moved completes.)
CREATE TRIGGER guard_sessions_legal BEFORE UPDATE OF status, version ON sessions
WHEN NEW.status <> OLD.status OR NEW.version <> OLD.version
BEGIN
    SELECT RAISE(ABORT, 'a session''s version cannot be set: leave it to the guards')
    WHERE NEW.version NOT IN (OLD.version, OLD.version + 1);

    SELECT CASE OLD.status || ' ' || NEW.status
        WHEN 'scheduled live' THEN RAISE(ABORT, 'a session cannot go from scheduled to live: legal is cancelled, scheduled, waiting')
        WHEN 'scheduled completed' THEN RAISE(ABORT, 'a session cannot go from scheduled to completed: legal is cancelled, scheduled, waiting')
        WHEN 'waiting scheduled' THEN RAISE(ABORT, 'a session cannot go from waiting to scheduled: legal is cancelled, live, waiting')
        WHEN 'waiting completed' THEN RAISE(ABORT, 'a session cannot go from waiting to completed: legal is cancelled, live, waiting')
        WHEN 'live scheduled' THEN RAISE(ABORT, 'a session cannot go from live to scheduled: legal is cancelled, completed, live')
        WHEN 'live waiting' THEN RAISE(ABORT, 'a session cannot go from live to waiting: legal is cancelled, completed, live')
        WHEN 'completed scheduled' THEN RAISE(ABORT, 'a session cannot go from completed to scheduled: it has ended for ever')
        WHEN 'completed waiting' THEN RAISE(ABORT, 'a session cannot go from completed to waiting: it has ended for ever')
        WHEN 'completed live' THEN RAISE(ABORT, 'a session cannot go from completed to live: it has ended for ever')
        WHEN 'completed cancelled' THEN RAISE(ABORT, 'a session cannot go from completed to cancelled: it has ended for ever')
        WHEN 'cancelled scheduled' THEN RAISE(ABORT, 'a session cannot go from cancelled to scheduled: it has ended for ever')
        WHEN 'cancelled waiting' THEN RAISE(ABORT, 'a session cannot go from cancelled to waiting: it has ended for ever')
        WHEN 'cancelled live' THEN RAISE(ABORT, 'a session cannot go from cancelled to live: it has ended for ever')
        WHEN 'cancelled completed' THEN RAISE(ABORT, 'a session cannot go from cancelled to completed: it has ended for ever')
        ELSE RAISE(ABORT, 'a session cannot go so: completed and cancelled are for ever') END
    WHERE NOT EXISTS (SELECT 1 FROM session_transitions WHERE from_status = OLD.status AND to_status = NEW.status)
      AND NOT (NEW.status = OLD.status AND OLD.ended_at IS NULL);
END;

-- Another program's step brings with it what ours bring.
CREATE TRIGGER guard_sessions_moved AFTER UPDATE OF status ON sessions
WHEN NEW.status <> OLD.status AND NEW.version = OLD.version AND NEW.status NOT IN ('completed', 'cancelled')
BEGIN
    INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason)
    VALUES (NEW.customer_id, NEW.id, NEW.version + 1, 'session', '', OLD.status, NEW.status, 'system:foreign', 'another program');
    UPDATE sessions
    SET version = NEW.version + 1,
        started_at = CASE WHEN NEW.status = 'live'
            THEN coalesce(NEW.started_at, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) ELSE NEW.started_at END
    WHERE customer_id = NEW.customer_id AND id = NEW.id;
END;

-- The same for an ending, also for those that guard_sessions_settle announced
-- in an event.
CREATE TRIGGER guard_sessions_ended AFTER UPDATE OF status ON sessions
WHEN NEW.status <> OLD.status AND NEW.version = OLD.version AND NEW.status IN ('completed', 'cancelled')
BEGIN
    UPDATE session_requests
    SET status = CASE WHEN NEW.status = 'completed' THEN 'completed'
            WHEN NEW.end_reason IN ('expired', 'orphaned') AND EXISTS (SELECT 1 FROM events e
                WHERE e.customer_id = NEW.customer_id AND e.subject_id = NEW.id AND e.number = NEW.version + 1) THEN 'expired'
            ELSE 'cancelled' END,
        ended_at = CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)
    WHERE customer_id = NEW.customer_id AND session_id = NEW.id AND status IN ('pending', 'accepted');

    DELETE FROM mechanic_slots WHERE session_id = NEW.id AND customer_id = NEW.customer_id;

    UPDATE checkouts SET money_due = 1, updated_at = CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)
    WHERE NEW.status = 'cancelled' AND customer_id = NEW.customer_id AND (id = NEW.checkout_id OR session_id = NEW.id) AND outcome = 'fulfilled';

    INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason)
    SELECT NEW.customer_id, NEW.id, NEW.version + 1, 'session', '', OLD.status, NEW.status, 'system:foreign', 'another program'
    WHERE NOT EXISTS (SELECT 1 FROM events e
        WHERE e.customer_id = NEW.customer_id AND e.subject_id = NEW.id AND e.number = NEW.version + 1);

    UPDATE sessions
    SET version = NEW.version + 1, expires_at = NULL, end_reason = coalesce(NEW.end_reason, 'foreign'),
        ended_at = coalesce(NEW.ended_at, min(
            CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER),
            CASE WHEN NEW.end_reason = 'overran' THEN coalesce(NEW.started_at + NEW.duration_seconds * 1000000, 9223372036854775807) ELSE 9223372036854775807 END))
    WHERE customer_id = NEW.customer_id AND id = NEW.id;
END;

-- A payment is recorded with an outcome that it can begin with.
CREATE TRIGGER guard_checkouts_recorded BEFORE INSERT ON checkouts WHEN NEW.outcome <> 'fulfilled'
BEGIN
    SELECT RAISE(ABORT, 'a checkout cannot begin so: legal is deferred, fulfilled, held, ignored, promised, refund_due, refunded, void')
    WHERE NOT EXISTS (SELECT 1 FROM outcome_steps WHERE from_outcome = '' AND to_outcome = NEW.outcome);
END;

-- Every step of an outcome is legal.
CREATE TRIGGER guard_checkouts_legal BEFORE UPDATE OF outcome, version ON checkouts
WHEN NEW.outcome <> OLD.outcome OR NEW.version <> OLD.version
BEGIN
    SELECT RAISE(ABORT, 'a checkout''s version cannot be set: leave it to the guards')
    WHERE NEW.version NOT IN (OLD.version, OLD.version + 1);

    SELECT CASE OLD.outcome
        WHEN 'promised' THEN RAISE(ABORT, 'a checkout cannot go so from promised: legal is deferred, fulfilled, held, refund_due, refunded, void')
        WHEN 'fulfilled' THEN RAISE(ABORT, 'a checkout cannot go so from fulfilled: legal is credited, forfeited, held, refund_due, refunded, void')
        WHEN 'deferred' THEN RAISE(ABORT, 'a checkout cannot go so from deferred: legal is fulfilled, held, refund_due, refunded, void')
        WHEN 'held' THEN RAISE(ABORT, 'a checkout cannot go so from held: legal is deferred, fulfilled, ignored, refund_due, refunded, void')
        WHEN 'credited' THEN RAISE(ABORT, 'a checkout cannot go so from credited: legal is fulfilled, held, refund_due, refunded, void')
        WHEN 'refund_due' THEN RAISE(ABORT, 'a checkout cannot go so from refund_due: legal is fulfilled, refund_due, refunded, refunding, void')
        WHEN 'refunding' THEN RAISE(ABORT, 'a checkout cannot go so from refunding: legal is refund_due, refunded, refunding')
        WHEN 'refunded' THEN RAISE(ABORT, 'a checkout cannot go so from refunded: legal is refund_due')
        WHEN 'forfeited' THEN RAISE(ABORT, 'a checkout cannot go so from forfeited: legal is credited, refund_due, refunded, void')
        WHEN 'void' THEN RAISE(ABORT, 'a checkout cannot go so from void: legal is credited, held, refund_due, refunded')
        WHEN 'ignored' THEN RAISE(ABORT, 'a checkout cannot go so from ignored: legal is deferred, held')
        ELSE RAISE(ABORT, 'a checkout cannot go so') END
    WHERE NEW.outcome <> OLD.outcome
      AND NOT EXISTS (SELECT 1 FROM outcome_steps WHERE from_outcome = OLD.outcome AND to_outcome = NEW.outcome);
END;

-- Another program's step gets its version and event.
CREATE TRIGGER guard_checkouts_foreign AFTER UPDATE OF outcome ON checkouts
WHEN NEW.outcome <> OLD.outcome AND NEW.version = OLD.version
BEGIN
    INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason)
    VALUES (NEW.customer_id, NEW.id, NEW.version + 1, 'checkout', '', OLD.outcome, NEW.outcome, 'system:foreign', 'another program');
    UPDATE checkouts SET version = NEW.version + 1, money_due = 0, updated_at = CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)
    WHERE customer_id = NEW.customer_id AND id = NEW.id;
END;

-- What still holds something is not deleted.
CREATE TRIGGER guard_sessions_kept BEFORE DELETE ON sessions WHEN OLD.status NOT IN ('completed', 'cancelled')
BEGIN
    SELECT RAISE(ABORT, 'the session has not ended and cannot be deleted: set its status to ''cancelled'' instead');
END;
CREATE TRIGGER guard_checkouts_kept BEFORE DELETE ON checkouts
WHEN OLD.money_due OR OLD.outcome NOT IN ('fulfilled', 'refunded', 'forfeited', 'void', 'ignored')
    OR OLD.capture IN ('authorised', 'due', 'capturing', 'releasing')
BEGIN
    SELECT RAISE(ABORT, 'the checkout still owes something and cannot be deleted');
END;
-- Nobody's history goes over to the customer whose payment it turns out to be.
-- Whether it was told is no part of it. An erasure, which is marked by a signal
-- in its transaction, replaces who it names and what they wrote, and no step of it.
CREATE TRIGGER guard_events_unchanged BEFORE UPDATE ON events
WHEN OLD.id <> '' AND ((OLD.customer_id <> NEW.customer_id AND OLD.customer_id <> char(127))
    OR (OLD.subject_id, OLD.number, OLD.subject, OLD.id, OLD.from_status, OLD.to_status, OLD.actor, OLD.reason, OLD.run_id, OLD.at)
        IS NOT (NEW.subject_id, NEW.number, NEW.subject, NEW.id, NEW.from_status, NEW.to_status, NEW.actor, NEW.reason, NEW.run_id, NEW.at))
BEGIN
    SELECT RAISE(ABORT, 'an event is history and stays as it is')
    WHERE (OLD.subject_id, OLD.number, OLD.subject, OLD.id, OLD.from_status, OLD.to_status, OLD.run_id, OLD.at)
        IS NOT (NEW.subject_id, NEW.number, NEW.subject, NEW.id, NEW.from_status, NEW.to_status, NEW.run_id, NEW.at)
        OR NOT EXISTS (SELECT 1 FROM signals WHERE name = 'erasing');
END;
CREATE TRIGGER guard_events_kept BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'an event is history and stays as it is');
END;

-- The guards' own events get an id: a UUIDv7 of this moment.
CREATE TRIGGER guard_events_named AFTER INSERT ON events WHEN NEW.id = ''
BEGIN
    UPDATE events SET id = (
        SELECT substr(ms, 1, 8) || '-' || substr(ms, 9) || '-7' || substr(r, 1, 3) || '-' ||
            substr('89ab', 1 + abs(random() % 4), 1) || substr(r, 4, 3) || '-' || substr(r, 7, 12)
        FROM (SELECT printf('%012x', CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) AS ms, lower(hex(randomblob(9))) AS r))
    WHERE customer_id = NEW.customer_id AND subject_id = NEW.subject_id AND number = NEW.number;
END;
