-- +goose Up

-- Which notices an address does not want. The hash says nothing of the address.
CREATE TABLE curfew.unsubscriptions (
    address_hash text        NOT NULL,
    kind         text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (address_hash, kind)
);
