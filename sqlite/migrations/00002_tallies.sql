-- +goose Up

-- How many rows there are of what nobody wants to count at millions: ended
-- sessions and requests, and checkouts by outcome. The triggers that keep it are
-- no guards: they are always there. What is open is counted from its index.
--
-- ('checkout', 'fulfilled') is only what corrects the number of sessions, each
-- of which was a checkout becoming fulfilled: entering counts nothing here, so
-- that an admission pays nothing; leaving counts -1. So it may be negative.
CREATE TABLE tallies (
    shard  INTEGER NOT NULL,
    noun   TEXT    NOT NULL,
    status TEXT    NOT NULL,
    n      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (shard, noun, status)
) STRICT;
INSERT INTO tallies (shard, noun, status) VALUES
    (0, 'session', 'completed'), (0, 'session', 'cancelled'),
    (0, 'request', 'cancelled'), (0, 'request', 'expired'), (0, 'request', 'completed'),
    (0, 'checkout', 'fulfilled'), (0, 'checkout', 'deferred'), (0, 'checkout', 'held'), (0, 'checkout', 'credited'),
    (0, 'checkout', 'refund_due'), (0, 'checkout', 'refunding'), (0, 'checkout', 'refunded'), (0, 'checkout', 'forfeited');
CREATE INDEX sessions_unpaid ON sessions (customer_id) WHERE checkout_id IS NULL;

-- An open status has no row in tallies, so its UPDATE finds none.

-- +goose StatementBegin
CREATE TRIGGER tally_session_insert AFTER INSERT ON sessions WHEN NEW.status IN ('completed', 'cancelled')
BEGIN
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'session' AND status = NEW.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_session_update AFTER UPDATE OF status ON sessions WHEN NEW.status <> OLD.status
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'session' AND status = OLD.status;
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'session' AND status = NEW.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_session_delete AFTER DELETE ON sessions
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'session' AND status = OLD.status;
    UPDATE tallies SET n = n + 1 WHERE OLD.checkout_id IS NOT NULL AND shard = 0 AND noun = 'checkout' AND status = 'fulfilled';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_request_insert AFTER INSERT ON session_requests WHEN NEW.status IN ('cancelled', 'expired', 'completed')
BEGIN
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'request' AND status = NEW.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_request_update AFTER UPDATE OF status ON session_requests WHEN NEW.status <> OLD.status
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'request' AND status = OLD.status;
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'request' AND status = NEW.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_request_delete AFTER DELETE ON session_requests
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'request' AND status = OLD.status;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_checkout_insert AFTER INSERT ON checkouts WHEN NEW.outcome <> 'fulfilled'
BEGIN
    UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'checkout' AND status = NEW.outcome;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_checkout_update AFTER UPDATE OF outcome ON checkouts WHEN NEW.outcome <> OLD.outcome
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'checkout' AND status = OLD.outcome;
    UPDATE tallies SET n = n + 1 WHERE NEW.outcome <> 'fulfilled' AND shard = 0 AND noun = 'checkout' AND status = NEW.outcome;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tally_checkout_delete AFTER DELETE ON checkouts
BEGIN
    UPDATE tallies SET n = n - 1 WHERE shard = 0 AND noun = 'checkout' AND status = OLD.outcome;
END;
-- +goose StatementEnd
