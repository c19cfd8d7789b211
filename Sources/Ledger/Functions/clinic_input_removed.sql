-- Raises the config version of clinics that lost a row.
CREATE OR REPLACE FUNCTION metering.clinic_input_removed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM old_rows));
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.clinic_input_removed FROM PUBLIC;
