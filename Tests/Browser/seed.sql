-- A month as a software house has it, for the page that the browser test looks at: 64 clinics on four plans, names
-- that people typed with care and without, every standing, thirteen months of calls, days of the present month.
INSERT INTO subscription_plans (name, max_users, max_patients, features) VALUES
    ('Solo', 2, 1000, '{"metering": {"quota": {"api_calls": 10000}, "storage_bytes": 10737418240}}'),
    ('Practice', 25, 10000, '{"metering": {"quota": {"api_calls": 500000}, "storage_bytes": 107374182400}}'),
    ('Trial', 1, 50, '{"metering": {"quota": {"api_calls": 100}, "storage_bytes": 1073741824}}'),
    ('Enterprise, every option, all branches', -1, -1, '{"metering": {}}');

CREATE TEMP TABLE made AS
SELECT n, md5('clinic' || n)::uuid AS id, CASE n
        WHEN 1 THEN '<script>alert(1)</script><img src=x onerror=alert(2)>'
        WHEN 2 THEN '"' || U&'\0301' || ' onmouseover=alert(3) x="'
        WHEN 3 THEN 'Gemeinschaftspraxis für Zahn-, Mund- und Kieferheilkunde am Universitätsklinikum Rechts der Isar'
        WHEN 4 THEN U&'\202E' || 'gnp.xsl evil' || U&'\202E'
        WHEN 5 THEN '齒科診療所 東京都千代田区丸の内一丁目 総合口腔医療センター'
        WHEN 6 THEN 'عيادة الأسنان المركزية'
        WHEN 7 THEN 'Donaudampfschifffahrtsgesellschaftskapitänszahnarztpraxisnachfolgegemeinschaft'
        WHEN 8 THEN E'bell\u0007 and escape \u001B[31m'
        WHEN 9 THEN '=SUM(A1:A9)'
        ELSE (ARRAY['Smile', 'Molar', 'Bright', 'Elm Street', 'Lakeside', 'Harbour', 'Old Town', 'Garden'])[1 + n % 8]
            || ' ' || (ARRAY['Dental', 'Dentistry', 'Orthodontics', 'Practice'])[1 + n % 4] || ' ' || n
        END AS name, 1 + n % 4 AS plan,
    ('x' || substr(md5('a' || n), 1, 7))::bit(28)::bigint AS chance
FROM generate_series(1, 64) AS n;

INSERT INTO clinics (clinic_id, name, subdomain, created_at)
SELECT id, name, CASE WHEN n % 9 > 0 THEN 'clinic-' || n END, now() - interval '2 years' FROM made;

INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
SELECT id, plan, '2025-01-01', '2099-01-01', CASE WHEN n BETWEEN 10 AND 13 THEN 'past_due' WHEN n = 14 THEN 'suspended'
    WHEN n = 15 THEN 'paused' WHEN n IN (16, 17) THEN 'incomplete' WHEN n = 18 THEN 'canceled' WHEN n = 19 THEN 'expired'
    WHEN n % 7 = 0 THEN 'trialing' ELSE 'active' END
FROM made WHERE n % 16 <> 0;

ALTER TABLE clinic_subscriptions DROP CONSTRAINT IF EXISTS metering_payment_status_check;
DO $$ BEGIN
    UPDATE clinic_subscriptions SET payment_status = 'awaiting_wire' WHERE clinic_id = md5('clinic20')::uuid;
EXCEPTION WHEN check_violation OR raise_exception THEN NULL; END $$;

UPDATE metering.limit_mode SET enforced = false;
INSERT INTO users (email, clinic_id)
SELECT 'u' || n || '-' || k || '@example.com', id FROM made, generate_series(1, 40) AS k WHERE k <= 1 + chance % 30;
INSERT INTO patients (name, clinic_id)
SELECT 'p', id FROM made, generate_series(1, 1200) AS k WHERE k <= chance % 1200;
INSERT INTO file_storage (file_id, clinic_id, s3_path, encrypted_key, size_bytes)
SELECT gen_random_uuid(), id, 's3://b/' || n, '\x00', chance * (chance % 997) FROM made WHERE n % 5 > 0;

INSERT INTO api_usage (clinic_id, month, api_calls, storage_used)
SELECT id, month::date, CASE WHEN n = 2 THEN 9007199254740991 / 1000000 ELSE
        (chance % (CASE plan WHEN 1 THEN 12000 WHEN 2 THEN 600000 WHEN 3 THEN 140 ELSE 900000 END))
        * (70 + extract(month FROM month)::bigint * 3) / 100 END, chance
FROM made, generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '12 months',
    date_trunc('month', now() AT TIME ZONE 'UTC'), interval '1 month') AS month
WHERE n % 13 > 0;

INSERT INTO metering.usage_daily (month, clinic_id, day, units_total)
SELECT month::date, id, day::date, total FROM (
    SELECT id, n, date_trunc('month', day) AS month, day,
        sum(CASE WHEN extract(isodow FROM day) > 5 THEN chance % 300 ELSE 2000 + chance % 9000
            + (extract(day FROM day)::bigint * 7919) % 3000 END)
            OVER (PARTITION BY id, date_trunc('month', day) ORDER BY day) AS total
    FROM made, generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month',
        now() AT TIME ZONE 'UTC', interval '1 day') AS day
) AS made_up;

INSERT INTO metering.usage_month (month, bucket, due, rolled_up_at)
SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date, bucket, false, now() - interval '42 seconds'
FROM generate_series(0, 63) AS bucket ON CONFLICT DO NOTHING;
INSERT INTO metering.counter_drift (clinic_id, counter, kept, counted)
SELECT id, 'patients', 3, 4 FROM made WHERE n IN (21, 22);
SELECT metering.note_attention('unknown_status', md5('clinic20')::uuid, 'awaiting_wire', 'nobody knows this word');
