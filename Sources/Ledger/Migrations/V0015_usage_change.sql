-- What api_usage shall hold for one month and bucket, beside what it holds now:
--   calls    Σ epochs (used − credited) + Σ adjustments; kept as it is where the ledger has nothing
--   storage  Σ file sizes of the clinic when `with_storage`, else kept as it is
-- NULL before = no row yet. is_known = the clinic exists; usage of one that does not has no place in
-- api_usage. Read it with usage_month (month, bucket) locked FOR UPDATE by an earlier statement.
CREATE FUNCTION metering.usage_change(for_month date, for_bucket smallint, with_storage boolean)
    RETURNS TABLE (
        clinic_id uuid, calls_before bigint, calls_after bigint, storage_before bigint,
        storage_after bigint, is_known boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH part AS (
        SELECT c.clinic_id, c.used - c.credited AS units FROM metering.usage_checkpoint c
        WHERE c.month = for_month AND c.bucket = for_bucket
        UNION ALL
        SELECT a.clinic_id, a.units FROM metering.usage_adjustment a
        WHERE a.month = for_month AND a.bucket = for_bucket
    ), counted AS (
        SELECT p.clinic_id, sum(p.units)::bigint AS units FROM part p GROUP BY p.clinic_id
    ), present AS (
        SELECT k.clinic_id, u.api_calls, u.storage_used FROM metering.clinic_config k
        JOIN public.api_usage u ON u.clinic_id = k.clinic_id AND u.month = for_month
        WHERE k.bucket = for_bucket
    ), filed AS (
        SELECT k.clinic_id, sum(f.size_bytes)::bigint AS bytes FROM metering.clinic_config k
        JOIN public.file_storage f ON f.clinic_id = k.clinic_id
        WHERE with_storage AND k.bucket = for_bucket GROUP BY k.clinic_id
    ), merged AS (
        SELECT clinic_id, present.api_calls AS calls_before,
            coalesce(counted.units, present.api_calls, 0) AS calls_after,
            present.storage_used AS storage_before,
            CASE WHEN with_storage THEN coalesce(filed.bytes, 0)
                ELSE coalesce(present.storage_used, 0) END AS storage_after
        FROM counted FULL JOIN present USING (clinic_id) FULL JOIN filed USING (clinic_id)
    )
    SELECT m.clinic_id, m.calls_before, m.calls_after, m.storage_before, m.storage_after,
        EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = m.clinic_id)
    FROM merged m;
END;
