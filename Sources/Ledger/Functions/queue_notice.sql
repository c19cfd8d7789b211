-- Puts the dunning notice of one day of a debt into the outbox, once; false when it was already
-- queued.
CREATE OR REPLACE FUNCTION metering.queue_notice(
    clinic uuid, open_since timestamptz, of_day int, suspends timestamptz, cancels timestamptz)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE metering.standing SET noticed_since = open_since, noticed_day = of_day
    WHERE clinic_id = clinic
      AND (noticed_since IS DISTINCT FROM open_since OR noticed_day < of_day);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO metering.outbox (clinic_id, kind, payload)
    VALUES (clinic, 'dunning_notice', jsonb_build_object('clinic_id', clinic, 'day', of_day,
        'unpaid_since', open_since, 'suspends_at', suspends, 'cancels_at', cancels));
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION metering.queue_notice FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.queue_notice TO metering_worker, billing_admin;
