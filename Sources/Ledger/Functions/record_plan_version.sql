-- Records a version of a plan unless its terms are those of the newest one. A version with a problem
-- is kept and never used.
--   terms  the key `metering` of its features      users, patients  NULL is −1, unlimited
CREATE OR REPLACE FUNCTION metering.record_plan_version(
    plan int, plan_name text, terms jsonb, users bigint, patients bigint, written_at timestamptz)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest metering.plan_version;
    fault text;
BEGIN
    users := coalesce(users, -1);
    patients := coalesce(patients, -1);
    SELECT * INTO newest FROM metering.plan_version v WHERE v.plan_id = plan
    ORDER BY v.version DESC LIMIT 1;
    IF FOUND AND (terms, users, patients)
        IS NOT DISTINCT FROM (newest.features, newest.max_users, newest.max_patients)
    THEN
        RETURN;
    END IF;
    fault := coalesce(metering.plan_problem(terms),
        CASE WHEN users < -1 THEN 'max_users is below -1'
            WHEN patients < -1 THEN 'max_patients is below -1' END);
    INSERT INTO metering.plan_version
        (plan_id, version, features, max_users, max_patients, effective_from, valid, problem)
    VALUES (plan, coalesce(newest.version, 0) + 1, terms, users, patients, written_at,
        fault IS NULL, left(fault, 500));
    -- The dunning schedule may have changed.
    UPDATE metering.standing h SET next_at = least(h.next_at, clock_timestamp())
    FROM public.clinic_subscriptions s
    WHERE s.clinic_id = h.clinic_id AND s.plan_id = plan AND h.unpaid_since IS NOT NULL;
    IF fault IS NULL THEN
        PERFORM metering.resolve_attention('refused_plan', NULL, plan::text);
    ELSE
        PERFORM metering.note_attention('refused_plan', NULL, plan::text, format(
            'plan %s, version %s: %s', plan_name, coalesce(newest.version, 0) + 1, fault));
    END IF;
END
$$;
REVOKE ALL ON FUNCTION metering.record_plan_version FROM PUBLIC;
