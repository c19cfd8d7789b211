-- answers statements for the connecting role
-- An existing database: the indexes that counting and rolling up need, unless the team has one that
-- begins with the same columns. Built beside running writers; what an interrupted build left behind is
-- dropped first. Each build waits for the transactions that are open when it begins.
WITH wanted AS (
    SELECT t.*, to_regclass('public.' || relation) AS relid FROM (VALUES
        ('metering_users_clinic', 'users', ARRAY['clinic_id'], '(clinic_id)'),
        ('metering_patients_clinic', 'patients', ARRAY['clinic_id'], '(clinic_id)'),
        ('metering_file_storage_clinic', 'file_storage', ARRAY['clinic_id'],
            '(clinic_id) INCLUDE (size_bytes)'),
        -- Finds a file whose size nobody told.
        ('metering_file_storage_unsized', 'file_storage', NULL,
            '(clinic_id) WHERE coalesce(size_bytes, 0) = 0'),
        ('metering_clinic_subscriptions_plan', 'clinic_subscriptions', ARRAY['plan_id'],
            '(plan_id)'),
        ('metering_api_usage_month', 'api_usage', ARRAY['month', 'clinic_id'],
            '(month, clinic_id)')
    ) AS t (name, relation, columns, definition)
), present AS (
    SELECT w.name, i.indisvalid, c.relname FROM wanted w
    JOIN pg_index i ON i.indrelid = w.relid JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relname = w.name OR (
        i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts >= cardinality(w.columns)
        AND w.columns = ARRAY(
            SELECT a.attname::text FROM generate_series(0, cardinality(w.columns) - 1) AS place
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place]
            ORDER BY place))
)
SELECT format('DROP INDEX CONCURRENTLY public.%I', name) AS statement, true AS runs_alone
FROM present WHERE relname = name AND NOT indisvalid
UNION ALL
SELECT format('CREATE INDEX CONCURRENTLY %I ON public.%I %s', name, relation, definition), true
FROM wanted WHERE relid IS NOT NULL AND name NOT IN (SELECT name FROM present)
