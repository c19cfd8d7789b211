-- TRUNCATE fires no trigger that sees its rows. After it no clinic has a subscription, so waiting
-- plan changes are dropped: they must not apply to a later subscription.
CREATE OR REPLACE FUNCTION metering.subscriptions_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM metering.standing;
    UPDATE metering.plan_change SET dropped_at = clock_timestamp()
    WHERE done_at IS NULL AND dropped_at IS NULL;
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM metering.clinic_terms));
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.subscriptions_truncated FROM PUBLIC;
