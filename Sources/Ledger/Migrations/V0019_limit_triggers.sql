-- Counts every statement that adds, moves or removes people, patients and files, in its transaction.
-- PostgreSQL gives transition tables to one event each, so there are three triggers a table; a function
-- sees by TG_OP which tables it has. An upsert fires two of them, each with its own rows.

CREATE FUNCTION metering.patients_changed() RETURNS trigger
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

CREATE FUNCTION metering.files_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    clinics uuid[];
    changes bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(clinic_id), array_agg(n) INTO clinics, changes FROM (
            SELECT clinic_id, sum(size_bytes)::bigint AS n FROM new_rows
            WHERE clinic_id IS NOT NULL GROUP BY clinic_id HAVING sum(size_bytes) <> 0) AS t;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(clinic_id), array_agg(n) INTO clinics, changes FROM (
            SELECT clinic_id, -sum(size_bytes)::bigint AS n FROM old_rows
            WHERE clinic_id IS NOT NULL GROUP BY clinic_id HAVING sum(size_bytes) <> 0) AS t;
    ELSE
        SELECT array_agg(clinic_id), array_agg(n) INTO clinics, changes FROM (
            SELECT clinic_id, sum(n)::bigint AS n FROM (
                SELECT clinic_id, size_bytes AS n FROM new_rows
                UNION ALL SELECT clinic_id, -size_bytes FROM old_rows
            ) AS both_sides WHERE clinic_id IS NOT NULL GROUP BY clinic_id HAVING sum(n) <> 0) AS t;
    END IF;
    PERFORM metering.count_changes('storage', clinics, changes);
    RETURN NULL;
END
$$;

