-- Statuses are small numbers whose words are in the program alone. The patient is in one of two columns.
CREATE TABLE public.e_consultation (
    id serial PRIMARY KEY, doctor_id integer, offline_patient_id uuid, online_patient_id integer, fees numeric(10, 2) NOT NULL, validity integer,
    payment_status smallint NOT NULL DEFAULT 0 CHECK (payment_status >= 0), link varchar(256), status smallint NOT NULL DEFAULT 1 CHECK (status >= 0),
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());

INSERT INTO public.e_consultation (doctor_id, offline_patient_id, online_patient_id, fees, payment_status, link, status, created_at, updated_at)
SELECT 1 + i % 5, CASE WHEN i % 3 = 0 THEN md5('offline ' || i % 12)::uuid END, CASE WHEN i % 3 <> 0 THEN 1000 + i % 20 END, 300,
    CASE WHEN i % 7 = 1 THEN 0 ELSE 1 END, CASE WHEN i % 7 = 5 THEN 'https://rooms.example.com/' || i END,
    (ARRAY[7, 1, 2, 6, 8, 5, 7])[1 + i % 7], now() - i * interval '10 hours', now() - i * interval '9 hours'
FROM generate_series(1, 98) i;
