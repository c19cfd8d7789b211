-- Called when a program with a newer plan language starts: makes versions that only older programs
-- refused usable again. Returns how many.
CREATE OR REPLACE FUNCTION metering.reconsider_plans(language int) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plans int[];
BEGIN
    PERFORM FROM public.subscription_plans p WHERE p.plan_id IN (
        SELECT v.plan_id FROM metering.plan_version v WHERE v.refused_by < language AND NOT v.valid)
    ORDER BY p.plan_id FOR NO KEY UPDATE;
    WITH tried AS (
        UPDATE metering.plan_version v SET valid = true, problem = NULL, refused_by = NULL
        WHERE v.refused_by < language AND NOT v.valid RETURNING v.plan_id
    )
    SELECT array_agg(plan_id) INTO plans FROM tried;
    IF plans IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM metering.resolve_attention('refused_plan', NULL, plan::text) FROM unnest(plans) AS plan;
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id = ANY (plans)));
    RETURN cardinality(plans);
END
$$;
REVOKE ALL ON FUNCTION metering.reconsider_plans FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.reconsider_plans TO metering_worker;
