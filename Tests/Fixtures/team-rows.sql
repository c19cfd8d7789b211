-- 1,000 rows over all tables of team-tables.sql, as years of an application leave them: old words for
-- the payment status and one that nobody knows, empty columns, months that do not begin on the first.
INSERT INTO clinics (clinic_id, name, subdomain, created_at, config)
SELECT md5('clinic ' || n)::uuid, 'Clinic ' || n, CASE WHEN n % 5 > 0 THEN 'clinic-' || n END,
    CASE WHEN n % 7 > 0 THEN timestamptz '2023-01-01 UTC' + n * interval '20 days' END,
    CASE WHEN n % 3 = 0 THEN '{"language": "de"}'::jsonb END
FROM generate_series(1, 20) AS n;

INSERT INTO users (email, clinic_id)
SELECT CASE WHEN n % 11 > 0 THEN 'user' || n || '@clinic.example' END,
    CASE WHEN n % 13 > 0 THEN md5('clinic ' || 1 + n % 20)::uuid END
FROM generate_series(1, 120) AS n;

INSERT INTO patients (name, clinic_id)
SELECT CASE WHEN n % 17 > 0 THEN 'Patient ' || n END,
    CASE WHEN n % 19 > 0 THEN md5('clinic ' || 1 + n % 20)::uuid END
FROM generate_series(1, 400) AS n;

INSERT INTO visits (patient_id, visit_date)
SELECT CASE WHEN n % 23 > 0 THEN 1 + n % 400 END,
    CASE WHEN n % 29 > 0 THEN date '2022-06-01' + 5 * n END
FROM generate_series(1, 240) AS n;

INSERT INTO clinic_staff (clinic_id, user_id, role)
SELECT md5('clinic ' || 1 + n % 20)::uuid, 1 + 2 * n, (enum_range(NULL::user_role))[1 + n % 5]
FROM generate_series(1, 40) AS n;

INSERT INTO subscription_plans (name, max_users, max_patients, features) VALUES
    ('Solo', 2, 10, '{"sms": true}'), ('Practice', 25, 10000, '{"sms": true, "metering": {}}'),
    ('Chain', 999999, 999999, '["everything"]');

INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
SELECT md5('clinic ' || n)::uuid, CASE WHEN n % 6 > 0 THEN 1 + n % 3 END,
    date '2024-01-01' + n, date '2025-01-01' + 40 * n,
    (ARRAY['paid', 'trial', 'overdue', 'barter', 'active', 'cancelled'])[1 + n % 6]
FROM generate_series(1, 17) AS n;

-- Three earlier months, and the running one on its first day and on another.
INSERT INTO api_usage (clinic_id, month, api_calls, storage_used)
SELECT md5('clinic ' || n)::uuid,
    (date_trunc('month', now() AT TIME ZONE 'UTC') - back * interval '1 month')::date,
    CASE WHEN (n + back) % 9 > 0 THEN 1000 * n + back END,
    CASE WHEN (n + back) % 8 > 0 THEN 100000 * n END
FROM generate_series(1, 15) AS n, generate_series(0, 3) AS back;
INSERT INTO api_usage (clinic_id, month, api_calls, storage_used) VALUES
    (md5('clinic 1')::uuid, (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '9 days')::date, 7, 0),
    (md5('clinic 2')::uuid, date '2024-05-31', -3, 0),
    (md5('clinic 16')::uuid, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 2147483600, 5);

INSERT INTO file_storage (file_id, clinic_id, patient_id, s3_path, uploader_id, encrypted_key)
SELECT md5('file ' || n)::uuid, CASE WHEN n % 12 > 0 THEN md5('clinic ' || 1 + n % 20)::uuid END,
    CASE WHEN n % 10 > 0 THEN n END, 's3://files/' || n, CASE WHEN n % 9 > 0 THEN 1 + n % 120 END,
    decode(md5('key ' || n), 'hex')
FROM generate_series(1, 57) AS n;

INSERT INTO audit_logs (clinic_id, user_id, action, entity_type, entity_id, "timestamp", ip_address, details)
SELECT CASE WHEN n % 4 > 0 THEN md5('clinic ' || 1 + n % 20)::uuid END, n, 'login', 'user', n,
    timestamptz '2025-01-01 UTC' + n * interval '1 hour',
    CASE WHEN n % 2 = 0 THEN ('192.0.2.' || n)::inet END,
    CASE WHEN n % 3 = 0 THEN jsonb_build_object('n', n) END
FROM generate_series(1, 40) AS n;
