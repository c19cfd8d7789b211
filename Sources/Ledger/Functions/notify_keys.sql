-- Notifies listening workers at COMMIT that an API key was created, changed or revoked: channel
-- metering_keys, payload ''.
CREATE OR REPLACE FUNCTION metering.notify_keys() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('metering_keys', '');
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.notify_keys FROM PUBLIC;
