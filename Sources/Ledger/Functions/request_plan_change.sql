-- Records a plan change and carries it out at once when it is due; an earlier waiting change is
-- dropped. Returns its number; refused without a subscription (BQ007).
CREATE OR REPLACE FUNCTION metering.request_plan_change(
    clinic uuid, new_plan int, effective timestamptz, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    change bigint;
    old_plan int;
BEGIN
    PERFORM metering.lock_standing(clinic);
    SELECT plan_id INTO old_plan FROM public.clinic_subscriptions WHERE clinic_id = clinic;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the clinic has no subscription' USING ERRCODE = 'BQ007',
            HINT = 'Start one with billing subscribe.';
    END IF;
    PERFORM metering.drop_plan_change(clinic);
    INSERT INTO metering.plan_change (clinic_id, from_plan, to_plan, effective_at, reason)
    VALUES (clinic, old_plan, new_plan, effective, why) RETURNING id INTO change;
    PERFORM metering.audit(clinic, 'plan_change_requested', 'plan_change', change, jsonb_build_object(
        'from_plan', old_plan, 'to_plan', new_plan, 'effective_at', effective, 'reason', why));
    PERFORM metering.apply_plan_change(change);
    RETURN change;
END
$$;
REVOKE ALL ON FUNCTION metering.request_plan_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.request_plan_change TO billing_admin;
