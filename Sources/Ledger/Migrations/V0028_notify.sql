-- Tells workers that listen of what changed, at COMMIT. Whoever does not listen polls each second; both
-- read metering.clinic_config, so a message is only a nudge and may be lost.
--   metering_config  payload: the clinic whose config version rose, or '' when a statement raised several
--   metering_keys    payload: ''
--
-- COMMIT of a transaction that notifies takes one lock of the whole server, so such commits follow each
-- other. What is said here comes from edits of clinics, plans, subscriptions, overrides and keys, one
-- message a statement; counting and roll-ups say nothing.

CREATE FUNCTION metering.notify_config() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    raised text[] := ARRAY(SELECT clinic_id::text FROM new_rows LIMIT 2);
BEGIN
    IF cardinality(raised) > 0 THEN
        PERFORM pg_notify(
            'metering_config', CASE cardinality(raised) WHEN 1 THEN raised[1] ELSE '' END);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER notify_insert AFTER INSERT ON metering.clinic_config
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.notify_config();
CREATE TRIGGER notify_update AFTER UPDATE ON metering.clinic_config
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.notify_config();

CREATE FUNCTION metering.notify_keys() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('metering_keys', '');
    RETURN NULL;
END
$$;
-- The note of a key's last use changes none of these columns.
CREATE TRIGGER notify_keys AFTER INSERT OR DELETE
    OR UPDATE OF hash, scopes, clinics, expires_at, revoked_at ON metering.api_key
    FOR EACH STATEMENT EXECUTE FUNCTION metering.notify_keys();

REVOKE ALL ON FUNCTION metering.notify_config(), metering.notify_keys() FROM PUBLIC;