CREATE FUNCTION metering.users_changed() RETURNS trigger
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
        SELECT array_agg(clinic_id), array_agg(id), array_agg(n) INTO clinics, people, changes FROM (
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

CREATE FUNCTION metering.staff_changed() RETURNS trigger
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

-- Counts the rows of these clinics again, under their locks, sets the counters right, and answers where
-- they were wrong. Under the lock nobody is between his rows and their count, so a snapshot taken after it
-- sees both; an older snapshot cannot, and is refused. Reservations that ended and counters of clinics that
-- are gone are removed. Where row security binds the count too, the policy metering_owner_all must show it
-- every row: rows that are hidden are an error, not a smaller count. (row_security off would be the same in a
-- new database, and refuse to read the team's own tables in an attached one, whatever the policy shows.)
CREATE FUNCTION metering.count_again(clinics uuid[])
    RETURNS TABLE (clinic uuid, counter text, kept bigint, counted bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hiding text;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'counters are counted again in a READ COMMITTED transaction'
            USING ERRCODE = '0A000';
    END IF;
    SELECT min(t.name) INTO hiding
    FROM unnest(ARRAY['users', 'clinic_staff', 'patients', 'file_storage', 'clinics']) AS t (name)
    WHERE row_security_active('public.' || t.name) AND (
        NOT EXISTS (SELECT FROM pg_policy p WHERE p.polname = 'metering_owner_all'
            AND p.polrelid = to_regclass('public.' || t.name))
        OR EXISTS (SELECT FROM pg_policy p WHERE NOT p.polpermissive AND 0 = ANY (p.polroles)
            AND p.polrelid = to_regclass('public.' || t.name)));
    IF hiding IS NOT NULL THEN
        RAISE EXCEPTION 'row security of % hides rows from counting', hiding
            USING ERRCODE = '42501', TABLE = hiding, SCHEMA = 'public',
            HINT = 'Force it with metering-worker migrate --force-rls, which lets counting see all rows.';
    END IF;
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
    ), mended AS (
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

-- The same, once a day or when somebody asks: what was wrong is recorded too. A clinic whose counter is
-- held for long by another transaction is an error (55P03) after ten seconds.
CREATE FUNCTION metering.recount(clinics uuid[])
    RETURNS TABLE (clinic uuid, counter text, kept bigint, counted bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s'
AS $$
    WITH drift AS MATERIALIZED (
        SELECT * FROM metering.count_again(clinics)
    ), noted AS (
        INSERT INTO metering.counter_drift (clinic_id, counter, kept, counted) TABLE drift
    )
    TABLE drift
$$;

-- TRUNCATE fires no trigger that sees its rows. Where limits are enforced it is refused, unless the
-- table's owner says SET LOCAL metering.allow_truncate = on; then, and while observing, all is counted
-- again.
CREATE FUNCTION metering.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller name := CASE current_setting('role')
        WHEN 'none' THEN session_user ELSE current_setting('role') END;
BEGIN
    IF NOT (SELECT enforced FROM metering.limit_mode) THEN
        RETURN NULL;
    END IF;
    IF current_setting('metering.allow_truncate', true) IS DISTINCT FROM 'on' OR NOT pg_has_role(
        caller, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')
    THEN
        RAISE EXCEPTION 'TRUNCATE of % would hide from the limits', TG_TABLE_NAME
            USING ERRCODE = 'BQ004', HINT = 'Use DELETE, or as the owner of the table: '
                'SET LOCAL metering.allow_truncate = on';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION metering.count_after_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM metering.count_again(ARRAY(SELECT clinic_id FROM metering.clinic_counter));
    RETURN NULL;
END
$$;

-- Lets one of the four tables be counted from now on, with all its partitions: a statement that names a
-- partition fires only the partition's own triggers. To be repeated, by the owner of the table, for a
-- partition that was made later. Not SECURITY DEFINER: who may not create triggers there, may not here.
CREATE FUNCTION metering.count_rows_of(counted regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    handler text := CASE counted
        WHEN 'public.users'::regclass THEN 'users_changed'
        WHEN 'public.clinic_staff'::regclass THEN 'staff_changed'
        WHEN 'public.patients'::regclass THEN 'patients_changed'
        WHEN 'public.file_storage'::regclass THEN 'files_changed' END;
    relation regclass;
BEGIN
    IF handler IS NULL THEN
        RAISE EXCEPTION '% is not a table with limits', counted USING ERRCODE = '22023';
    END IF;
    FOR relation IN SELECT counted UNION SELECT relid FROM pg_partition_tree(counted) LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER count_insert AFTER INSERT ON %s'
            ' REFERENCING NEW TABLE AS new_rows'
            ' FOR EACH STATEMENT EXECUTE FUNCTION metering.%I()', relation, handler);
        EXECUTE format('CREATE OR REPLACE TRIGGER count_update AFTER UPDATE ON %s'
            ' REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
            ' FOR EACH STATEMENT EXECUTE FUNCTION metering.%I()', relation, handler);
        EXECUTE format('CREATE OR REPLACE TRIGGER count_delete AFTER DELETE ON %s'
            ' REFERENCING OLD TABLE AS old_rows'
            ' FOR EACH STATEMENT EXECUTE FUNCTION metering.%I()', relation, handler);
        EXECUTE format('CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION metering.refuse_truncate()', relation);
        EXECUTE format('CREATE OR REPLACE TRIGGER count_truncate AFTER TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION metering.count_after_truncate()', relation);
    END LOOP;
END
$$;

-- Nobody may write between the first count and the triggers.
LOCK TABLE public.users, public.clinic_staff, public.patients, public.file_storage
    IN SHARE ROW EXCLUSIVE MODE;
SELECT metering.count_rows_of(counted) FROM unnest(ARRAY['public.users', 'public.clinic_staff',
    'public.patients', 'public.file_storage']::regclass[]) AS counted;
SELECT metering.count_again(ARRAY(SELECT clinic_id FROM public.clinics));

DO $$
DECLARE
    kept regclass;
BEGIN
    FOREACH kept IN ARRAY ARRAY['metering.limit_mode', 'metering.clinic_counter',
        'metering.clinic_seat', 'metering.seat_reservation', 'metering.counter_drift']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY readers ON %s FOR SELECT TO metering_worker, billing_admin'
            ' USING (true)', kept);
        EXECUTE format('GRANT SELECT ON %s TO metering_worker, billing_admin', kept);
    END LOOP;
END
$$;
GRANT SELECT ON metering.clinic_held TO metering_worker, billing_admin;
CREATE POLICY admin_changes ON metering.limit_mode FOR UPDATE TO billing_admin
    USING (true) WITH CHECK (true);
GRANT UPDATE (enforced, changed_at, changed_by) ON metering.limit_mode TO billing_admin;

REVOKE ALL ON FUNCTION metering.plan_limit(uuid, text), metering.lock_counters(uuid[]),
    metering.refuse_more(text, bigint, bigint, bigint),
    metering.count_simply(text, uuid, bigint, bigint),
    metering.count_changes(text, uuid[], bigint[]),
    metering.seat_changes(uuid[], bigint[], bigint[]), metering.count_again(uuid[]),
    metering.recount(uuid[]), metering.count_rows_of(regclass),
    metering.patients_changed(), metering.files_changed(), metering.users_changed(),
    metering.staff_changed(), metering.refuse_truncate(), metering.count_after_truncate()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.plan_limit(uuid, text), metering.recount(uuid[])
    TO metering_worker, billing_admin;
