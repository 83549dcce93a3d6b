-- +goose Up

-- Which notices an address does not want. The hash says nothing of the address.
CREATE TABLE unsubscriptions (
    address_hash TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (address_hash, kind)
) STRICT;
