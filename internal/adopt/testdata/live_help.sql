-- A help desk with paid sessions. Both pending and waiting wait; a session's requests are in a table of their own. Of the
-- sessions that wait, nothing but the column with the mechanic says that somebody has accepted.
CREATE TABLE public.mechanics (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid, name text);
INSERT INTO public.mechanics (id, name) SELECT md5('mechanic ' || i)::uuid, 'Mechanic ' || i FROM generate_series(1, 4) i;

CREATE TABLE public.sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    plan text NOT NULL, status text DEFAULT 'pending',
    stripe_session_id text NOT NULL UNIQUE, customer_user_id uuid, customer_email text,
    mechanic_id uuid REFERENCES public.mechanics (id) ON DELETE SET NULL,
    started_at timestamptz, ended_at timestamptz, duration_minutes integer DEFAULT 0,
    expires_at timestamptz, scheduled_for timestamptz, scheduled_start timestamptz, scheduled_end timestamptz,
    last_state_change_at timestamptz, cancelled_at timestamptz, cancelled_by text, cancellation_reason text,
    CONSTRAINT sessions_status_check CHECK (status IN ('pending', 'waiting', 'live', 'scheduled', 'completed', 'cancelled', 'expired', 'unattended')));

CREATE TABLE public.session_requests (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL DEFAULT now(), customer_id uuid NOT NULL,
    mechanic_id uuid REFERENCES public.mechanics (id), status text NOT NULL DEFAULT 'pending', accepted_at timestamptz,
    parent_session_id uuid REFERENCES public.sessions (id) ON DELETE CASCADE,
    session_id uuid REFERENCES public.sessions (id) ON DELETE CASCADE, expires_at timestamptz);

CREATE TABLE public.session_participants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), session_id uuid REFERENCES public.sessions (id) ON DELETE CASCADE,
    user_id uuid, role text NOT NULL, joined_at timestamptz DEFAULT now(), UNIQUE (session_id, user_id));

INSERT INTO public.sessions (id, created_at, last_state_change_at, plan, status, stripe_session_id, customer_user_id, customer_email,
    mechanic_id, started_at, ended_at, duration_minutes, expires_at, scheduled_start, cancelled_at, cancelled_by, cancellation_reason)
SELECT md5('session ' || i)::uuid, at, at, (ARRAY['chat10', 'video15'])[1 + i % 2], status, 'cs_test_' || i,
    CASE WHEN i NOT IN (3, 7) THEN md5('customer ' || i % 60)::uuid END, 'c' || i % 60 || '@example.com',
    CASE WHEN status IN ('completed', 'live') OR status = 'waiting' AND i % 3 = 0 THEN md5('mechanic ' || 1 + i % 4)::uuid END,
    CASE WHEN status IN ('completed', 'live') THEN at + interval '5 minutes' END,
    CASE WHEN status IN ('completed', 'cancelled') THEN at + interval '35 minutes' END,
    CASE WHEN status = 'completed' THEN 30 ELSE 0 END,
    CASE WHEN i % 4 <> 0 THEN at + interval '15 minutes' END,
    CASE WHEN status IN ('scheduled', 'unattended') THEN at + interval '2 days' END,
    CASE WHEN status = 'cancelled' THEN at + interval '35 minutes' END,
    CASE WHEN status = 'cancelled' THEN 'customer' END, CASE WHEN status = 'cancelled' THEN 'changed my mind' END
FROM (SELECT i, now() - i * interval '3 hours' AS at, CASE
        WHEN i <= 2 THEN 'live' WHEN i <= 14 THEN 'pending' WHEN i <= 23 THEN 'waiting' WHEN i <= 27 THEN 'scheduled'
        WHEN i <= 30 THEN 'unattended' WHEN i % 8 = 0 THEN 'cancelled' ELSE 'completed' END AS status
    FROM generate_series(1, 160) i) made;
-- One customer bought again while a session was pending.
UPDATE public.sessions SET customer_user_id = md5('customer 5')::uuid WHERE id IN (md5('session 6')::uuid, md5('session 16')::uuid);

INSERT INTO public.session_requests (customer_id, session_id, status, accepted_at, mechanic_id)
SELECT coalesce(customer_user_id, md5('guest')::uuid), id,
    CASE WHEN mechanic_id IS NOT NULL THEN 'accepted' WHEN status IN ('pending', 'waiting') THEN 'pending' ELSE 'cancelled' END,
    CASE WHEN mechanic_id IS NOT NULL THEN created_at + interval '2 minutes' END, mechanic_id
FROM public.sessions;
