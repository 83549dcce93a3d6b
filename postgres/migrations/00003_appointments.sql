-- +goose Up

ALTER TABLE curfew.checkouts ADD COLUMN refund_amount bigint NOT NULL DEFAULT 0;
