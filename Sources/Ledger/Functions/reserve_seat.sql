-- Reserves a seat for an invited person, or refuses with BQ001 when the plan has no seat left. With
-- the key of a live reservation, only its end changes. The application calls it; it
-- acts only for the clinic in app.current_clinic_id (docs/decisions/0012-seat-reservations.md).
--   invitation  the key, chosen by the application, 1 to 200 characters
--   ends_at     when the seat is free again if the person has not joined: in the future, at most
--               366 days ahead
-- True when a seat was taken, false when the invitation had one.
CREATE OR REPLACE FUNCTION metering.reserve_seat(clinic uuid, invitation text, ends_at timestamptz)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held metering.clinic_held;
    most bigint;
    is_new boolean;
BEGIN
    PERFORM metering.require_current_clinic(clinic);
    IF invitation IS NULL OR char_length(invitation) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'the key of a reservation must have 1 to 200 characters'
            USING ERRCODE = '22023';
    END IF;
    IF ends_at IS NULL OR ends_at <= clock_timestamp()
        OR ends_at > clock_timestamp() + interval '366 days'
    THEN
        RAISE EXCEPTION 'a reservation must end in the future, at most 366 days ahead'
            USING ERRCODE = '22023';
    END IF;
    IF NOT EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = clinic) THEN
        RAISE EXCEPTION 'this clinic does not exist' USING ERRCODE = '23503';
    END IF;
    PERFORM metering.lock_counters(ARRAY[clinic]);
    DELETE FROM metering.seat_reservation r
    WHERE r.clinic_id = clinic AND r.until <= clock_timestamp();
    SELECT * INTO held FROM metering.clinic_held h WHERE h.clinic_id = clinic;
    is_new := NOT EXISTS (
        SELECT FROM metering.seat_reservation r WHERE r.clinic_id = clinic AND r.key = invitation);
    IF is_new AND (SELECT enforced FROM metering.limit_mode) THEN
        most := metering.plan_limit(clinic, 'users');
        IF 1 > most - held.users - held.reserved THEN
            PERFORM metering.refuse_more('users', most, held.users + held.reserved, 1);
        END IF;
    END IF;
    IF is_new AND held.reserved >= 10000 THEN
        RAISE EXCEPTION 'a clinic can reserve at most 10000 seats'
            USING ERRCODE = '54000', HINT = 'Release some, or wait until some end.';
    END IF;
    INSERT INTO metering.seat_reservation (clinic_id, key, until)
    VALUES (clinic, invitation, ends_at)
    ON CONFLICT (clinic_id, key) DO UPDATE SET until = excluded.until;
    PERFORM metering.note_reservations(clinic);
    RETURN is_new;
END
$$;
REVOKE ALL ON FUNCTION metering.reserve_seat FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.reserve_seat TO clinic_app;
