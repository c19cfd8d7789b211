-- Marks overrides that have ended, at most 1,000, and returns how many. Every worker calls it every
-- second; it skips rows that another worker has locked.
CREATE OR REPLACE FUNCTION metering.end_overrides() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH due AS (
        SELECT o.id FROM metering.clinic_override o WHERE o.ended_at IS NULL AND o.until <= now()
        ORDER BY o.clinic_id, o.id LIMIT 1000 FOR UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE metering.clinic_override o SET ended_at = now() FROM due WHERE o.id = due.id
            RETURNING 1
    )
    SELECT count(*) FROM ended;
END;
REVOKE ALL ON FUNCTION metering.end_overrides FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.end_overrides TO metering_worker;
