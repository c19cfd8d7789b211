-- Gives units of the running month back, once per id; returns whether the id was new, NULL for an
-- unknown clinic. Refuses the same id with other units (unique_violation), and more units than the
-- month has (BQ004). A refund is a correction of the month, so it lowers api_usage too. The
-- month's bucket is locked before its units are summed, and before the clinic's terms, as a roll-up
-- does.
CREATE OR REPLACE FUNCTION metering.refund_quota(clinic uuid, given bigint, refund text, why text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    running date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    name text := 'quota refund ' || clinic || ' ' || refund;
    counted numeric;
    entry bigint;
    known bigint;
BEGIN
    PERFORM FROM public.clinics c WHERE c.clinic_id = clinic;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF given NOT BETWEEN 1 AND 9007199254740991 OR char_length(refund) NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'units must be 1 to 2^53 - 1, and the id 1 to 100 characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO metering.usage_month (month, bucket) VALUES (running, metering.bucket(clinic))
    ON CONFLICT (month, bucket) DO NOTHING;
    PERFORM FROM metering.usage_month m
    WHERE m.month = running AND m.bucket = metering.bucket(clinic) FOR UPDATE;
    PERFORM metering.raise_config_version(ARRAY[clinic]);
    SELECT -a.units INTO known FROM metering.usage_adjustment a WHERE a.idempotency_key = name;
    IF FOUND THEN
        IF known <> given THEN
            RAISE EXCEPTION 'refund % of this clinic was recorded with % units', refund, known
                USING ERRCODE = 'unique_violation';
        END IF;
        RETURN false;
    END IF;
    SELECT coalesce((SELECT sum(u.used - u.credited) FROM metering.usage_checkpoint u
            WHERE u.month = running AND u.bucket = metering.bucket(clinic)
                AND u.clinic_id = clinic), 0)
        + coalesce((SELECT sum(a.units) FROM metering.usage_adjustment a
            WHERE a.month = running AND a.bucket = metering.bucket(clinic)
                AND a.clinic_id = clinic), 0)
    INTO counted;
    IF given > counted THEN
        RAISE EXCEPTION 'the month has only % units to give back', counted
            USING ERRCODE = 'BQ004';
    END IF;
    INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
    VALUES (running, clinic, -given, why, name) RETURNING id INTO entry;
    PERFORM metering.audit_quota(clinic, 'quota_refund', entry, jsonb_build_object(
        'month', to_char(running, 'YYYY-MM'), 'units', given, 'refund', refund, 'reason', why,
        'by', session_user));
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION metering.refund_quota FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.refund_quota TO billing_admin;
