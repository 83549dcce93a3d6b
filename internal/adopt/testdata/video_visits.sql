-- As an ORM makes it: names in capitals and small letters, an enum, times without zone that hold UTC, no payment. The patient
-- joins later than the row is made. The practitioner is there from the beginning, whether or not anybody has started.
CREATE TYPE public."ConsultationStatus" AS ENUM ('SCHEDULED', 'WAITING', 'ACTIVE', 'COMPLETED', 'CANCELLED');
CREATE TABLE public."Consultation" (
    id serial PRIMARY KEY, uuid text NOT NULL UNIQUE DEFAULT gen_random_uuid()::text, status public."ConsultationStatus" NOT NULL DEFAULT 'SCHEDULED',
    language text NOT NULL DEFAULT 'en', owner integer, "scheduledDate" timestamp(3), "createdAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    "startedAt" timestamp(3), "closedAt" timestamp(3), "patientId" integer, "practitionerId" integer);
CREATE TABLE public."Participant" (
    id serial PRIMARY KEY, "consultationId" integer NOT NULL REFERENCES public."Consultation" (id), "userId" integer NOT NULL,
    "isActive" boolean NOT NULL DEFAULT false, "joinedAt" timestamp(3), UNIQUE ("consultationId", "userId"));

INSERT INTO public."Consultation" (status, owner, "scheduledDate", "createdAt", "startedAt", "closedAt", "patientId", "practitionerId")
SELECT status::public."ConsultationStatus", 1 + i % 6, CASE WHEN i % 2 = 0 THEN at + interval '1 day' END, at,
    CASE WHEN status IN ('ACTIVE', 'COMPLETED') THEN at + interval '1 day' END,
    CASE WHEN status IN ('COMPLETED', 'CANCELLED') THEN at + interval '25 hours' END,
    CASE WHEN status <> 'SCHEDULED' THEN 100 + i END, 1 + i % 6
FROM (SELECT i, (now() AT TIME ZONE 'utc') - i * interval '6 hours' AS at, CASE
        WHEN i <= 4 THEN 'SCHEDULED' WHEN i <= 11 THEN 'WAITING' WHEN i <= 13 THEN 'ACTIVE' WHEN i % 7 = 0 THEN 'CANCELLED' ELSE 'COMPLETED' END AS status
    FROM generate_series(1, 80) i) made;
