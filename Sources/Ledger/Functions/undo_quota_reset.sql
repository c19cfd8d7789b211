-- Undoes the latest reset of the running month, once; returns the units that count again, NULL when
-- the month has no reset that still stands. The reset stays in the table, and a row beside it takes
-- its units back. The lock of the clinic's terms serializes it with resets.
CREATE OR REPLACE FUNCTION metering.undo_quota_reset(clinic uuid, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    running date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    undone metering.quota_reset;
    entry bigint;
BEGIN
    PERFORM FROM public.clinics c WHERE c.clinic_id = clinic;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM metering.raise_config_version(ARRAY[clinic]);
    SELECT r.* INTO undone FROM metering.quota_reset r
    WHERE r.clinic_id = clinic AND r.month = running AND r.undoes IS NULL AND NOT EXISTS (
        SELECT FROM metering.quota_reset u WHERE u.undoes = r.id)
    ORDER BY r.id DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO metering.quota_reset (clinic_id, month, units, undoes, reason)
    VALUES (clinic, running, -undone.units, undone.id, why) RETURNING id INTO entry;
    PERFORM metering.audit_quota(clinic, 'quota_reset_undone', entry, jsonb_build_object(
        'month', to_char(running, 'YYYY-MM'), 'units', undone.units, 'reset', undone.id,
        'reason', why, 'by', session_user));
    RETURN undone.units;
END
$$;
REVOKE ALL ON FUNCTION metering.undo_quota_reset FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.undo_quota_reset TO billing_admin;
