-- Somebody who wants no mail.
INSERT INTO {unsubscriptions} (address_hash, kind, at) VALUES ('0123456789abcdef', 'expired', {-40m});
