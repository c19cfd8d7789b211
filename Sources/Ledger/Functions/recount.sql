-- Counts the rows of these clinics again, daily or on request, and records what was wrong. A clinic
-- whose counter another transaction holds for long is an error (55P03) after ten seconds.
CREATE OR REPLACE FUNCTION metering.recount(clinics uuid[])
    RETURNS TABLE (clinic uuid, counter text, kept bigint, counted bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s'
AS $$
    WITH drift AS MATERIALIZED (
        SELECT * FROM metering.count_again(clinics)
    ), noted AS (
        INSERT INTO metering.counter_drift (clinic_id, counter, kept, counted) TABLE drift
    )
    TABLE drift
$$;
REVOKE ALL ON FUNCTION metering.recount FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.recount TO metering_worker, billing_admin;
