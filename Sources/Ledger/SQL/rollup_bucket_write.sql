-- Sets api_usage of one bucket to the ledger, only where it differs, and marks the bucket done.
--   $1 month date      $2 bucket smallint
-- Answers examined, written (rows) and ownerless (clinics that are gone; left out).
-- Uses usage_checkpoint_pkey, api_usage_pkey. Needs rollup_bucket_lock before it in its transaction.
WITH change AS MATERIALIZED (
    SELECT * FROM metering.usage_change($1::date, $2::smallint, true)
), written AS (
    INSERT INTO public.api_usage AS held (clinic_id, month, api_calls, storage_used)
    SELECT clinic_id, $1::date, calls_after, storage_after FROM change
    WHERE is_known AND (calls_before, storage_before) IS DISTINCT FROM (calls_after, storage_after)
    ORDER BY clinic_id
    ON CONFLICT (clinic_id, month) DO UPDATE
    SET api_calls = excluded.api_calls, storage_used = excluded.storage_used
    WHERE (held.api_calls, held.storage_used) IS DISTINCT FROM
        (excluded.api_calls, excluded.storage_used)
    RETURNING 1
), done AS (
    UPDATE metering.usage_month SET due = false, rolled_up_at = statement_timestamp()
    WHERE month = $1::date AND bucket = $2::smallint
)
SELECT (SELECT count(*) FROM change) AS examined, (SELECT count(*) FROM written) AS written,
    (SELECT count(*) FROM change WHERE NOT is_known) AS ownerless
