-- After a row of clinic_subscriptions is stored: compares its status with the standing, which is due
-- when another column changed.
-- Row triggers run after all BEFORE triggers, so this sees the row as it is stored, whatever wrote
-- it.
-- The plans are locked before the standing: an edit of a plan locks the plan before it reaches the
-- standings of its clinics.
CREATE OR REPLACE FUNCTION metering.subscription_written() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM public.subscription_plans WHERE plan_id IN (
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.plan_id END,
        CASE WHEN TG_OP <> 'DELETE' THEN NEW.plan_id END)
    ORDER BY plan_id FOR SHARE;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND NEW.clinic_id <> OLD.clinic_id) THEN
        PERFORM metering.forget_subscription(OLD.clinic_id);
        IF TG_OP = 'DELETE' THEN
            RETURN NULL;
        END IF;
    END IF;
    IF metering.note_status(NEW.clinic_id, NEW.payment_status) AND TG_OP = 'UPDATE'
        AND to_jsonb(NEW) - 'payment_status' IS DISTINCT FROM to_jsonb(OLD) - 'payment_status'
    THEN
        UPDATE metering.standing SET next_at = clock_timestamp() WHERE clinic_id = NEW.clinic_id;
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.subscription_written FROM PUBLIC;
