-- +goose Up

-- Operators look up what a mechanic has and had, whatever the case of the letters, newest first.
CREATE INDEX sessions_mechanic ON curfew.sessions (lower(mechanic_id COLLATE "C"), id) WHERE mechanic_id IS NOT NULL;

-- They look customers up by how their names begin. Letters of ASCII count alike whatever their case, in every database of
-- whatever locale.
CREATE INDEX checkouts_name ON curfew.checkouts (lower(name COLLATE "C"), id) WHERE name <> '';
