-- The tables of a live-help marketplace, as many have them. Nothing here knows Curfew.
CREATE TABLE public.sessions (
  id                uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id       text        NOT NULL,
  mechanic_id       text,
  plan              text        NOT NULL,
  status            text        NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'waiting', 'live', 'completed', 'cancelled')),
  stripe_session_id text        NOT NULL UNIQUE,
  created_at        timestamptz NOT NULL DEFAULT now(),
  expires_at        timestamptz,  -- written, and acted on by nobody
  accepted_at       timestamptz,
  started_at        timestamptz,
  ended_at          timestamptz,
  end_reason        text
);
CREATE TABLE public.session_requests (
  id          uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id  uuid        NOT NULL REFERENCES public.sessions ON DELETE CASCADE,
  status      text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'cancelled')),
  mechanic_id text,
  created_at  timestamptz NOT NULL DEFAULT now()
);
