-- The patient chooses the doctor. Payments are in a table of their own, and so are requests, which nothing links to a
-- consultation and nobody ends.
CREATE TABLE public.consultations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), patient_id uuid NOT NULL, doctor_id uuid NOT NULL,
    status text DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'rejected', 'in_progress', 'completed', 'cancelled')),
    payment_status text DEFAULT 'pending' CHECK (payment_status IN ('pending', 'paid', 'refunded', 'failed')), consultation_fee numeric(10, 2) NOT NULL,
    scheduled_at timestamptz, started_at timestamptz, ended_at timestamptz, duration_minutes integer, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now());
CREATE INDEX consultations_status ON public.consultations (status);
CREATE TABLE public.consultation_requests (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), patient_id uuid NOT NULL, current_doctor_id uuid, specialty text NOT NULL,
    status text DEFAULT 'searching' CHECK (status IN ('searching', 'matched', 'expired', 'cancelled')),
    created_at timestamptz DEFAULT now(), expires_at timestamptz DEFAULT now() + interval '30 minutes');
CREATE TABLE public.payments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), consultation_id uuid NOT NULL REFERENCES public.consultations (id), patient_id uuid NOT NULL,
    total_amount numeric(10, 2) NOT NULL, status text DEFAULT 'pending', provider_payment_id text, created_at timestamptz DEFAULT now());

INSERT INTO public.consultations (patient_id, doctor_id, status, payment_status, consultation_fee, started_at, ended_at, duration_minutes, created_at)
SELECT md5('patient ' || i % 25)::uuid, md5('doctor ' || i % 4)::uuid, status, CASE WHEN status = 'pending' THEN 'pending' ELSE 'paid' END, 40,
    CASE WHEN status IN ('in_progress', 'completed') THEN at + interval '20 minutes' END,
    CASE WHEN status = 'completed' THEN at + interval '50 minutes' END, CASE WHEN status = 'completed' THEN 30 END, at
FROM (SELECT i, now() - i * interval '4 hours' AS at, CASE
        WHEN i <= 2 THEN 'in_progress' WHEN i <= 9 THEN 'pending' WHEN i <= 13 THEN 'accepted' WHEN i % 8 = 0 THEN 'cancelled'
        WHEN i % 15 = 0 THEN 'rejected' ELSE 'completed' END AS status
    FROM generate_series(1, 75) i) made;
INSERT INTO public.consultation_requests (patient_id, specialty, created_at) SELECT md5('patient ' || i)::uuid, 'cardiology', now() - i * interval '1 day' FROM generate_series(1, 12) i;
INSERT INTO public.payments (consultation_id, patient_id, total_amount, status, provider_payment_id)
SELECT id, patient_id, 40, 'approved', 'mp-' || id FROM public.consultations WHERE payment_status = 'paid';
