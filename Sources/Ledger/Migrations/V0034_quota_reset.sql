-- A quota that begins anew within a month, and units given back, each for a reason and in the audit log.
--
-- Neither changes what was counted. A reset leaves api_usage alone and lowers what the quota is compared
-- with: the units counted until then no longer weigh. A refund is a correction of the month, so it
-- lowers both.

-- units = cost units of the month counted when it was made, less those of earlier resets: what this reset
-- takes off the quota's sum.
CREATE TABLE metering.quota_reset (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    units bigint NOT NULL CHECK (units BETWEEN 0 AND 9007199254740991),
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    created_by name NOT NULL DEFAULT session_user,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quota_reset_month ON metering.quota_reset (clinic_id, month);

-- Writes a line of the clinic's audit log. A team that keeps audit_logs by row security names the clinic in
-- app.current_clinic_id: so is done here, and the caller's own value brought back.
CREATE FUNCTION metering.audit_quota(clinic uuid, action text, entry bigint, details jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller text := coalesce(current_setting('app.current_clinic_id', true), '');
BEGIN
    PERFORM set_config('app.current_clinic_id', clinic::text, true);
    INSERT INTO public.audit_logs (clinic_id, action, entity_type, entity_id, details)
    VALUES (clinic, action, 'quota', entry, details);
    PERFORM set_config('app.current_clinic_id', caller, true);
END
$$;

-- Begins the quota of the running month anew; answers the units that no longer weigh, NULL for an unknown
-- clinic. Two at once follow each other by the lock of the clinic's configuration.
CREATE FUNCTION metering.reset_quota(clinic uuid, why text) RETURNS bigint
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
    -- Before the sum, so that a second reset sees the first.
    PERFORM metering.raise_config_version(ARRAY[clinic]);
    SELECT coalesce((SELECT sum(u.used - u.credited) FROM metering.usage_checkpoint u
            WHERE u.month = running AND u.bucket = metering.bucket(clinic) AND u.clinic_id = clinic), 0)
        + coalesce((SELECT sum(a.units) FROM metering.usage_adjustment a
            WHERE a.month = running AND a.bucket = metering.bucket(clinic) AND a.clinic_id = clinic), 0)
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

-- Gives units of the running month back, once for each id; answers whether it was new. The same id with
-- other units is refused (unique_violation), and so is more than the month has (BQ004).
CREATE FUNCTION metering.refund_quota(clinic uuid, given bigint, refund text, why text)
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
        RAISE EXCEPTION 'units are 1 to 2^53 - 1, an id has 1 to 100 characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM metering.raise_config_version(ARRAY[clinic]);
    SELECT -a.units INTO known FROM metering.usage_adjustment a WHERE a.idempotency_key = name;
    IF FOUND THEN
        IF known <> given THEN
            RAISE EXCEPTION 'refund % of this clinic is known with % units', refund, known
                USING ERRCODE = 'unique_violation';
        END IF;
        RETURN false;
    END IF;
    SELECT coalesce((SELECT sum(u.used - u.credited) FROM metering.usage_checkpoint u
            WHERE u.month = running AND u.bucket = metering.bucket(clinic) AND u.clinic_id = clinic), 0)
        + coalesce((SELECT sum(a.units) FROM metering.usage_adjustment a
            WHERE a.month = running AND a.bucket = metering.bucket(clinic) AND a.clinic_id = clinic), 0)
    INTO counted;
    IF given > counted THEN
        RAISE EXCEPTION 'the month has % units, fewer than are given back', counted
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

ALTER TABLE metering.quota_reset ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.quota_reset FOR SELECT TO metering_worker, billing_admin
    USING (true);
GRANT SELECT ON metering.quota_reset TO metering_worker, billing_admin;
REVOKE ALL ON FUNCTION metering.audit_quota(uuid, text, bigint, jsonb),
    metering.reset_quota(uuid, text), metering.refund_quota(uuid, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.reset_quota(uuid, text),
    metering.refund_quota(uuid, bigint, text, text) TO billing_admin;
