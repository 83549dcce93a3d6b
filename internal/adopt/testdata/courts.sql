-- Bookings of courts. The customer is an e-mail address, nobody serves, and a booking is confirmed before it is paid.
CREATE TYPE public.booking_status AS ENUM ('confirmed', 'cancelled', 'pending');
CREATE TYPE public.payment_status AS ENUM ('paid', 'refunded', 'failed', 'processing', 'pending');
CREATE TABLE public.bookings (
    id bigserial PRIMARY KEY, facility_id uuid NOT NULL, court_number integer NOT NULL, start_time timestamptz NOT NULL,
    customer_email text NOT NULL, customer_name text NOT NULL, status public.booking_status NOT NULL DEFAULT 'confirmed',
    payment_status public.payment_status NOT NULL DEFAULT 'failed', stripe_payment_intent_id text UNIQUE, amount_total integer,
    currency text NOT NULL DEFAULT 'usd', created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
ALTER TABLE public.bookings ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.bookings FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody ON public.bookings USING (true) WITH CHECK (true);

INSERT INTO public.bookings (facility_id, court_number, start_time, customer_email, customer_name, status, payment_status, stripe_payment_intent_id, amount_total, created_at)
SELECT md5('club')::uuid, 1 + i % 6, at + interval '2 days', 'p' || i % 20 || '@example.com', 'Player ' || i % 20, status::public.booking_status,
    (CASE WHEN status = 'confirmed' THEN 'paid' WHEN status = 'pending' THEN 'processing' ELSE 'refunded' END)::public.payment_status,
    CASE WHEN status <> 'pending' THEN 'pi_' || i END, 2000, at
FROM (SELECT i, now() - i * interval '11 hours' AS at, CASE WHEN i % 9 = 0 THEN 'cancelled' WHEN i % 10 = 1 THEN 'pending' ELSE 'confirmed' END AS status
    FROM generate_series(1, 60) i) made;
