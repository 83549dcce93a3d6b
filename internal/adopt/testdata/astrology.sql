-- Numbers as ids, times without zone that are those of Kolkata, a status that may be any text, and a queue in a second table
-- that refers to a consultation by the name of its column alone.
CREATE TABLE public.consultations (
    id serial PRIMARY KEY, user_id integer NOT NULL, astrologer_id integer NOT NULL, topic text NOT NULL, duration integer NOT NULL,
    cost integer NOT NULL, status text NOT NULL DEFAULT 'queued', payment_id text, payment_status text DEFAULT 'pending',
    timer_started boolean NOT NULL DEFAULT false, timer_start_time timestamp, queue_position integer, queue_entered_at timestamp,
    created_at timestamp NOT NULL DEFAULT now(), ended_at timestamp);
CREATE TABLE public.consultation_queue (
    id serial PRIMARY KEY, astrologer_id integer NOT NULL, user_id integer NOT NULL, consultation_id integer, position integer NOT NULL,
    join_time timestamp NOT NULL DEFAULT now(), status text NOT NULL DEFAULT 'waiting', created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now());

INSERT INTO public.consultations (user_id, astrologer_id, topic, duration, cost, status, payment_id, payment_status, timer_started,
    timer_start_time, queue_entered_at, created_at, ended_at)
SELECT i % 40, 1 + i % 5, 'career', (ARRAY[15, 30, 60])[1 + i % 3], 900, status, 'pay_' || md5(i::text),
    CASE WHEN status = 'pending' THEN 'pending' ELSE 'paid' END, status IN ('active', 'completed'),
    CASE WHEN status IN ('active', 'completed') THEN at + interval '10 minutes' END, CASE WHEN i % 4 <> 0 THEN at END, at,
    CASE WHEN status IN ('completed', 'cancelled') THEN at + interval '40 minutes' END
FROM (SELECT i, (now() AT TIME ZONE 'Asia/Kolkata') - (i - 1) * interval '7 hours' - interval '3 minutes' AS at, CASE
        WHEN i <= 6 THEN 'queued' WHEN i <= 9 THEN 'pending' WHEN i <= 11 THEN 'active' WHEN i % 9 = 0 THEN 'cancelled' ELSE 'completed' END AS status
    FROM generate_series(1, 120) i) made;
INSERT INTO public.consultation_queue (astrologer_id, user_id, consultation_id, position, status, created_at)
SELECT astrologer_id, user_id, id, 1, CASE WHEN status = 'queued' THEN 'waiting' WHEN status = 'cancelled' THEN 'cancelled' ELSE 'served' END, created_at
FROM public.consultations;
