-- Gives a reserved seat back: the invitation was withdrawn, or the person's INSERT follows. In that
-- case run both in one transaction: it keeps the counter locked, so no other session gets the seat.
-- It acts only for the clinic in app.current_clinic_id. True when the seat was still reserved;
-- false is no reason to stop, the INSERT then needs a seat as any other.
CREATE OR REPLACE FUNCTION metering.release_seat(clinic uuid, invitation text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was_held boolean;
BEGIN
    PERFORM metering.require_current_clinic(clinic);
    PERFORM metering.lock_counters(ARRAY[clinic]);
    DELETE FROM metering.seat_reservation r WHERE r.clinic_id = clinic AND r.key = invitation
    RETURNING r.until > clock_timestamp() INTO was_held;
    IF was_held IS NOT NULL THEN
        PERFORM metering.note_reservations(clinic);
    END IF;
    RETURN coalesce(was_held, false);
END
$$;
REVOKE ALL ON FUNCTION metering.release_seat FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.release_seat TO clinic_app;
