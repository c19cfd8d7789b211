-- Raises the config version of clinics that got a row. An edit of the plan and a move to it wait
-- for each other: the second of them raises last.
CREATE OR REPLACE FUNCTION metering.clinic_input_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'clinic_subscriptions' THEN
        PERFORM FROM public.subscription_plans
        WHERE plan_id IN (SELECT plan_id FROM new_rows) ORDER BY plan_id FOR SHARE;
    END IF;
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM new_rows));
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.clinic_input_added FROM PUBLIC;
