-- +goose Up

-- How many rows have ended, so that nobody need count them: health stays exact
-- and cheap over millions of them. Decision 2 (docs/decisions/0002-tallies.md).
--
-- The triggers that keep it are no guards: they are always there. No admission
-- runs one: the rows it inserts are open, and its one fulfilled checkout goes
-- with its one session. So the tally of ('checkout', 'fulfilled') is how many
-- more fulfilled checkouts there are than sessions. There is one writer, so
-- there is one shard, and its rows are there from the start.
CREATE TABLE tallies (
    shard  INTEGER NOT NULL,
    noun   TEXT    NOT NULL CHECK (noun IN ('session', 'request', 'checkout')),
    status TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (shard, noun, status)
) STRICT;

INSERT INTO tallies (shard, noun, status, n)
SELECT 0, 'session', s.column1, (SELECT count(*) FROM sessions WHERE status = s.column1)
FROM (VALUES ('completed'), ('cancelled')) s
UNION ALL
SELECT 0, 'request', s.column1, (SELECT count(*) FROM session_requests WHERE status = s.column1)
FROM (VALUES ('cancelled'), ('expired'), ('completed')) s
UNION ALL
SELECT 0, 'checkout', s.column1, (SELECT count(*) FROM checkouts WHERE outcome = s.column1)
FROM (VALUES ('deferred'), ('held'), ('credited'), ('refund_due'), ('refunding'), ('refunded'), ('forfeited')) s
UNION ALL
SELECT 0, 'checkout', 'fulfilled',
    (SELECT count(*) FROM checkouts WHERE outcome = 'fulfilled') - (SELECT count(*) FROM sessions);

-- An open status has no row here, so counting it changes none.

-- +goose StatementBegin
CREATE TRIGGER tally_sessions_updated AFTER UPDATE OF status ON sessions WHEN NEW.status <> OLD.status
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'session' AND status = OLD.status;
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'session' AND status = NEW.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_sessions_inserted AFTER INSERT ON sessions WHEN NEW.status IN ('completed', 'cancelled')
BEGIN
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'session' AND status = NEW.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_sessions_inserted_unpaid AFTER INSERT ON sessions WHEN NEW.checkout_id IS NULL
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'checkout' AND status = 'fulfilled';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_sessions_deleted AFTER DELETE ON sessions
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'session' AND status = OLD.status;
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'checkout' AND status = 'fulfilled';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_requests_updated AFTER UPDATE OF status ON session_requests WHEN NEW.status <> OLD.status
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'request' AND status = OLD.status;
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'request' AND status = NEW.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_requests_inserted AFTER INSERT ON session_requests WHEN NEW.status IN ('cancelled', 'expired', 'completed')
BEGIN
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'request' AND status = NEW.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_requests_deleted AFTER DELETE ON session_requests
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'request' AND status = OLD.status;
END;
-- +goose StatementEnd

-- A checkout becomes fulfilled with an admission, whose session makes up for it.
-- +goose StatementBegin
CREATE TRIGGER tally_checkouts_updated AFTER UPDATE OF outcome ON checkouts WHEN NEW.outcome <> OLD.outcome
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'checkout' AND status = OLD.outcome;
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'checkout' AND status = NEW.outcome AND NEW.outcome <> 'fulfilled';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_checkouts_inserted AFTER INSERT ON checkouts WHEN NEW.outcome <> 'fulfilled'
BEGIN
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'checkout' AND status = NEW.outcome;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_checkouts_deleted AFTER DELETE ON checkouts
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'checkout' AND status = OLD.outcome;
END;
-- +goose StatementEnd
