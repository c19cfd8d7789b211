-- Counts the users that a statement adds, moves or removes, in its transaction. PostgreSQL gives
-- transition tables to one event each, so there are three triggers a table; TG_OP says which tables
-- exist. An upsert fires two of them, each with its own rows.
CREATE OR REPLACE FUNCTION metering.users_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    clinics uuid[];
    people bigint[];
    changes bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(clinic_id), array_agg(id), array_agg(1) INTO clinics, people, changes
        FROM new_rows WHERE clinic_id IS NOT NULL;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(clinic_id), array_agg(id), array_agg(-1) INTO clinics, people, changes
        FROM old_rows WHERE clinic_id IS NOT NULL;
    ELSE
        SELECT array_agg(clinic_id), array_agg(id), array_agg(n) INTO clinics, people, changes
            FROM (
            SELECT clinic_id, id, sum(n)::bigint AS n FROM (
                SELECT clinic_id, id, 1 AS n FROM new_rows
                UNION ALL SELECT clinic_id, id, -1 FROM old_rows
            ) AS both_sides WHERE clinic_id IS NOT NULL
            GROUP BY clinic_id, id HAVING sum(n) <> 0) AS t;
    END IF;
    PERFORM metering.seat_changes(clinics, people, changes);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.users_changed FROM PUBLIC;
