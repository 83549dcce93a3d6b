-- +goose Up

-- Nothing here: SQLite's triggers run with the rights of whoever writes. This
-- keeps the numbers of both stores alike.
SELECT 1;
