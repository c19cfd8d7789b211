-- Counts the staff that a statement adds, moves or removes, in its transaction. PostgreSQL gives
-- transition tables to one event each, so there are three triggers a table; TG_OP says which tables
-- exist. An upsert fires two of them, each with its own rows.
CREATE OR REPLACE FUNCTION metering.staff_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    clinics uuid[];
    people bigint[];
    changes bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- A team's own key may let a person have several roles in a clinic.
        SELECT array_agg(clinic_id), array_agg(user_id), array_agg(n) INTO clinics, people, changes
        FROM (SELECT clinic_id, user_id, count(*) AS n FROM new_rows
            WHERE clinic_id IS NOT NULL AND user_id IS NOT NULL GROUP BY clinic_id, user_id) AS t;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(clinic_id), array_agg(user_id), array_agg(n) INTO clinics, people, changes
        FROM (SELECT clinic_id, user_id, -count(*) AS n FROM old_rows
            WHERE clinic_id IS NOT NULL AND user_id IS NOT NULL GROUP BY clinic_id, user_id) AS t;
    ELSE
        SELECT array_agg(clinic_id), array_agg(user_id), array_agg(n) INTO clinics, people, changes
        FROM (
            SELECT clinic_id, user_id, sum(n)::bigint AS n FROM (
                SELECT clinic_id, user_id, 1 AS n FROM new_rows
                UNION ALL SELECT clinic_id, user_id, -1 FROM old_rows
            ) AS both_sides WHERE clinic_id IS NOT NULL AND user_id IS NOT NULL
            GROUP BY clinic_id, user_id HAVING sum(n) <> 0) AS t;
    END IF;
    PERFORM metering.seat_changes(clinics, people, changes);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.staff_changed FROM PUBLIC;
