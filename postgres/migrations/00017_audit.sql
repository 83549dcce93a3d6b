-- +goose Up

-- The audit log is a chain. A link is a batch of entries that one process wrote, and its hash is of the
-- hash before, of the link and of its entries. Two processes that continue the same link collide in the
-- primary key.
CREATE TABLE curfew.audit_links (
    number        bigint      PRIMARY KEY CHECK (number > 0),
    batch         uuid        NOT NULL,            -- chosen by its writer, who may have to ask whether it was written
    first_entry   bigint      NOT NULL,            -- without entries: one after last_entry
    last_entry    bigint      NOT NULL CHECK (last_entry >= first_entry - 1),
    lost          bigint      NOT NULL CHECK (lost >= 0), -- entries that could not be written
    at            timestamptz NOT NULL,
    hash          text        NOT NULL CHECK (hash <> '')
);
CREATE UNIQUE INDEX audit_links_batch ON curfew.audit_links (batch);
CREATE INDEX audit_links_at ON curfew.audit_links (at);
CREATE INDEX audit_links_lost ON curfew.audit_links (at) WHERE lost > 0;

CREATE TABLE curfew.audit_entries (
    number     bigint      PRIMARY KEY CHECK (number > 0),
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,
    action     text        NOT NULL CHECK (action <> ''),
    via        text        NOT NULL,
    status     integer     NOT NULL,
    request_id text        NOT NULL,
    commitment text        NOT NULL -- to its row in audit_subjects; empty: it has none
);
CREATE INDEX audit_entries_actor ON curfew.audit_entries (actor, number);
CREATE INDEX audit_entries_action ON curfew.audit_entries (action, number);

-- What an entry says of persons. It is in the chain by a salted hash alone, so that it can be erased.
CREATE TABLE curfew.audit_subjects (
    number  bigint PRIMARY KEY,
    subject text   NOT NULL, -- a customer's id; empty: it is about none
    object  text   NOT NULL, -- the id of something else
    detail  text   NOT NULL,
    salt    text   NOT NULL CHECK (salt <> '')
);
CREATE INDEX audit_subjects_subject ON curfew.audit_subjects (subject, number) WHERE subject <> '';

-- Whoever may delete for the sake of pruning may delete nothing younger than any pruning does. This binds
-- the owner, too. Subjects can be erased at any time.
-- +goose StatementBegin
CREATE FUNCTION curfew.audit_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.at > now() - interval '30 days' THEN
        RAISE insufficient_privilege USING MESSAGE = 'the audit log of the last 30 days cannot be deleted';
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION curfew.audit_kept() FROM PUBLIC;
CREATE TRIGGER audit_kept BEFORE DELETE ON curfew.audit_links FOR EACH ROW EXECUTE FUNCTION curfew.audit_kept();
CREATE TRIGGER audit_kept BEFORE DELETE ON curfew.audit_entries FOR EACH ROW EXECUTE FUNCTION curfew.audit_kept();

-- What one person asked for and another has to approve. It is pending until somebody decides or it
-- expires. Whoever approves makes it executing, once, and it ends as done or failed.
CREATE TABLE curfew.approvals (
    id          uuid        PRIMARY KEY,
    action      text        NOT NULL CHECK (action <> ''),
    customer_id text        NOT NULL, -- whom it is about; empty: nobody knows
    target      text        NOT NULL,
    body        text        NOT NULL, -- of the call, as JSON
    summary     text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('pending', 'executing', 'done', 'failed', 'rejected')),
    asked_by    text        NOT NULL,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    decided_by  text        NOT NULL DEFAULT '',
    decided_at  timestamptz,
    note        text        NOT NULL DEFAULT '', -- why it was rejected, or why it failed
    CHECK (decided_by <> asked_by)
);
CREATE INDEX approvals_asked ON curfew.approvals (asked_at);
