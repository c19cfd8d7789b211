-- Takes over, once, the usage that the application counted itself. Its rows stay as they are, and
-- it cannot write them while this runs. A new database has none. Later nothing is read: roll-ups set
-- the totals of open months, and who changed a row of a closed month is not recorded.
CREATE OR REPLACE FUNCTION metering.take_over_usage(is_first boolean, missed text[])
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM metering.require_all_rows('api_usage', 'clinics');
    LOCK TABLE public.api_usage IN SHARE ROW EXCLUSIVE MODE;
    IF NOT is_first THEN
        RETURN CASE WHEN cardinality(missed) > 0
                AND EXISTS (SELECT FROM metering.usage_month WHERE state = 'closed')
            THEN 'rows of api_usage in closed months may have been changed' END;
    END IF;

    INSERT INTO metering.installation (kind, metering_since)
    SELECT 'attached', now() WHERE NOT EXISTS (SELECT FROM metering.installation);
    -- A new database has none, and an import whose record was lost is not repeated: by now roll-ups
    -- have set totals.
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    -- Each row of this month or later starts its month's total, whatever its day.
    INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
    SELECT date_trunc('month', u.month)::date, u.clinic_id, u.api_calls,
        'counted by the application before metering', 'import:' || u.month || ':' || u.clinic_id
    FROM public.api_usage u
    WHERE u.month >= metering.first_month() AND isfinite(u.month)
      AND u.api_calls::numeric BETWEEN -9007199254740991 AND 9007199254740991 AND u.api_calls <> 0
    ORDER BY u.month, u.clinic_id;

    -- Earlier months are never summed here.
    INSERT INTO metering.usage_month (month, bucket, state)
    SELECT DISTINCT date_trunc('month', u.month)::date, bucket::smallint, 'imported'
    FROM public.api_usage u CROSS JOIN generate_series(0, 63) AS bucket
    WHERE u.month < metering.first_month() AND isfinite(u.month)
    ON CONFLICT (month, bucket) DO NOTHING;

    -- What was odd in the rows: nothing is changed for it.
    PERFORM metering.note_attention('odd_usage', u.clinic_id, u.month::text, concat_ws('; ',
        CASE WHEN NOT isfinite(u.month) THEN 'the month has no end; it is left out'
            WHEN extract(day FROM u.month) <> 1
            THEN 'the month is not the first of a month; it counts as '
                || to_char(u.month, 'YYYY-MM') END,
        CASE WHEN u.api_calls IS NULL THEN 'api_calls is empty; it counts as 0'
            WHEN u.api_calls < 0 THEN 'api_calls is below zero'
            WHEN u.api_calls::numeric > 9007199254740991
                THEN 'api_calls is too large; it is left out' END,
        CASE WHEN u.storage_used IS NULL THEN 'storage_used is empty'
            WHEN u.storage_used < 0 THEN 'storage_used is below zero' END,
        CASE WHEN NOT EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = u.clinic_id)
            THEN 'the clinic does not exist' END))
    FROM public.api_usage u
    WHERE metering.first_month() IS NOT NULL AND (NOT isfinite(u.month)
        OR extract(day FROM u.month) <> 1 OR u.api_calls IS NULL OR u.api_calls < 0
        OR u.api_calls::numeric > 9007199254740991 OR u.storage_used IS NULL OR u.storage_used < 0
        OR NOT EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = u.clinic_id));
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.take_over_usage FROM PUBLIC;
