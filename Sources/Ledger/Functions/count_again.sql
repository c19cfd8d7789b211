-- Counts the rows of these clinics again, under their locks, corrects the counters, and returns
-- where they were wrong. Under the lock no transaction is between its rows and their count, so a
-- snapshot taken after it sees both; an older snapshot cannot, and is refused. Reservations that
-- ended and counters of deleted clinics are removed. Rows that metering_owner cannot read are an
-- error, not a smaller count.
CREATE OR REPLACE FUNCTION metering.count_again(clinics uuid[])
    RETURNS TABLE (clinic uuid, counter text, kept bigint, counted bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'a recount needs a READ COMMITTED transaction'
            USING ERRCODE = '0A000';
    END IF;
    PERFORM metering.require_all_rows(
        'users', 'clinic_staff', 'patients', 'file_storage', 'clinics');
    PERFORM metering.lock_counters(clinics);
    WITH present AS (
        SELECT p.clinic_id, p.person, count(*)::int AS refs FROM (
            SELECT u.clinic_id, u.id AS person FROM public.users u WHERE u.clinic_id = ANY (clinics)
            UNION ALL
            SELECT t.clinic_id, t.user_id FROM public.clinic_staff t
            WHERE t.clinic_id = ANY (clinics) AND t.user_id IS NOT NULL
        ) AS p GROUP BY p.clinic_id, p.person
    ), gone AS (
        DELETE FROM metering.clinic_seat s WHERE s.clinic_id = ANY (clinics) AND NOT EXISTS (
            SELECT FROM present p WHERE p.clinic_id = s.clinic_id AND p.person = s.user_id)
    )
    INSERT INTO metering.clinic_seat AS seat (clinic_id, user_id, refs, change)
    SELECT p.clinic_id, p.person, p.refs, p.refs FROM present p
    ON CONFLICT (clinic_id, user_id) DO UPDATE SET refs = excluded.refs
    WHERE seat.refs <> excluded.refs;
    DELETE FROM metering.seat_reservation r
    WHERE r.clinic_id = ANY (clinics) AND (r.until <= clock_timestamp()
        OR NOT EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = r.clinic_id));
    RETURN QUERY
    WITH actual AS (
        SELECT c.clinic_id, c.users, c.patients, c.storage_bytes, c.reserved,
            (SELECT count(*) FROM metering.clinic_seat s WHERE s.clinic_id = c.clinic_id)
                AS seats_now,
            (SELECT count(*) FROM public.patients p WHERE p.clinic_id = c.clinic_id)
                AS patients_now,
            (SELECT coalesce(sum(f.size_bytes), 0)::bigint FROM public.file_storage f
             WHERE f.clinic_id = c.clinic_id) AS storage_now,
            (SELECT count(*) FROM metering.seat_reservation r WHERE r.clinic_id = c.clinic_id)
                AS reserved_now
        FROM metering.clinic_counter c WHERE c.clinic_id = ANY (clinics)
    ), corrected AS (
        UPDATE metering.clinic_counter c SET users = a.seats_now, patients = a.patients_now,
            storage_bytes = a.storage_now, reserved = a.reserved_now
        FROM actual a WHERE c.clinic_id = a.clinic_id
          AND (c.users, c.patients, c.storage_bytes, c.reserved)
              IS DISTINCT FROM (a.seats_now, a.patients_now, a.storage_now, a.reserved_now)
    )
    SELECT a.clinic_id, d.counter, d.kept, d.counted FROM actual a
    CROSS JOIN LATERAL (VALUES
        ('users', a.users, a.seats_now), ('patients', a.patients, a.patients_now),
        ('storage', a.storage_bytes, a.storage_now)) AS d (counter, kept, counted)
    WHERE d.kept <> d.counted ORDER BY a.clinic_id, d.counter;
    DELETE FROM metering.clinic_counter c
    WHERE c.clinic_id = ANY (clinics) AND c.users = 0 AND c.patients = 0 AND c.storage_bytes = 0
      AND NOT EXISTS (SELECT FROM public.clinics k WHERE k.clinic_id = c.clinic_id);
END
$$;
REVOKE ALL ON FUNCTION metering.count_again FROM PUBLIC;
