-- Very many clinics, very large numbers and names of the greatest length.
INSERT INTO subscription_plans (name, max_users, max_patients, features) VALUES
    (repeat('W', 50), 2147483647, 2147483647,
     '{"metering": {"quota": {"api_calls": 9007199254740991}, "storage_bytes": 9007199254740991}}');
INSERT INTO clinics (clinic_id, name, subdomain, created_at)
SELECT md5('c' || n)::uuid, CASE WHEN n % 2 = 0 THEN repeat('W', 255) ELSE left(n || ' ' || repeat('Zahnarzt ', 29), 255) END,
    'c' || n || repeat('w', 63 - length('c' || n)), '2020-01-01'
FROM generate_series(1, 2000) AS n;
INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
SELECT clinic_id, 1, '2025-01-01', '2099-01-01', 'active' FROM clinics;
INSERT INTO api_usage (clinic_id, month, api_calls, storage_used)
SELECT clinic_id, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 9223372036854775807, 9223372036854775807
FROM clinics;
INSERT INTO metering.usage_daily (month, clinic_id, day, units_total)
SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date, clinic_id, (now() AT TIME ZONE 'UTC')::date,
    9223372036854775807
FROM clinics;
