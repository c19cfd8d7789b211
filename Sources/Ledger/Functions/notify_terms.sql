-- Notifies listening workers at COMMIT that terms changed: channel metering_config, payload the
-- clinic whose config version rose, or '' when a statement raised several. Workers that do not
-- listen poll every second; both read metering.clinic_terms, so a message is only a hint and may be
-- lost.
--
-- COMMIT of a transaction that notifies takes one lock of the whole server, so such commits run
-- one by one. Messages come from edits of clinics, plans, subscriptions, overrides and keys, one a
-- statement; counting and roll-ups send none.
CREATE OR REPLACE FUNCTION metering.notify_terms() RETURNS trigger
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
REVOKE ALL ON FUNCTION metering.notify_terms FROM PUBLIC;
