-- +goose Up

-- The audit log is a chain. A link is a batch of entries that one process wrote, and its hash is of the
-- hash before, of the link and of its entries. Two processes that continue the same link collide in the
-- primary key.
CREATE TABLE audit_links (
    number        INTEGER PRIMARY KEY NOT NULL CHECK (number > 0),
    batch         TEXT    NOT NULL,            -- chosen by its writer, who may have to ask whether it was written
    first_entry   INTEGER NOT NULL,            -- without entries: one after last_entry
    last_entry    INTEGER NOT NULL CHECK (last_entry >= first_entry - 1),
    lost          INTEGER NOT NULL CHECK (lost >= 0), -- entries that could not be written
    at            INTEGER NOT NULL,
    hash          TEXT    NOT NULL CHECK (hash <> '')
) STRICT;
CREATE UNIQUE INDEX audit_links_batch ON audit_links (batch);
CREATE INDEX audit_links_at ON audit_links (at);
CREATE INDEX audit_links_lost ON audit_links (at) WHERE lost > 0;

CREATE TABLE audit_entries (
    number     INTEGER PRIMARY KEY NOT NULL CHECK (number > 0),
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    action     TEXT    NOT NULL CHECK (action <> ''),
    via        TEXT    NOT NULL,
    status     INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    commitment TEXT    NOT NULL -- to its row in audit_subjects; empty: it has none
) STRICT;
CREATE INDEX audit_entries_actor ON audit_entries (actor, number);
CREATE INDEX audit_entries_action ON audit_entries (action, number);

-- What an entry says of persons. It is in the chain by a salted hash alone, so that it can be erased.
CREATE TABLE audit_subjects (
    number  INTEGER PRIMARY KEY NOT NULL,
    subject TEXT    NOT NULL, -- a customer's id; empty: it is about none
    object  TEXT    NOT NULL, -- the id of something else
    detail  TEXT    NOT NULL,
    salt    TEXT    NOT NULL CHECK (salt <> '')
) STRICT;
CREATE INDEX audit_subjects_subject ON audit_subjects (subject, number) WHERE subject <> '';

-- What one person asked for and another has to approve. It is pending until somebody decides or it
-- expires. Whoever approves makes it executing, once, and it ends as done or failed.
CREATE TABLE approvals (
    id          TEXT    PRIMARY KEY NOT NULL,
    action      TEXT    NOT NULL CHECK (action <> ''),
    customer_id TEXT    NOT NULL, -- whom it is about; empty: nobody knows
    target      TEXT    NOT NULL,
    body        TEXT    NOT NULL, -- of the call, as JSON
    summary     TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'executing', 'done', 'failed', 'rejected')),
    asked_by    TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    decided_by  TEXT    NOT NULL DEFAULT '',
    decided_at  INTEGER,
    note        TEXT    NOT NULL DEFAULT '', -- why it was rejected, or why it failed
    CHECK (decided_by <> asked_by)
) STRICT;
CREATE INDEX approvals_asked ON approvals (asked_at);
