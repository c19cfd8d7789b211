-- Refuses a transaction that does not act for the clinic: app.current_clinic_id names another one,
-- or none.
CREATE OR REPLACE FUNCTION metering.require_current_clinic(clinic uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF clinic IS NULL
        OR clinic IS DISTINCT FROM nullif(current_setting('app.current_clinic_id', true), '')::uuid
    THEN
        RAISE EXCEPTION 'app.current_clinic_id does not name this clinic'
            USING ERRCODE = '42501',
            HINT = 'SET LOCAL app.current_clinic_id to the clinic_id first.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION metering.require_current_clinic FROM PUBLIC;
