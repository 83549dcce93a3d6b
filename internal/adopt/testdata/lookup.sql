-- Statuses are numbers, and their names are in a table beside.
CREATE TABLE public.ticket_states (id smallint PRIMARY KEY, label text NOT NULL UNIQUE);
INSERT INTO public.ticket_states VALUES (10, 'New'), (20, 'Assigned'), (30, 'In Progress'), (40, 'Done'), (90, 'No Show'), (91, 'Cancelled');
CREATE TABLE public.tickets (
    ticket_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client_id bigint NOT NULL, agent_id bigint,
    state_id smallint NOT NULL DEFAULT 10 REFERENCES public.ticket_states (id), opened_at timestamptz NOT NULL DEFAULT now(),
    claimed_at timestamptz, started_at timestamptz, finished_at timestamptz, planned_seconds integer NOT NULL DEFAULT 1800);
CREATE INDEX tickets_unfinished ON public.tickets (state_id, opened_at);

INSERT INTO public.tickets (client_id, agent_id, state_id, opened_at, claimed_at, started_at, finished_at)
SELECT i % 30, CASE WHEN state IN (20, 30, 40) THEN 1 + i % 3 END, state, at, CASE WHEN state IN (20, 30, 40) THEN at + interval '1 minute' END,
    CASE WHEN state IN (30, 40) THEN at + interval '6 minutes' END, CASE WHEN state >= 40 THEN at + interval '40 minutes' END
FROM (SELECT i, now() - i * interval '2 hours' AS at, CASE
        WHEN i <= 2 THEN 30 WHEN i <= 8 THEN 10 WHEN i <= 11 THEN 20 WHEN i % 9 = 0 THEN 91 WHEN i % 14 = 0 THEN 90 ELSE 40 END AS state
    FROM generate_series(1, 100) i) made;
