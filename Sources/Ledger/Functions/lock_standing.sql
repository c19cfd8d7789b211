-- Locks what an evaluation of a clinic needs, so that they run one at a time. The subscription
-- comes first, because a statement of the team locks it before the standing too.
CREATE OR REPLACE FUNCTION metering.lock_standing(clinic uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('metering.standing ' || clinic, 0));
    PERFORM FROM public.clinic_subscriptions WHERE clinic_id = clinic FOR NO KEY UPDATE;
    PERFORM FROM metering.standing WHERE clinic_id = clinic FOR UPDATE;
END
$$;
REVOKE ALL ON FUNCTION metering.lock_standing FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.lock_standing TO metering_worker, billing_admin;
