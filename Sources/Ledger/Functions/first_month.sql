-- The first month that is metered; NULL where every month is.
CREATE OR REPLACE FUNCTION metering.first_month() RETURNS date
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT date_trunc('month', metering_since AT TIME ZONE 'UTC')::date
    FROM metering.installation WHERE kind = 'attached'
$$;
REVOKE ALL ON FUNCTION metering.first_month FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.first_month TO metering_worker, billing_admin, billing_viewer;
