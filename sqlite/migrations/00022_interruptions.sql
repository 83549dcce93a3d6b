-- +goose Up

-- The largest amount of a key counts in one currency. NULL: in any, as the keys have it that were created before.
ALTER TABLE api_keys ADD COLUMN max_currency TEXT CHECK (max_currency IS NULL OR max_currency <> '' AND max_amount IS NOT NULL);

-- An approval that is executing was tried then, and so many times; NULL: once, when it was decided. If its process stopped,
-- another one carries on.
ALTER TABLE approvals ADD COLUMN tried_at INTEGER;
ALTER TABLE approvals ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX approvals_executing ON approvals (id) WHERE state = 'executing';

-- What is held of a customer, and its erasure, look for the mechanics who did not come.
CREATE INDEX absences_customer ON absences (customer_id);

-- Whoever appends to the audit log looks for those who were erased meanwhile.
CREATE INDEX erasures_erased ON erasures (erased_at) WHERE erased_at IS NOT NULL;
