-- Marks a version that a program could not read, so that the version before it is used. False when
-- it was already marked. Raises the config version of every clinic of the plan, and waits for
-- clinics that are moving to it.
CREATE OR REPLACE FUNCTION metering.refuse_plan_version(
    refused_plan int, refused_version int, fault text, language int) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM public.subscription_plans p WHERE p.plan_id = refused_plan FOR NO KEY UPDATE;
    UPDATE metering.plan_version v SET valid = false, problem = left(fault, 500),
        refused_by = language
    WHERE v.plan_id = refused_plan AND v.version = refused_version AND v.valid;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM metering.note_attention('refused_plan', NULL, refused_plan::text,
        format('plan %s, version %s: %s', coalesce(
            (SELECT p.name FROM public.subscription_plans p WHERE p.plan_id = refused_plan),
                'of a past'),
            refused_version, fault));
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id = refused_plan));
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION metering.refuse_plan_version FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.refuse_plan_version TO metering_worker;
