-- How many mechanics are connected.
INSERT INTO {signals} (name, at, n) VALUES ('streams:old', {-30m}, 2);
