-- An existing database: those of the application's tables that are not there, as a new database has
-- them (V0002, V0003), with row security on. What is there is not touched. A foreign key to a table of
-- the team holds its writers up for a moment.
DO $$
BEGIN
    IF to_regtype('public.user_role') IS NULL THEN
        CREATE TYPE public.user_role AS ENUM (
            'SYSTEM_ADMIN', 'CLINIC_OWNER', 'DENTIST', 'ASSISTANT', 'RECEPTIONIST'
        );
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS public.clinics (
    clinic_id uuid PRIMARY KEY,
    name varchar(255) NOT NULL,
    subdomain varchar(63) UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    config jsonb
);

-- clinic_id is NULL for a SYSTEM_ADMIN, who belongs to no clinic.
CREATE TABLE IF NOT EXISTS public.users (
    id bigserial PRIMARY KEY,
    email varchar(254) NOT NULL,
    clinic_id uuid REFERENCES public.clinics (clinic_id)
);

CREATE TABLE IF NOT EXISTS public.patients (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    clinic_id uuid REFERENCES public.clinics (clinic_id)
);

CREATE TABLE IF NOT EXISTS public.clinic_staff (
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    user_id bigint REFERENCES public.users (id),
    role public.user_role NOT NULL,
    PRIMARY KEY (clinic_id, user_id)
);

-- entity_id is a number, so a thing keyed by UUID is named in details.
CREATE TABLE IF NOT EXISTS public.audit_logs (
    id bigserial PRIMARY KEY,
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    user_id bigint,
    action varchar(50) NOT NULL,
    entity_type varchar(50) NOT NULL,
    entity_id bigint NOT NULL,
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    ip_address inet,
    details jsonb
);

CREATE TABLE IF NOT EXISTS public.file_storage (
    file_id uuid PRIMARY KEY,
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    patient_id bigint REFERENCES public.patients (id),
    s3_path varchar(500) NOT NULL,
    uploader_id bigint REFERENCES public.users (id),
    encrypted_key bytea NOT NULL,
    size_bytes bigint NOT NULL DEFAULT 0 CHECK (size_bytes >= 0)
);
-- −1 means unlimited. Of `features` the key `metering` is read here, all others are the
-- application's; its exact form is checked by the program that reads it.
CREATE TABLE IF NOT EXISTS public.subscription_plans (
    plan_id serial PRIMARY KEY,
    name varchar(50) NOT NULL,
    max_users int NOT NULL CHECK (max_users >= -1),
    max_patients int NOT NULL CHECK (max_patients >= -1),
    features jsonb NOT NULL
        CONSTRAINT subscription_plans_features_check CHECK (
            jsonb_typeof(features) = 'object'
            AND (NOT features ? 'metering' OR jsonb_typeof(features -> 'metering') = 'object')
        )
);

CREATE TABLE IF NOT EXISTS public.clinic_subscriptions (
    clinic_id uuid PRIMARY KEY REFERENCES public.clinics (clinic_id),
    plan_id int REFERENCES public.subscription_plans (plan_id),
    start_date date NOT NULL,
    end_date date NOT NULL CHECK (end_date >= start_date),
    payment_status varchar(20) NOT NULL CHECK (
        payment_status IN (
            'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'canceled',
            'expired'
        )
    ),
    auto_renew boolean NOT NULL DEFAULT true
);

-- Cost units and bytes of one clinic in one calendar month (UTC). Written by the roll-up, which
-- sets it from the ledger; api_calls may be below zero when a correction exceeds the month's use.
CREATE TABLE IF NOT EXISTS public.api_usage (
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    api_calls bigint NOT NULL DEFAULT 0,
    storage_used bigint NOT NULL DEFAULT 0 CHECK (storage_used >= 0),
    PRIMARY KEY (clinic_id, month)
);

DO $$
BEGIN
    IF to_regclass('public.visits') IS NULL THEN
        -- The key holds visit_date because a partitioned table can keep no other key unique.
        CREATE TABLE public.visits (
            id bigserial,
            clinic_id uuid NOT NULL REFERENCES public.clinics (clinic_id),
            patient_id bigint REFERENCES public.patients (id),
            visit_date date NOT NULL,
            notes text,
            PRIMARY KEY (id, visit_date)
        ) PARTITION BY RANGE (visit_date);

        CREATE TABLE public.visits_2023 PARTITION OF public.visits
            FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
        CREATE TABLE public.visits_2024 PARTITION OF public.visits
            FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE public.visits_2025 PARTITION OF public.visits
            FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE TABLE public.visits_2026 PARTITION OF public.visits
            FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        CREATE TABLE public.visits_2027 PARTITION OF public.visits
            FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
        CREATE TABLE public.visits_default PARTITION OF public.visits DEFAULT;
        CREATE INDEX idx_visits_clinic_date ON public.visits (clinic_id, visit_date);
    END IF;
END
$$;

DO $$
DECLARE
    tenant regclass;
BEGIN
    FOR tenant IN
        SELECT c.oid FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'clinic_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relowner = 'metering_owner'::regrole
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tenant);
    END LOOP;
END
$$;
