-- In an attached database: takes over the application's own counts of clinics of one bucket, once
-- metering counts something of the clinic. Changes nothing in a new database.
--   $1 month date      $2 bucket smallint
-- The rows of api_usage, on whatever day of the month, are held until commit: counts that the
-- application adds meanwhile come after.
-- The clinics' config versions rise: their quota of this month restarts from the sum.
-- Uses usage_checkpoint_pkey, usage_adjustment_month and its key. Needs rollup_bucket_lock before
-- it.
WITH counted AS MATERIALIZED (
    SELECT clinic_id FROM metering.usage_checkpoint
    WHERE month = $1::date AND bucket = $2::smallint AND metering.first_month() IS NOT NULL
    UNION
    SELECT clinic_id FROM metering.usage_adjustment
    WHERE month = $1::date AND bucket = $2::smallint AND metering.first_month() IS NOT NULL
      AND NOT starts_with(idempotency_key, 'import:')
), first AS MATERIALIZED (
    SELECT clinic_id FROM counted c WHERE NOT EXISTS (
        SELECT FROM metering.usage_adjustment a
        WHERE a.idempotency_key = 'import:last:' || c.clinic_id)
), present AS MATERIALIZED (
    SELECT u.clinic_id, u.api_calls FROM public.api_usage u JOIN first USING (clinic_id)
    WHERE u.month >= $1::date AND u.month < $1::date + interval '1 month'
    ORDER BY u.clinic_id, u.month FOR UPDATE OF u
), taken AS (
    INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
    SELECT $1::date, f.clinic_id,
        coalesce((SELECT sum(p.api_calls) FROM present p WHERE p.clinic_id = f.clinic_id), 0)
        - coalesce((
            SELECT sum(a.units) FROM metering.usage_adjustment a
            WHERE a.month = $1::date AND a.bucket = $2::smallint AND a.clinic_id = f.clinic_id
              AND starts_with(a.idempotency_key, 'import:')), 0),
        'counted by the application until metering began', 'import:last:' || f.clinic_id
    FROM first f ORDER BY f.clinic_id
    RETURNING clinic_id
)
UPDATE metering.clinic_terms k
SET config_version = k.config_version + 1, changed_xid = pg_current_xact_id()
FROM taken WHERE k.clinic_id = taken.clinic_id
