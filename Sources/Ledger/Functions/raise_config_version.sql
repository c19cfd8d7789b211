-- Raises the config version of these clinics, each once, in the order of their ids. Locks their
-- rows until commit. NULL means no clinic.
CREATE OR REPLACE FUNCTION metering.raise_config_version(clinics uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO metering.clinic_terms AS known (clinic_id)
    SELECT DISTINCT clinic FROM unnest(clinics) AS clinic WHERE clinic IS NOT NULL ORDER BY clinic
    ON CONFLICT (clinic_id) DO UPDATE
    SET config_version = known.config_version + 1, changed_xid = pg_current_xact_id();
END;
REVOKE ALL ON FUNCTION metering.raise_config_version FROM PUBLIC;
