-- Carries out a due plan change. False when it is done, dropped or not due.
CREATE OR REPLACE FUNCTION metering.apply_plan_change(change bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked metering.plan_change;
    message jsonb;
BEGIN
    PERFORM metering.lock_standing(clinic_id) FROM metering.plan_change WHERE id = change;
    SELECT * INTO asked FROM metering.plan_change
    WHERE id = change AND done_at IS NULL AND dropped_at IS NULL
        AND effective_at <= clock_timestamp()
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM public.subscription_plans WHERE plan_id = asked.to_plan FOR KEY SHARE;
    IF NOT FOUND THEN
        PERFORM metering.drop_plan_change(asked.clinic_id);
        PERFORM metering.note_attention('plan_change_dropped', asked.clinic_id, '',
            'the plan that the clinic was to move to does not exist any more');
        RETURN false;
    END IF;
    UPDATE public.clinic_subscriptions SET plan_id = asked.to_plan
        WHERE clinic_id = asked.clinic_id;
    IF NOT FOUND THEN
        UPDATE metering.plan_change SET dropped_at = clock_timestamp() WHERE id = change;
        RETURN false;
    END IF;
    UPDATE metering.plan_change SET done_at = clock_timestamp() WHERE id = change;
    message := jsonb_build_object('clinic_id', asked.clinic_id, 'change_id', change,
        'from_plan', asked.from_plan, 'to_plan', asked.to_plan, 'reason', asked.reason);
    PERFORM metering.audit(asked.clinic_id, 'plan_changed', 'plan_change', change, message);
    INSERT INTO metering.outbox (clinic_id, kind, payload)
    VALUES (asked.clinic_id, 'plan_changed', message);
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION metering.apply_plan_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.apply_plan_change TO metering_worker, billing_admin;
