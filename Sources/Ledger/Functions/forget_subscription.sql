-- What ends with a clinic's subscription: its standing, a waiting plan change, a finding about its
-- status.
CREATE OR REPLACE FUNCTION metering.forget_subscription(clinic uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM metering.standing WHERE clinic_id = clinic;
    PERFORM metering.drop_plan_change(clinic);
    PERFORM metering.resolve_attention('unknown_status', clinic, '');
END
$$;
REVOKE ALL ON FUNCTION metering.forget_subscription FROM PUBLIC;
