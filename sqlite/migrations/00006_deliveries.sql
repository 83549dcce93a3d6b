-- +goose Up

-- Events are the outbox: those that nobody was told of yet. What was before
-- this is told. The guard of the history is put back when the migration is
-- over.
DROP TRIGGER IF EXISTS guard_events_unchanged;
ALTER TABLE events ADD COLUMN told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1));
UPDATE events SET told = 1;
CREATE INDEX events_untold ON events (customer_id, subject_id, number) WHERE NOT told;

-- What somebody outside gets because of an event. It is claimed by state: while
-- it is tried, next_at lies ahead, and attempts tells one claim from the next.
-- A lane is a queue of its own, so that nobody waits for another's receiver.
CREATE TABLE deliveries (
    customer_id TEXT    NOT NULL, -- empty for a test
    id          TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    subject_id  TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    channel     TEXT    NOT NULL,
    lane        TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    state       TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    failures    INTEGER NOT NULL DEFAULT 0,
    next_at     INTEGER NOT NULL,
    status      INTEGER NOT NULL DEFAULT 0,
    error       TEXT    NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (customer_id, id),
    CONSTRAINT deliveries_once UNIQUE (customer_id, event_id, channel, destination)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (lane, next_at, id) WHERE state = 'pending';
CREATE INDEX deliveries_order ON deliveries (customer_id, subject_id, channel, destination, number) WHERE state = 'pending';
CREATE INDEX deliveries_id ON deliveries (id);
CREATE INDEX deliveries_unsettled ON deliveries (state, id) WHERE state IN ('pending', 'dead');
CREATE INDEX deliveries_dead ON deliveries (destination, updated_at) WHERE state = 'dead';
CREATE INDEX deliveries_done ON deliveries (updated_at) WHERE state = 'delivered';

-- Where webhooks go. While a secret is replaced, the old one signs too.
CREATE TABLE webhook_endpoints (
    id              TEXT    PRIMARY KEY NOT NULL,
    url             TEXT    NOT NULL,
    description     TEXT    NOT NULL DEFAULT '',
    kinds           TEXT    NOT NULL DEFAULT '[]',
    secret          TEXT    NOT NULL,
    old_secret      TEXT    NOT NULL DEFAULT '',
    old_until       INTEGER,
    enabled         INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    disabled_at     INTEGER,
    disabled_reason TEXT    NOT NULL DEFAULT '',
    version         INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
