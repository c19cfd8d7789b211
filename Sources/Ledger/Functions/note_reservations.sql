-- Sets in the counter how many reservations there are, so that older snapshots cannot add beside
-- them. Needs the counter's lock.
CREATE OR REPLACE FUNCTION metering.note_reservations(clinic uuid) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE metering.clinic_counter SET reserved = (
        SELECT count(*) FROM metering.seat_reservation r WHERE r.clinic_id = clinic)
    WHERE clinic_id = clinic
$$;
REVOKE ALL ON FUNCTION metering.note_reservations FROM PUBLIC;
