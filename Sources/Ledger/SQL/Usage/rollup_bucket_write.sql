-- Sets api_usage of one bucket to the ledger, only where it differs, records the new totals by day,
-- and marks the bucket done.
--   $1 month date      $2 bucket smallint
-- Returns examined, written (rows), ownerless (deleted clinics; left out) and too_large: totals
-- that a column api_calls of type int cannot hold. Their rows stay unchanged, and
-- metering.attention records them until they fit. The day is today within the month, else its
-- nearest day, and never before one already recorded: so the days of a month add up to its
-- api_calls, however often this runs. Uses usage_checkpoint_pkey, api_usage_pkey, the key of
-- usage_daily. Needs rollup_bucket_lock, and then rollup_take_over, before it in its transaction.
WITH held_type AS MATERIALIZED (
    SELECT CASE atttypid WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END AS most
    FROM pg_attribute WHERE attrelid = 'public.api_usage'::regclass AND attname = 'api_calls'
), change AS MATERIALIZED (
    SELECT c.*, calls_after BETWEEN -(SELECT most FROM held_type) - 1
        AND (SELECT most FROM held_type)
        AS fits
    FROM metering.usage_change($1::date, $2::smallint, true) c
), written AS (
    INSERT INTO public.api_usage AS held (clinic_id, month, api_calls, storage_used)
    SELECT clinic_id, $1::date, calls_after, storage_after FROM change
    WHERE is_known AND fits
      AND (calls_before, storage_before) IS DISTINCT FROM (calls_after, storage_after)
    ORDER BY clinic_id
    ON CONFLICT (clinic_id, month) DO UPDATE
    -- Kept storage is the application's, which may have counted while this waited for the row.
    SET api_calls = excluded.api_calls, storage_used = CASE WHEN excluded.clinic_id IN (
        SELECT clinic_id FROM change WHERE coalesce(storage_before, 0) = storage_after)
        THEN coalesce(held.storage_used, 0) ELSE excluded.storage_used END
    WHERE (held.api_calls, held.storage_used) IS DISTINCT FROM
        (excluded.api_calls, excluded.storage_used)
    RETURNING 1
), noted AS (
    INSERT INTO metering.usage_daily (month, clinic_id, day, units_total)
    SELECT $1::date, change.clinic_id, greatest(latest.day, $1::date, least(
            (statement_timestamp() AT TIME ZONE 'UTC')::date,
            ($1::date + interval '1 month' - interval '1 day')::date)), change.calls_after
    FROM change LEFT JOIN LATERAL (
        SELECT d.day, d.units_total FROM metering.usage_daily d
        WHERE d.month = $1::date AND d.clinic_id = change.clinic_id ORDER BY d.day DESC LIMIT 1
    ) AS latest ON true
    WHERE change.is_known AND change.fits
        AND change.calls_before IS DISTINCT FROM change.calls_after
      AND coalesce(latest.units_total, 0) <> change.calls_after
    ORDER BY change.clinic_id
    ON CONFLICT (month, clinic_id, day) DO UPDATE SET units_total = excluded.units_total
), flagged AS MATERIALIZED (
    SELECT metering.note_attention('int_overflow', clinic_id, to_char($1::date, 'YYYY-MM'), format(
        'api_calls is INT and cannot hold %s; its row was left as it is: metering-worker migrate'
        ' --rewrite', calls_after))
    FROM change WHERE is_known AND NOT fits
), resolved AS MATERIALIZED (
    SELECT metering.resolve_attention('int_overflow', c.clinic_id, a.subject)
    FROM change c JOIN metering.attention a ON a.clinic_id = c.clinic_id
        AND a.kind = 'int_overflow' AND a.resolved_at IS NULL
        AND a.subject = to_char($1::date, 'YYYY-MM')
    WHERE c.fits
), done AS (
    UPDATE metering.usage_month SET due = false, rolled_up_at = statement_timestamp()
    WHERE month = $1::date AND bucket = $2::smallint
)
SELECT (SELECT count(*) FROM change) AS examined, (SELECT count(*) FROM written) AS written,
    (SELECT count(*) FROM change WHERE NOT is_known) AS ownerless,
    (SELECT count(*) FROM flagged) AS too_large, (SELECT count(*) FROM resolved) AS resolved
