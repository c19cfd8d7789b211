-- Starts the quota of the running month again; returns the units that no longer count, NULL for an
-- unknown clinic. The lock of the clinic's terms serializes concurrent calls.
CREATE OR REPLACE FUNCTION metering.reset_quota(clinic uuid, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    running date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    counted numeric;
    entry bigint;
BEGIN
    PERFORM FROM public.clinics c WHERE c.clinic_id = clinic;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Locks before the sum, so that a second reset sees the first.
    PERFORM metering.raise_config_version(ARRAY[clinic]);
    SELECT coalesce((SELECT sum(u.used - u.credited) FROM metering.usage_checkpoint u
            WHERE u.month = running AND u.bucket = metering.bucket(clinic)
                AND u.clinic_id = clinic), 0)
        + coalesce((SELECT sum(a.units) FROM metering.usage_adjustment a
            WHERE a.month = running AND a.bucket = metering.bucket(clinic)
                AND a.clinic_id = clinic), 0)
        - coalesce((SELECT sum(r.units) FROM metering.quota_reset r
            WHERE r.month = running AND r.clinic_id = clinic), 0)
    INTO counted;
    counted := greatest(counted, 0);
    INSERT INTO metering.quota_reset (clinic_id, month, units, reason)
    VALUES (clinic, running, counted, why) RETURNING id INTO entry;
    PERFORM metering.audit_quota(clinic, 'quota_reset', entry, jsonb_build_object(
        'month', to_char(running, 'YYYY-MM'), 'units', counted, 'reason', why, 'by', session_user));
    RETURN counted;
END
$$;
REVOKE ALL ON FUNCTION metering.reset_quota FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.reset_quota TO billing_admin;
