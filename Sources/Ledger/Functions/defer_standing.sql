-- Defers a failed evaluation, so that it does not delay the others, and records it.
CREATE OR REPLACE FUNCTION metering.defer_standing(clinic uuid, why text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s'
BEGIN ATOMIC
    UPDATE metering.standing SET next_at = now() + interval '5 minutes' WHERE clinic_id = clinic;
    SELECT metering.note_attention('standing_failed', clinic, '', why);
END;
REVOKE ALL ON FUNCTION metering.defer_standing FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.defer_standing TO metering_worker, billing_admin;
