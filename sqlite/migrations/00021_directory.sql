-- +goose Up

-- Operators look up what a mechanic has and had, whatever the case of the letters, newest first.
CREATE INDEX sessions_mechanic ON sessions (lower(mechanic_id), id) WHERE mechanic_id IS NOT NULL;

-- They look customers up by how their names begin.
CREATE INDEX checkouts_name ON checkouts (lower(name), id) WHERE name <> '';
