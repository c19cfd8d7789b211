-- Defers a failed plan change for five minutes and records it, so that it does not delay others.
CREATE OR REPLACE FUNCTION metering.defer_plan_change(change bigint, why text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s'
BEGIN ATOMIC
    UPDATE metering.plan_change SET next_try = now() + interval '5 minutes'
    WHERE id = change AND done_at IS NULL AND dropped_at IS NULL;
    SELECT metering.note_attention('plan_change_failed', c.clinic_id, '', why)
    FROM metering.plan_change c WHERE c.id = change AND c.done_at IS NULL AND c.dropped_at IS NULL;
END;
REVOKE ALL ON FUNCTION metering.defer_plan_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.defer_plan_change TO metering_worker, billing_admin;
