-- +goose Up

-- The columns of a session that mirrors a row of a marketplace's own table, which only
-- PostgreSQL has.
ALTER TABLE sessions ADD COLUMN adopted_from TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN adopted_id TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN adopted_generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN adopted_word TEXT NOT NULL DEFAULT '';
