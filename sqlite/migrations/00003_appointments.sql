-- +goose Up

ALTER TABLE checkouts ADD COLUMN refund_amount INTEGER NOT NULL DEFAULT 0;
