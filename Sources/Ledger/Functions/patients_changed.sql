-- Counts the patients that a statement adds, moves or removes, in its transaction. PostgreSQL gives
-- transition tables to one event each, so there are three triggers a table; TG_OP says which tables
-- exist. An upsert fires two of them, each with its own rows.
CREATE OR REPLACE FUNCTION metering.patients_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    clinics uuid[];
    changes bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(clinic_id), array_agg(n) INTO clinics, changes FROM (
            SELECT clinic_id, count(*) AS n FROM new_rows
            WHERE clinic_id IS NOT NULL GROUP BY clinic_id) AS t;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(clinic_id), array_agg(n) INTO clinics, changes FROM (
            SELECT clinic_id, -count(*) AS n FROM old_rows
            WHERE clinic_id IS NOT NULL GROUP BY clinic_id) AS t;
    ELSE
        SELECT array_agg(clinic_id), array_agg(n) INTO clinics, changes FROM (
            SELECT clinic_id, sum(n)::bigint AS n FROM (
                SELECT clinic_id, 1 AS n FROM new_rows UNION ALL SELECT clinic_id, -1 FROM old_rows
            ) AS both_sides WHERE clinic_id IS NOT NULL GROUP BY clinic_id HAVING sum(n) <> 0) AS t;
    END IF;
    PERFORM metering.count_changes('patients', clinics, changes);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.patients_changed FROM PUBLIC;
