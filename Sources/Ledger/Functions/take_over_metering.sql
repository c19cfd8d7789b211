-- What the triggers on tables of schema metering keep: buckets that are due, bytes by month, and
-- config versions of clinics with an override. Locks these tables against writing.
CREATE OR REPLACE FUNCTION metering.take_over_metering(is_first boolean, missed text[])
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    LOCK TABLE metering.usage_adjustment, metering.clinic_counter, metering.clinic_override,
        metering.plan_change IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO metering.usage_month AS known (month, bucket, due)
    SELECT DISTINCT month, bucket, true FROM metering.usage_adjustment ORDER BY month, bucket
    ON CONFLICT (month, bucket) DO UPDATE SET due = true
    WHERE known.state = 'open' AND NOT known.due;
    INSERT INTO metering.storage_month AS held (clinic_id, month, bytes, peak)
    SELECT k.clinic_id, date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date,
        greatest(0, c.storage_bytes), greatest(0, c.storage_bytes, latest.bytes)
    -- A deleted clinic has no counter.
    FROM (SELECT clinic_id FROM metering.clinic_counter
        UNION SELECT clinic_id FROM metering.storage_month) AS k
    LEFT JOIN metering.clinic_counter c ON c.clinic_id = k.clinic_id
    LEFT JOIN LATERAL (
        SELECT s.bytes FROM metering.storage_month s WHERE s.clinic_id = k.clinic_id
        ORDER BY s.month DESC LIMIT 1
    ) AS latest ON true
    WHERE greatest(0, c.storage_bytes) <> coalesce(latest.bytes, 0)
    ORDER BY k.clinic_id
    ON CONFLICT (clinic_id, month) DO UPDATE
    SET bytes = excluded.bytes, peak = greatest(held.peak, excluded.bytes);
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM metering.clinic_override));
    UPDATE metering.attention a SET resolved_at = now()
    WHERE a.kind = 'plan_change_failed' AND a.resolved_at IS NULL AND NOT EXISTS (
        SELECT FROM metering.plan_change p WHERE p.clinic_id = a.clinic_id
          AND p.done_at IS NULL AND p.dropped_at IS NULL);
    PERFORM pg_notify('metering_config', ''), pg_notify('metering_keys', '');
    RETURN CASE WHEN NOT is_first THEN nullif(concat_ws('; ',
        CASE WHEN missed && ARRAY['override_insert', 'override_update']
            THEN 'overrides that were set or ended meanwhile have no entry in audit_logs' END,
        CASE WHEN 'note_storage' = ANY (missed) THEN 'peaks of storage may be missing' END), '') END;
END
$$;
REVOKE ALL ON FUNCTION metering.take_over_metering FROM PUBLIC;
