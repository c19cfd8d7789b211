-- Applies the changes of one statement to seats: a person counts once, in however many ways the
-- person belongs to the clinic. Each person once in the arrays, which are of equal length.
CREATE OR REPLACE FUNCTION metering.seat_changes(clinics uuid[], people bigint[], changes bigint[])
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moved uuid[];
    seats bigint[];
BEGIN
    IF coalesce(cardinality(clinics), 0) = 0 THEN
        RETURN;
    END IF;
    -- The counters' locks also protect the seats.
    PERFORM metering.lock_counters(ARRAY(SELECT DISTINCT clinic FROM unnest(clinics) AS clinic));
    WITH named AS (
        INSERT INTO metering.clinic_seat AS seat (clinic_id, user_id, refs, change)
        SELECT clinic, person, amount, amount
        FROM unnest(clinics, people, changes) AS asked (clinic, person, amount)
        ON CONFLICT (clinic_id, user_id) DO UPDATE
        SET refs = seat.refs + excluded.refs, change = excluded.change
        RETURNING clinic_id, refs, change
    ), taken AS (
        SELECT clinic_id, sum((refs > 0)::int - (refs - change > 0)::int)::bigint AS amount
        FROM named GROUP BY clinic_id
    )
    SELECT array_agg(clinic_id), array_agg(amount) INTO moved, seats
    FROM taken WHERE amount <> 0;
    DELETE FROM metering.clinic_seat s USING unnest(clinics, people, changes)
        AS asked (clinic, person, amount)
    WHERE asked.amount < 0 AND s.clinic_id = asked.clinic AND s.user_id = asked.person
      AND s.refs = 0;
    PERFORM metering.count_changes('users', moved, seats);
END
$$;
REVOKE ALL ON FUNCTION metering.seat_changes FROM PUBLIC;
