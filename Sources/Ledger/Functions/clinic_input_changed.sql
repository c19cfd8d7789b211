-- Raises the config version of clinics with a changed row; a statement that changes nothing raises
-- nothing. Rows are compared as text: the team may give its tables columns of a type without
-- equality (json), and its UPDATE must go on running.
CREATE OR REPLACE FUNCTION metering.clinic_input_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'clinic_subscriptions' THEN
        PERFORM FROM public.subscription_plans
        WHERE plan_id IN (SELECT plan_id FROM new_rows) ORDER BY plan_id FOR SHARE;
    END IF;
    PERFORM metering.raise_config_version(ARRAY(
        WITH old_texts AS (SELECT o.clinic_id, o::text FROM old_rows o),
            new_texts AS (SELECT n.clinic_id, n::text FROM new_rows n)
        SELECT clinic_id FROM (
            (TABLE old_texts EXCEPT TABLE new_texts)
                UNION ALL (TABLE new_texts EXCEPT TABLE old_texts)
        ) AS changed));
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.clinic_input_changed FROM PUBLIC;
