-- Makes a roll-up of many clinics as cheap as its writes.
--
-- A closed month is refused once a statement, not once a row: the function for each row cost more than the write.
CREATE FUNCTION metering.refuse_closed_months() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    frozen date;
BEGIN
    -- A trigger for one event may name its rows; one function serves three.
    IF TG_OP <> 'DELETE' THEN
        SELECT m.month INTO frozen FROM metering.usage_month m
        WHERE m.state = 'closed' AND EXISTS (
            SELECT FROM new_rows r WHERE r.month = m.month AND metering.bucket(r.clinic_id) = m.bucket)
        LIMIT 1 FOR SHARE OF m;
    END IF;
    IF frozen IS NULL AND TG_OP <> 'INSERT' THEN
        SELECT m.month INTO frozen FROM metering.usage_month m
        WHERE m.state = 'closed' AND EXISTS (
            SELECT FROM old_rows r WHERE r.month = m.month AND metering.bucket(r.clinic_id) = m.bucket)
        LIMIT 1 FOR SHARE OF m;
    END IF;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION 'month % is closed', to_char(frozen, 'YYYY-MM')
            USING ERRCODE = 'BQ010', TABLE = 'api_usage', SCHEMA = 'public',
            HINT = 'Later usage is billed in the oldest open month.';
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION metering.refuse_closed_months() FROM PUBLIC;
CREATE TRIGGER refuse_closed_month_insert AFTER INSERT ON public.api_usage
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.refuse_closed_months();
CREATE TRIGGER refuse_closed_month_update AFTER UPDATE ON public.api_usage
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.refuse_closed_months();
CREATE TRIGGER refuse_closed_month_delete AFTER DELETE ON public.api_usage
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.refuse_closed_months();

-- The trigger for each row goes where we may drop it; where the table is the team's it stays, and lets all pass.
CREATE OR REPLACE FUNCTION metering.refuse_closed_month() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
DO $$
BEGIN
    IF pg_has_role((SELECT relowner FROM pg_class WHERE oid = 'public.api_usage'::regclass), 'USAGE') THEN
        DROP TRIGGER refuse_closed_month ON public.api_usage;
        -- Every roll-up updates these rows: with room on their page their indexes stay as they are (HOT).
        ALTER TABLE public.api_usage SET (fillfactor = 45);
    END IF;
END
$$;

-- The same as before, but rows of the bucket's clinics are looked up one by one: a hash of the whole table for each
-- of 64 buckets read every clinic 64 times. A row in api_usage proves that its clinic is known.
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
        SELECT k.clinic_id, present.is_so AS is_present, present.api_calls, present.storage_used, latest.bytes
        FROM metering.clinic_config k
        LEFT JOIN LATERAL (
            SELECT true AS is_so, u.api_calls::bigint AS api_calls, u.storage_used FROM public.api_usage u
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
            OR (SELECT true FROM public.clinics c WHERE c.clinic_id = r.clinic_id LIMIT 1) IS NOT NULL
    FROM ruled r WHERE r.is_ours OR r.is_counted
$$;
