-- +goose Up

-- Events are the outbox: those that nobody was told of yet. What was before
-- this is told.
SET LOCAL statement_timeout = 0;
ALTER TABLE curfew.events ADD COLUMN told boolean NOT NULL DEFAULT true;
ALTER TABLE curfew.events ALTER COLUMN told SET DEFAULT false;
CREATE INDEX events_untold ON curfew.events (customer_id, subject_id, number) WHERE NOT told;

-- What somebody outside gets because of an event. It is claimed by state: while
-- it is tried, next_at lies ahead, and attempts tells one claim from the next.
-- A lane is a queue of its own, so that nobody waits for another's receiver.
CREATE TABLE curfew.deliveries (
    customer_id text        NOT NULL, -- empty for a test
    id          uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    subject_id  uuid        NOT NULL,
    number      bigint      NOT NULL,
    channel     text        NOT NULL,
    lane        text        NOT NULL,
    destination text        NOT NULL,
    kind        text        NOT NULL,
    body        text        NOT NULL,
    state       text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts    bigint      NOT NULL DEFAULT 0,
    failures    bigint      NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now(),
    status      integer     NOT NULL DEFAULT 0,
    error       text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, id),
    CONSTRAINT deliveries_once UNIQUE (customer_id, event_id, channel, destination)
);
CREATE INDEX deliveries_due ON curfew.deliveries (lane, next_at, id) WHERE state = 'pending';
CREATE INDEX deliveries_order ON curfew.deliveries (customer_id, subject_id, channel, destination, number) WHERE state = 'pending';
CREATE INDEX deliveries_id ON curfew.deliveries (id);
CREATE INDEX deliveries_unsettled ON curfew.deliveries (state, id) WHERE state IN ('pending', 'dead');
CREATE INDEX deliveries_dead ON curfew.deliveries (destination, updated_at) WHERE state = 'dead';
CREATE INDEX deliveries_done ON curfew.deliveries (updated_at) WHERE state = 'delivered';

-- Where webhooks go. While a secret is replaced, the old one signs too.
CREATE TABLE curfew.webhook_endpoints (
    id              uuid        PRIMARY KEY,
    url             text        NOT NULL,
    description     text        NOT NULL DEFAULT '',
    kinds           text[]      NOT NULL DEFAULT '{}',
    secret          text        NOT NULL,
    old_secret      text        NOT NULL DEFAULT '',
    old_until       timestamptz,
    enabled         boolean     NOT NULL DEFAULT true,
    disabled_at     timestamptz,
    disabled_reason text        NOT NULL DEFAULT '',
    version         bigint      NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
