-- Everything is in a schema of its own, ids are texts of 36 characters, and what is called active has not begun.
CREATE SCHEMA care_desk;
CREATE TABLE care_desk.help_calls (
    call_id varchar(36) PRIMARY KEY, member_id varchar(36) NOT NULL, helper_id varchar(36), state varchar(16) NOT NULL DEFAULT 'active'
        CHECK (state IN ('active', 'taken', 'talking', 'closed', 'dropped')),
    inserted_at timestamptz NOT NULL DEFAULT now(), taken_at timestamptz, started_at timestamptz, closed_at timestamptz,
    valid_until timestamptz, planned_duration interval NOT NULL DEFAULT '20 minutes', close_reason varchar(24), modified_at timestamptz);
CREATE TABLE care_desk.call_offers (
    offer_id varchar(36) PRIMARY KEY, help_call_id varchar(36) NOT NULL, helper_id varchar(36) NOT NULL,
    state varchar(16) NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'taken', 'lapsed', 'withdrawn')), modified_at timestamptz);

INSERT INTO care_desk.help_calls (call_id, member_id, helper_id, state, inserted_at, taken_at, started_at, closed_at, valid_until, close_reason)
SELECT md5('call ' || i)::uuid::text, md5('member ' || i % 20)::uuid::text, CASE WHEN state IN ('taken', 'talking', 'closed') THEN md5('helper ' || i % 3)::uuid::text END,
    state, at, CASE WHEN state IN ('taken', 'talking', 'closed') THEN at + interval '1 minute' END, CASE WHEN state IN ('talking', 'closed') THEN at + interval '2 minutes' END,
    CASE WHEN state IN ('closed', 'dropped') THEN at + interval '30 minutes' END, at + interval '10 minutes', CASE WHEN state = 'dropped' THEN 'hung up' END
FROM (SELECT i, now() - i * interval '80 minutes' AS at, CASE
        WHEN i = 1 THEN 'talking' WHEN i <= 9 THEN 'active' WHEN i <= 12 THEN 'taken' WHEN i % 6 = 0 THEN 'dropped' ELSE 'closed' END AS state
    FROM generate_series(1, 60) i) made;
INSERT INTO care_desk.call_offers SELECT md5('offer ' || call_id)::uuid::text, call_id, md5('helper 1')::uuid::text, CASE WHEN state = 'active' THEN 'sent' WHEN state = 'dropped' THEN 'withdrawn' ELSE 'taken' END
FROM care_desk.help_calls;
