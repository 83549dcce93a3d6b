-- A key of a service, a token that counts no longer, and a browser.
INSERT INTO {api_keys} (id, name, hash, created_at, created_by) VALUES ('0199c0de-0000-7000-8009-000000000001', 'shop', 'a digest', {-90m}, 'admin:mara');
INSERT INTO {revocations} (noun, name, at, actor) VALUES ('token', 'jti-1', {-80m}, 'admin:mara');
INSERT INTO {sign_ins} (id, role, subject, browser, created_at, seen_at) VALUES ('a-digest', 'admin', 'mara', 'Firefox', {-80m}, {-10m});
