-- Texts as ids, an enum in capitals, a mentor who is chosen by the customer, a payment intent.
CREATE TYPE public."BookingStatus" AS ENUM ('PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELLED', 'REFUNDED');
CREATE TABLE public."Booking" (
    id text PRIMARY KEY, "userId" text NOT NULL, "mentorId" text NOT NULL, status public."BookingStatus" NOT NULL DEFAULT 'PENDING',
    "totalPrice" integer NOT NULL, "scheduledAt" timestamp(3), "durationMinutes" integer, "cancellationReason" text,
    "stripePaymentIntentId" text UNIQUE, "stripePaidAt" timestamp(3), "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL);

INSERT INTO public."Booking" (id, "userId", "mentorId", status, "totalPrice", "scheduledAt", "durationMinutes", "stripePaymentIntentId", "stripePaidAt", "createdAt", "updatedAt")
SELECT 'ck' || md5(i::text), 'cu' || i % 30, 'cm' || i % 4, status::public."BookingStatus", 4500, at + interval '3 days', 45,
    CASE WHEN status <> 'PENDING' OR i % 2 = 0 THEN 'pi_' || md5('intent' || i) END, CASE WHEN status <> 'PENDING' THEN at + interval '1 minute' END, at, at
FROM (SELECT i, (now() AT TIME ZONE 'utc') - (i - 1) * interval '9 hours' - interval '2 minutes' AS at, CASE
        WHEN i <= 5 THEN 'PENDING' WHEN i <= 9 THEN 'CONFIRMED' WHEN i % 10 = 0 THEN 'CANCELLED' WHEN i % 13 = 0 THEN 'REFUNDED' ELSE 'COMPLETED' END AS status
    FROM generate_series(1, 70) i) made;
