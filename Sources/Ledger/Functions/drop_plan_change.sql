-- Drops a waiting plan change, because the clinic has another subscription or none.
CREATE OR REPLACE FUNCTION metering.drop_plan_change(clinic uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE metering.plan_change SET dropped_at = clock_timestamp()
    WHERE clinic_id = clinic AND done_at IS NULL AND dropped_at IS NULL;
END;
REVOKE ALL ON FUNCTION metering.drop_plan_change FROM PUBLIC;
