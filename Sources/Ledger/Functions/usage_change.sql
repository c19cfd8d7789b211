-- What api_usage must hold for one month and bucket, and what it holds now:
--   calls    Σ epochs (used − credited) + Σ adjustments; unchanged where the ledger has nothing
--   storage  bytes at the end of the month, or now while it runs; unchanged before the first
--            record, when not `with_storage`, and in an attached database while the clinic has a
--            file of unknown size (0)
-- In an attached database the rows of a clinic belong to the application, and are left out, until
-- metering counts something of the clinic. Its count continues from the application's. From then on
-- the ledger decides, marked by the adjustment 'import:last:<clinic>' (rollup_take_over). NULL
-- before = no row yet. is_known = the clinic exists; usage of a deleted clinic has no place in
-- api_usage.
-- Read it with usage_month (month, bucket) locked FOR UPDATE by an earlier statement. Rows of the
-- bucket's clinics are looked up one by one: a hash of the whole table for each of 64 buckets would
-- read every clinic 64 times. A row in api_usage proves that its clinic is known. The body is text,
-- so that it does not block the team's own ALTER TABLE.
CREATE OR REPLACE FUNCTION metering.usage_change(
    for_month date, for_bucket smallint, with_storage boolean)
    RETURNS TABLE (
        clinic_id uuid, calls_before bigint, calls_after bigint, storage_before bigint,
        storage_after bigint, is_known boolean)
    LANGUAGE sql STABLE
AS $$
    WITH attached AS MATERIALIZED (
        SELECT metering.first_month() IS NOT NULL AS is_so
    ), part AS (
        SELECT c.clinic_id, c.used - c.credited AS units, false AS is_import
        FROM metering.usage_checkpoint c WHERE c.month = for_month AND c.bucket = for_bucket
        UNION ALL
        SELECT a.clinic_id, a.units, starts_with(a.idempotency_key, 'import:')
        FROM metering.usage_adjustment a WHERE a.month = for_month AND a.bucket = for_bucket
    ), counted AS (
        SELECT p.clinic_id, sum(p.units)::bigint AS units, bool_and(p.is_import) AS is_import,
            coalesce(sum(p.units) FILTER (WHERE p.is_import), 0)::bigint AS imported
        FROM part p GROUP BY p.clinic_id
    ), kept AS (
        SELECT k.clinic_id, present.is_so AS is_present, present.api_calls, present.storage_used,
            latest.bytes
        FROM metering.clinic_terms k
        LEFT JOIN LATERAL (
            SELECT true AS is_so, u.api_calls::bigint AS api_calls, u.storage_used
                FROM public.api_usage u
            WHERE u.clinic_id = k.clinic_id AND u.month = for_month LIMIT 1
        ) AS present ON true
        LEFT JOIN LATERAL (
            SELECT s.bytes FROM metering.storage_month s
            WHERE with_storage AND s.clinic_id = k.clinic_id AND s.month <= for_month AND NOT (
                (SELECT is_so FROM attached) AND EXISTS (
                    SELECT FROM public.file_storage f
                    WHERE f.clinic_id = k.clinic_id AND coalesce(f.size_bytes, 0) = 0))
            ORDER BY s.month DESC LIMIT 1
        ) AS latest ON true
        WHERE k.bucket = for_bucket
    ), merged AS (
        SELECT clinic_id, counted.units, counted.imported, NOT counted.is_import AS is_counted,
            kept.is_present, kept.api_calls, kept.storage_used, kept.bytes
        FROM counted FULL JOIN kept USING (clinic_id)
        WHERE counted.clinic_id IS NOT NULL OR kept.is_present OR kept.bytes > 0
    ), ruled AS (
        SELECT m.*, CASE WHEN (SELECT is_so FROM attached) THEN EXISTS (
            SELECT FROM metering.usage_adjustment a
            WHERE a.idempotency_key = 'import:last:' || m.clinic_id) ELSE true END AS is_ours
        FROM merged m
    )
    SELECT r.clinic_id, r.api_calls,
        CASE WHEN r.is_ours THEN coalesce(r.units, r.api_calls, 0)
            ELSE r.units - r.imported + (
                SELECT coalesce(sum(u.api_calls), 0)::bigint FROM public.api_usage u
                WHERE u.clinic_id = r.clinic_id AND u.month >= for_month
                  AND u.month < for_month + interval '1 month') END,
        r.storage_used, coalesce(r.bytes, r.storage_used, 0),
        coalesce(r.is_present, false)
            OR (SELECT true FROM public.clinics c 
                WHERE c.clinic_id = r.clinic_id LIMIT 1) IS NOT NULL
    FROM ruled r WHERE r.is_ours OR r.is_counted
$$;
REVOKE ALL ON FUNCTION metering.usage_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.usage_change TO metering_worker;
