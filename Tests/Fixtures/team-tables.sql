-- A database as a team has it: the smallest tables that the design document builds on, then the
-- document's statements as they are written, in its order. `-- refused: CODE` stands before a statement
-- that PostgreSQL itself refuses, with its SQLSTATE; the rest of the database does without it.
CREATE TABLE users (id bigserial PRIMARY KEY, email text);
CREATE TABLE patients (id bigserial PRIMARY KEY, name text);
CREATE TABLE visits (id bigserial PRIMARY KEY, patient_id bigint, visit_date date);

CREATE TABLE clinics (
    clinic_id UUID PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    subdomain VARCHAR(63) UNIQUE,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    config JSONB -- Clinic-specific settings
);

-- Add clinic_id to all existing tables
ALTER TABLE users ADD COLUMN clinic_id UUID REFERENCES clinics(clinic_id);
ALTER TABLE patients ADD COLUMN clinic_id UUID REFERENCES clinics(clinic_id);

CREATE TYPE user_role AS ENUM (
    'SYSTEM_ADMIN',
    'CLINIC_OWNER',
    'DENTIST',
    'ASSISTANT',
    'RECEPTIONIST'
);

CREATE TABLE audit_logs (
    id BIGSERIAL PRIMARY KEY,
    clinic_id UUID REFERENCES clinics(clinic_id),
    user_id BIGINT,
    action VARCHAR(50) NOT NULL,
    entity_type VARCHAR(50) NOT NULL,
    entity_id BIGINT NOT NULL,
    timestamp TIMESTAMPTZ DEFAULT NOW(),
    ip_address INET,
    details JSONB
);

CREATE INDEX CONCURRENTLY idx_patients_clinic ON patients(clinic_id);
-- refused: 42703 (visits has no clinic_id: the document adds it to users and patients only)
CREATE INDEX CONCURRENTLY idx_visits_clinic_date ON visits(clinic_id, visit_date);

-- refused: 42601 (a partitioned table names its columns)
CREATE TABLE visit_partitions PARTITION BY RANGE (visit_date);
-- refused: 42P17 (visits is not partitioned)
CREATE TABLE visits_2023 PARTITION OF visits FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');

-- Many-to-many clinic-staff relationships
CREATE TABLE clinic_staff (
    clinic_id UUID REFERENCES clinics(clinic_id),
    user_id BIGINT REFERENCES users(id),
    role user_role NOT NULL,
    PRIMARY KEY (clinic_id, user_id)
);

CREATE TABLE subscription_plans (
    plan_id SERIAL PRIMARY KEY,
    name VARCHAR(50) NOT NULL,
    max_users INT NOT NULL,
    max_patients INT NOT NULL,
    features JSONB NOT NULL
);

CREATE TABLE clinic_subscriptions (
    clinic_id UUID PRIMARY KEY REFERENCES clinics(clinic_id),
    plan_id INT REFERENCES subscription_plans(plan_id),
    start_date DATE NOT NULL,
    end_date DATE NOT NULL,
    payment_status VARCHAR(20) NOT NULL
);

ALTER TABLE patients ENABLE ROW LEVEL SECURITY;

-- refused: 42883 (uuid = text)
CREATE POLICY patient_clinic_isolation
ON patients
FOR ALL
TO PUBLIC
USING (clinic_id = current_setting('app.current_clinic_id'));

CREATE TABLE api_usage (
    clinic_id UUID REFERENCES clinics(clinic_id),
    month DATE NOT NULL,
    api_calls INT DEFAULT 0,
    storage_used BIGINT DEFAULT 0,
    PRIMARY KEY (clinic_id, month)
);

CREATE TABLE file_storage (
    file_id UUID PRIMARY KEY,
    clinic_id UUID REFERENCES clinics(clinic_id),
    patient_id BIGINT REFERENCES patients(id),
    s3_path VARCHAR(500) NOT NULL,
    uploader_id BIGINT REFERENCES users(id),
    encrypted_key BYTEA NOT NULL
);
