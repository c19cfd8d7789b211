-- The application's tables, names and types as the team wrote them, faults mended.
-- Each mend and its reason: docs/decisions/0002-schema-faults.md.
CREATE TYPE public.user_role AS ENUM (
    'SYSTEM_ADMIN', 'CLINIC_OWNER', 'DENTIST', 'ASSISTANT', 'RECEPTIONIST'
);

CREATE TABLE public.clinics (
    clinic_id uuid PRIMARY KEY,
    name varchar(255) NOT NULL,
    subdomain varchar(63) UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    config jsonb
);

-- clinic_id is NULL for a SYSTEM_ADMIN, who belongs to no clinic.
CREATE TABLE public.users (
    id bigserial PRIMARY KEY,
    email varchar(254) NOT NULL,
    clinic_id uuid REFERENCES public.clinics (clinic_id)
);

CREATE TABLE public.patients (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    clinic_id uuid REFERENCES public.clinics (clinic_id)
);

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

CREATE TABLE public.clinic_staff (
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    user_id bigint REFERENCES public.users (id),
    role public.user_role NOT NULL,
    PRIMARY KEY (clinic_id, user_id)
);

-- entity_id is a number, so a thing keyed by UUID is named in details.
CREATE TABLE public.audit_logs (
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

CREATE TABLE public.file_storage (
    file_id uuid PRIMARY KEY,
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    patient_id bigint REFERENCES public.patients (id),
    s3_path varchar(500) NOT NULL,
    uploader_id bigint REFERENCES public.users (id),
    encrypted_key bytea NOT NULL,
    size_bytes bigint NOT NULL DEFAULT 0 CHECK (size_bytes >= 0)
);
