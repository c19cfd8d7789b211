-- Records one move: the event, its entry in the audit log, and the message in the outbox. Returns
-- the event's number.
CREATE OR REPLACE FUNCTION metering.note_move(
    clinic uuid, old_status text, new_status text, why text, moved_at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint;
    message jsonb;
BEGIN
    INSERT INTO metering.subscription_event (clinic_id, from_status, to_status, cause, at)
    VALUES (clinic, old_status, new_status, why, moved_at) RETURNING event_id INTO event;
    message := jsonb_build_object('clinic_id', clinic, 'event_id', event, 'from', old_status,
        'to', new_status, 'cause', why, 'at', moved_at);
    PERFORM metering.audit(clinic, 'standing_changed', 'subscription_event', event, message);
    INSERT INTO metering.outbox (clinic_id, kind, payload)
        VALUES (clinic, 'standing_changed', message);
    RETURN event;
END
$$;
REVOKE ALL ON FUNCTION metering.note_move FROM PUBLIC;
