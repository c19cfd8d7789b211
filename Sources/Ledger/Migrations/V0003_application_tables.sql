-- The application's tables, with the team's names and types and the faults of the design corrected
-- (docs/decisions/0002-schema-faults.md). A new database gets all of them, an attached one those
-- that are missing; an existing table is not touched. A foreign key to a table of the team blocks
-- its writers for a moment. Constraints that the team's design does not have are named metering_….
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

DO $$
BEGIN
    IF to_regclass('public.visits') IS NULL THEN
        -- A unique key of a partitioned table must contain the partition key, so visit_date is in
        -- it.
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
        -- PostgreSQL builds no index concurrently on a partitioned table; this one is empty.
        CREATE INDEX idx_visits_clinic_date ON public.visits (clinic_id, visit_date);
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS public.clinic_staff (
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    user_id bigint REFERENCES public.users (id),
    role public.user_role NOT NULL,
    PRIMARY KEY (clinic_id, user_id)
);

-- entity_id is a number, so an entity with a UUID as its key is named in details.
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
    size_bytes bigint NOT NULL DEFAULT 0,
    CONSTRAINT metering_size_bytes_check CHECK (size_bytes >= 0)
);

-- −1 means unlimited. Only the key `metering` of `features` is read here, all others are the
-- application's; the program that reads it checks its exact form.
CREATE TABLE IF NOT EXISTS public.subscription_plans (
    plan_id serial PRIMARY KEY,
    name varchar(50) NOT NULL,
    max_users int NOT NULL,
    max_patients int NOT NULL,
    features jsonb NOT NULL,
    CONSTRAINT metering_max_users_check CHECK (max_users >= -1),
    CONSTRAINT metering_max_patients_check CHECK (max_patients >= -1),
    CONSTRAINT metering_features_check CHECK (
        jsonb_typeof(features) = 'object'
        AND (NOT features ? 'metering' OR jsonb_typeof(features -> 'metering') = 'object')
    )
);

CREATE TABLE IF NOT EXISTS public.clinic_subscriptions (
    clinic_id uuid PRIMARY KEY REFERENCES public.clinics (clinic_id),
    plan_id int REFERENCES public.subscription_plans (plan_id),
    start_date date NOT NULL,
    end_date date NOT NULL,
    payment_status varchar(20) NOT NULL,
    auto_renew boolean NOT NULL DEFAULT true,
    CONSTRAINT metering_end_date_check CHECK (end_date >= start_date),
    CONSTRAINT metering_payment_status_check CHECK (
        payment_status IN (
            'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'canceled',
            'expired'
        )
    )
);

-- Cost units and bytes of one clinic in one calendar month (UTC). The roll-up sets them from the
-- ledger; api_calls may be below zero when corrections exceed the month's use. Every roll-up
-- updates these rows:
-- pages keep room, so that an update stays on its page and touches no index (HOT).
CREATE TABLE IF NOT EXISTS public.api_usage (
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    month date NOT NULL,
    api_calls bigint NOT NULL DEFAULT 0,
    storage_used bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (clinic_id, month),
    CONSTRAINT metering_month_check CHECK (extract(day FROM month) = 1),
    CONSTRAINT metering_storage_used_check CHECK (storage_used >= 0)
) WITH (fillfactor = 45);

-- Tables that were made here have row security on. Without FORCE: the owner's COPY and pg_dump go
-- on working. A query that names a partition does not pass its parent's policies, so partitions
-- have it too.
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
