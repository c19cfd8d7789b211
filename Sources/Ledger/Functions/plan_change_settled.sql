-- A change that had failed is done or dropped: its finding is resolved.
CREATE OR REPLACE FUNCTION metering.plan_change_settled() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM metering.resolve_attention('plan_change_failed', NEW.clinic_id, '');
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.plan_change_settled FROM PUBLIC;
