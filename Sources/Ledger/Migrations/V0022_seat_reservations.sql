-- Keeps a seat free for somebody who was invited: two functions that the application calls.
--
-- Both act only for the clinic in app.current_clinic_id, whoever calls. When the invited person comes,
-- release_seat and his INSERT belong into one transaction: it holds the counter in between, so nobody
-- else gets the seat. Why so: docs/decisions/0012-seat-reservations.md.

CREATE FUNCTION metering.require_current_clinic(clinic uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF clinic IS NULL
        OR clinic IS DISTINCT FROM nullif(current_setting('app.current_clinic_id', true), '')::uuid
    THEN
        RAISE EXCEPTION 'this transaction does not act for the clinic'
            USING ERRCODE = '42501', HINT = 'SET LOCAL app.current_clinic_id to the clinic first.';
    END IF;
END
$$;

-- Says in the counter how many reservations there are, so that older snapshots cannot add beside them.
-- Under the counter's lock.
CREATE FUNCTION metering.note_reservations(clinic uuid) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE metering.clinic_counter SET reserved = (
        SELECT count(*) FROM metering.seat_reservation r WHERE r.clinic_id = clinic)
    WHERE clinic_id = clinic
$$;

-- Reserves a seat, or refuses with BQ001 where the plan has no room. With the key of a reservation that
-- still holds, only its end is set anew.
--   invitation  the key: the application's own word for it, 1 to 200 characters
--   ends_at     when the seat is free again if nobody came: in the future, at most 366 days ahead
-- True when a seat was taken, false when the invitation had one.
CREATE FUNCTION metering.reserve_seat(clinic uuid, invitation text, ends_at timestamptz)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held metering.clinic_held;
    most bigint;
    is_new boolean;
BEGIN
    PERFORM metering.require_current_clinic(clinic);
    IF invitation IS NULL OR char_length(invitation) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'the key of a reservation has 1 to 200 characters' USING ERRCODE = '22023';
    END IF;
    IF ends_at IS NULL OR ends_at <= clock_timestamp()
        OR ends_at > clock_timestamp() + interval '366 days'
    THEN
        RAISE EXCEPTION 'a reservation ends in the future, at most 366 days ahead'
            USING ERRCODE = '22023';
    END IF;
    IF NOT EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = clinic) THEN
        RAISE EXCEPTION 'there is no such clinic' USING ERRCODE = '23503';
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
        RAISE EXCEPTION 'a clinic reserves at most 10000 seats'
            USING ERRCODE = '54000', HINT = 'Release some, or let them end.';
    END IF;
    INSERT INTO metering.seat_reservation (clinic_id, key, until)
    VALUES (clinic, invitation, ends_at)
    ON CONFLICT (clinic_id, key) DO UPDATE SET until = excluded.until;
    PERFORM metering.note_reservations(clinic);
    RETURN is_new;
END
$$;

-- Gives a reserved seat back: the invitation was withdrawn, or the person's INSERT follows. True when it
-- was still reserved; false is no reason to stop, the INSERT then asks for a seat as any other.
CREATE FUNCTION metering.release_seat(clinic uuid, invitation text) RETURNS boolean
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

REVOKE ALL ON FUNCTION metering.require_current_clinic(uuid), metering.note_reservations(uuid),
    metering.reserve_seat(uuid, text, timestamptz), metering.release_seat(uuid, text) FROM PUBLIC;
-- The schema's names, and of all that is in it these two functions.
GRANT USAGE ON SCHEMA metering TO clinic_app;
GRANT EXECUTE ON FUNCTION metering.reserve_seat(uuid, text, timestamptz),
    metering.release_seat(uuid, text) TO clinic_app;
