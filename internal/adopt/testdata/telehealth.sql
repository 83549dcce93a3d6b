-- Nurses ask doctors. Row-level security is on, and a trigger of their own keeps the times. Nothing ends what is pending.
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('app.uid', true), '')::uuid $$;

CREATE TABLE public.telehealth_consultations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), patient_id uuid, patient_name text NOT NULL, nurse_id uuid, nurse_name text NOT NULL,
    doctor_id uuid, urgency_level text NOT NULL CHECK (urgency_level IN ('low', 'medium', 'high', 'critical')),
    status text DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'in_progress', 'completed', 'cancelled', 'rejected')),
    estimated_duration integer DEFAULT 15, compensation_amount numeric(10, 2), created_at timestamptz DEFAULT now(), accepted_at timestamptz,
    started_at timestamptz, completed_at timestamptz, cancelled_at timestamptz, cancellation_reason text);
ALTER TABLE public.telehealth_consultations ENABLE ROW LEVEL SECURITY;
CREATE POLICY nurse_reads ON public.telehealth_consultations FOR SELECT USING (nurse_id = auth.uid() OR doctor_id = auth.uid() OR status = 'pending');
CREATE POLICY nurse_makes ON public.telehealth_consultations FOR INSERT WITH CHECK (nurse_id = auth.uid());
CREATE POLICY party_changes ON public.telehealth_consultations FOR UPDATE USING (nurse_id = auth.uid() OR doctor_id = auth.uid());

INSERT INTO public.telehealth_consultations (patient_id, patient_name, nurse_id, nurse_name, doctor_id, urgency_level, status, estimated_duration,
    created_at, accepted_at, started_at, completed_at, cancelled_at)
SELECT CASE WHEN i % 5 <> 0 THEN md5('patient ' || i)::uuid END, 'Patient ' || i, md5('nurse ' || i % 9)::uuid, 'Nurse ' || i % 9,
    CASE WHEN status IN ('accepted', 'in_progress', 'completed') THEN md5('doctor ' || i % 3)::uuid END, 'high', status, 15, at,
    CASE WHEN status IN ('accepted', 'in_progress', 'completed') THEN at + interval '4 minutes' END,
    CASE WHEN status IN ('in_progress', 'completed') THEN at + interval '9 minutes' END,
    CASE WHEN status = 'completed' THEN at + interval '25 minutes' END, CASE WHEN status = 'cancelled' THEN at + interval '1 hour' END
FROM (SELECT i, now() - i * interval '5 hours' AS at, CASE
        WHEN i = 1 THEN 'in_progress' WHEN i <= 12 THEN 'pending' WHEN i <= 16 THEN 'accepted' WHEN i % 6 = 0 THEN 'cancelled'
        WHEN i % 11 = 0 THEN 'rejected' ELSE 'completed' END AS status
    FROM generate_series(1, 90) i) made;

CREATE FUNCTION public.keep_times() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.status = 'accepted' AND OLD.status = 'pending' THEN NEW.accepted_at := now();
    ELSIF NEW.status = 'in_progress' AND OLD.status = 'accepted' THEN NEW.started_at := now();
    ELSIF NEW.status = 'completed' AND OLD.status = 'in_progress' THEN NEW.completed_at := now();
    ELSIF NEW.status = 'cancelled' THEN NEW.cancelled_at := now(); END IF;
    RETURN NEW; END $$;
CREATE TRIGGER keep_times BEFORE UPDATE ON public.telehealth_consultations FOR EACH ROW EXECUTE FUNCTION public.keep_times();
