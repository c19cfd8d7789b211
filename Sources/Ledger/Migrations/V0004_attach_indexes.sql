-- returns statements for the connecting role
-- An existing database: the size of a file, and the indexes that counting and rolling up need.
--
-- The size: neither statement reads a row while others wait. Old rows get their 0 from the catalog,
-- and the check is validated beside running writers. An existing column size_bytes is used as it
-- is.
-- The indexes: one is built unless the team has an index that begins with the same columns. Builds
-- run beside writers, each waits for the transactions that are open when it begins, and the remains
-- of an interrupted build are dropped first. PostgreSQL builds none concurrently on a partitioned
-- table; attach_problems asks for those that are necessary there.
WITH size AS (
    SELECT 'ALTER TABLE public.file_storage ADD COLUMN size_bytes bigint NOT NULL DEFAULT 0,'
            ' ADD CONSTRAINT metering_size_bytes_check CHECK (size_bytes >= 0) NOT VALID'
                AS statement
    WHERE to_regclass('public.file_storage') IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.file_storage')
          AND attname = 'size_bytes' AND NOT attisdropped)
    UNION ALL
    SELECT 'ALTER TABLE public.file_storage VALIDATE CONSTRAINT metering_size_bytes_check'
    WHERE to_regclass('public.file_storage') IS NOT NULL AND (NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.file_storage')
              AND attname = 'size_bytes' AND NOT attisdropped)
        OR EXISTS (
            SELECT FROM pg_constraint WHERE conrelid = to_regclass('public.file_storage')
              AND conname = 'metering_size_bytes_check' AND NOT convalidated))
), wanted AS (
    SELECT t.*, to_regclass('public.' || relation) AS relid FROM (VALUES
        ('metering_users_clinic', 'users', ARRAY['clinic_id'], '(clinic_id)'),
        ('metering_patients_clinic', 'patients', ARRAY['clinic_id'], '(clinic_id)'),
        ('metering_file_storage_clinic', 'file_storage', ARRAY['clinic_id'],
            '(clinic_id) INCLUDE (size_bytes)'),
        -- Finds a file of unknown size.
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
SELECT statement, runs_alone FROM (
    SELECT 1 AS place, statement, false AS runs_alone FROM size
    UNION ALL
    SELECT 2, format('DROP INDEX CONCURRENTLY public.%I', name), true
    FROM present WHERE relname = name AND NOT indisvalid
    UNION ALL
    SELECT 3, format('CREATE INDEX CONCURRENTLY %I ON public.%I %s', name, relation, definition),
        true
    FROM wanted WHERE name NOT IN (SELECT name FROM present)
      AND EXISTS (SELECT FROM pg_class WHERE oid = relid AND relkind = 'r')
) AS step ORDER BY place, statement
